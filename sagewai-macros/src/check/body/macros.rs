//! Macros in a body. What they expand to is not known here, and an await hidden in one would not be durable; so
//! their arguments are read where they are plain expressions, and else an await in them is refused.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::visit_mut::VisitMut;
use syn::{Expr, Macro, Token};

use super::{Reader, branches, nondeterminism};
use crate::text;

/// Macros whose arguments are expressions, evaluated where they stand.
const EXPRESSIONS: &[&str] = &[
    "anyhow",
    "assert",
    "assert_eq",
    "assert_ne",
    "bail",
    "dbg",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "ensure",
    "eprint",
    "eprintln",
    "eyre",
    "format",
    "format_args",
    "panic",
    "print",
    "println",
    "todo",
    "unimplemented",
    "unreachable",
    "vec",
    "write",
    "writeln",
];

/// Macros with a syntax of their own that await nothing.
const SYNCHRONOUS: &[&str] = &[
    "cfg",
    "column",
    "compile_error",
    "concat",
    "debug",
    "env",
    "error",
    "event",
    "file",
    "include_bytes",
    "include_str",
    "info",
    "json",
    "line",
    "log",
    "matches",
    "module_path",
    "option_env",
    "span",
    "stringify",
    "trace",
    "warn",
];

/// Macros that await several things at once.
const CONCURRENT: &[&str] = &[
    "join",
    "join_all",
    "race",
    "select",
    "select_biased",
    "try_join",
    "try_select",
];

/// Macros that make futures or streams.
const ASYNCHRONOUS: &[&str] = &["pin", "poll", "stream", "try_stream"];

/// Whether a macro is refused by its name.
pub(super) fn is_refused(invocation: &Macro) -> bool {
    let name = name(invocation);
    let is_ours = branches::combinator(invocation).is_some();
    !is_ours && (is_in(CONCURRENT, &name) || is_in(ASYNCHRONOUS, &name))
}

impl Reader<'_> {
    pub(super) fn read_macro(&mut self, invocation: &mut Macro) {
        let name = name(invocation);
        if is_refused(invocation) {
            let instead = match name.as_str() {
                "join" | "try_join" | "race" => {
                    format!("use `sagewai::{name}!`, which takes the same branches")
                }
                "join_all" => "use `sagewai::map(items, |item| ..)`".to_owned(),
                "select" | "select_biased" | "try_select" => {
                    "use `sagewai::race!`: `match race!(a(x), b(y)).await { Won2::A(a) => .., Won2::B(b) => .. }`"
                        .to_owned()
                }
                _ => "do this in a `#[step]`".to_owned(),
            };
            let path = text::of_type(&invocation.path);
            let text = format!(
                "`{path}!` awaits where `#[workflow]` cannot see it, so a replay would not be durable\n{instead}"
            );
            return self.refuse(&invocation.path, text);
        }
        if self.exempt == 0
            && let Some(text) = nondeterminism::refusal_of_printing(&name)
        {
            self.refuse(&invocation.path, text);
        }
        if is_in(EXPRESSIONS, &name) && self.read_arguments(invocation) {
            return;
        }
        let hides = self.refuse_hidden(invocation, &name);
        let known = is_in(EXPRESSIONS, &name) || is_in(SYNCHRONOUS, &name);
        self.foreign_macro |= !known && !hides;
    }

    /// Reads the arguments as expressions; says whether they are.
    fn read_arguments(&mut self, invocation: &mut Macro) -> bool {
        let parse = Punctuated::<Expr, Token![,]>::parse_terminated;
        let Ok(mut arguments) = invocation.parse_body_with(parse) else {
            return false;
        };
        let before = self.sites.len();
        for argument in &mut arguments {
            match argument {
                // `name = value` of a format string.
                Expr::Assign(named) => self.visit_expr_mut(&mut named.right),
                argument => self.visit_expr_mut(argument),
            }
        }
        if self.sites.len() > before {
            invocation.tokens = arguments.into_token_stream();
        }
        true
    }

    /// Refuses what can be seen in the tokens of a macro; says whether there is an await.
    fn refuse_hidden(&mut self, invocation: &Macro, name: &str) -> bool {
        let keyword = find_await(invocation.tokens.clone());
        if let Some(keyword) = &keyword {
            let text = format!(
                "`#[workflow]` cannot see an `.await` inside `{name}!`\nbind the value with `let` first and pass the variable"
            );
            self.refuse(keyword, text);
        }
        for path in nondeterminism::paths_in(invocation.tokens.clone()) {
            self.judge(&path);
        }
        keyword.is_some()
    }
}

fn name(invocation: &Macro) -> String {
    let last = invocation.path.segments.last();
    last.map_or_else(String::new, |segment| text::of_name(&segment.ident))
}

fn is_in(list: &[&str], name: &str) -> bool {
    list.contains(&name)
}

fn find_await(tokens: TokenStream) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(name) if name == "await" => Some(name),
        TokenTree::Group(group) => find_await(group.stream()),
        _ => None,
    })
}
