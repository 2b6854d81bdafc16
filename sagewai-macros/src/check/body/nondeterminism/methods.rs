//! Methods that look outside: at a clock, a file system, a value that all runs of a process share.

use syn::{Expr, ExprMethodCall, Ident};

use crate::check::body::callee;
use crate::check::body::names::Names;

/// Methods by name and number of arguments, what they do, and what to write instead.
const METHODS: &[(&str, usize, &str, &str)] = &[
    (
        "elapsed",
        0,
        "reads the clock, which differs from one replay to the next",
        "take `sagewai::now().await` again and use `duration_since`",
    ),
    (
        "exists",
        0,
        "looks at files, which differ from one replay to the next",
        "look in a `#[step]`",
    ),
    (
        "try_exists",
        0,
        "looks at files, which differ from one replay to the next",
        "look in a `#[step]`",
    ),
    (
        "canonicalize",
        0,
        "looks at files, which differ from one replay to the next",
        "look in a `#[step]`",
    ),
    (
        "read_dir",
        0,
        "looks at files, which differ from one replay to the next",
        "look in a `#[step]`",
    ),
    (
        "block_on",
        1,
        "waits where the engine cannot see it, and holds up the worker",
        "put this work into a `#[step] async fn` and await that step",
    ),
];

/// Methods of atomics, locks and cells.
const SHARED: &[&str] = &[
    "borrow_mut",
    "compare_exchange",
    "compare_exchange_weak",
    "fetch_add",
    "fetch_and",
    "fetch_max",
    "fetch_min",
    "fetch_or",
    "fetch_sub",
    "fetch_update",
    "get_or_init",
    "load",
    "lock",
    "store",
    "swap",
    "try_lock",
    "with",
    "with_borrow",
    "with_borrow_mut",
];

/// The same, where they take no argument: `WORDS.read(text)` is something else.
const SHARED_WITHOUT_ARGUMENT: &[&str] = &["read", "try_read", "try_write", "write"];

/// Why this call cannot stand in a body.
pub(in crate::check::body) fn refusal(names: &Names, call: &ExprMethodCall) -> Option<String> {
    let method = call.method.to_string();
    let known = METHODS
        .iter()
        .find(|(name, arguments, ..)| method == *name && call.args.len() == *arguments);
    if let Some((_, _, why, instead)) = known {
        let text = format!(
            "`.{method}({})` {why}, so it cannot stand in a workflow body\n{instead}",
            if call.args.is_empty() { "" } else { ".." }
        );
        return Some(text);
    }
    let shared = SHARED.contains(&method.as_str())
        || call.args.is_empty() && SHARED_WITHOUT_ARGUMENT.contains(&method.as_str());
    let held = a_static(names, &call.receiver).filter(|_| shared)?;
    Some(shared_by_all(&held))
}

/// Why a value cannot be assigned here.
pub(in crate::check::body) fn refusal_of_assignment(names: &Names, to: &Expr) -> Option<String> {
    match callee::peel(to) {
        Expr::Field(field) => refusal_of_assignment(names, &field.base),
        Expr::Index(index) => refusal_of_assignment(names, &index.expr),
        to => a_static(names, to).map(|held| shared_by_all(&held)),
    }
}

fn shared_by_all(held: &Ident) -> String {
    format!(
        "`{held}` is shared by all runs of a process and differs from one replay to the next, \
         so it cannot stand in a workflow body\n\
         keep the value in a local variable, pass it in as an argument, or use it in a `#[step]`"
    )
}

/// The name of what looks like a `static`.
fn a_static(names: &Names, receiver: &Expr) -> Option<Ident> {
    let Expr::Path(path) = callee::peel(receiver) else {
        return None;
    };
    if names.is_own(&path.path) {
        return None;
    }
    let last = &path.path.segments.last()?.ident;
    let name = last.to_string();
    let mut letters = name
        .chars()
        .filter(|letter| letter.is_alphabetic())
        .peekable();
    let upper = letters.peek().is_some() && letters.all(char::is_uppercase);
    upper.then(|| last.clone())
}
