//! What differs from one replay to the next, by name, and what to write instead.
//!
//! A name can be the author's own: a module `fs`, a type `Instant`. Where tokens do not tell, the compiler is asked
//! what stands behind it. A name can also be hidden behind an alias or a helper, so the engine compares positions and
//! inputs as well; these rules are for the mistakes people make.

mod methods;
mod rules;
mod tokens;

use syn::{Ident, Path, UseTree};

use super::names::Names;
use crate::model::Suspect;
use crate::place;
use rules::{RULES, Rule};

pub(super) use methods::{refusal as refusal_of_method, refusal_of_assignment};
pub(super) use tokens::paths_in;

/// What is to be said of a path.
pub(super) enum Verdict {
    /// It cannot stand in a body, for this reason.
    Refused(String),
    /// It cannot, unless it is something of the author's own.
    Suspected(Suspect),
}

/// Judges a path of a body.
pub(super) fn judge(names: &Names, path: &Path) -> Option<Verdict> {
    if names.is_own(path) {
        return None;
    }
    let written = names_of(path);
    let outside = names.outside_path(path);
    let spelled = outside.as_ref().map_or_else(|| written.clone(), names_of);
    let from_globs = names
        .uses()
        .iter()
        .flat_map(|item| globs(&item.tree, Vec::new()));
    let spelled_by_globs = from_globs.map(|glob| [glob, written.clone()].concat());
    for full in std::iter::once(spelled.clone()).chain(spelled_by_globs) {
        if let Some(rule) = RULES.iter().find(|rule| rule.has_full(&full)) {
            return Some(Verdict::Refused(refusal(rule, &written)));
        }
    }
    if let Some(rule) = RULES.iter().find(|rule| rule.has_name(&spelled)) {
        return Some(Verdict::Refused(refusal(rule, &written)));
    }
    let (rule, asked) = RULES
        .iter()
        .find_map(|rule| Some((rule, rule.asks(&spelled)?)))?;
    let mut owner = path.clone();
    owner.segments.pop();
    let colons = owner.segments.pop_punct()?.spans[0];
    Some(Verdict::Suspected(Suspect {
        owner,
        asked,
        uses: names.uses().to_vec(),
        at: place::ends(path),
        colons,
        text: refusal(rule, &written),
    }))
}

/// The message for a macro that writes to the terminal.
pub(super) fn refusal_of_printing(name: &str) -> Option<String> {
    let prints = ["dbg", "eprint", "eprintln", "print", "println"].contains(&name);
    prints.then(|| {
        format!(
            "`{name}!` would print again on every replay, so it cannot stand in a workflow body\n\
             print in a `#[step]`, where it happens once"
        )
    })
}

fn refusal(rule: &Rule, names: &[String]) -> String {
    format!(
        "`{}` {}, so it cannot stand in a workflow body\n{}",
        names.join("::"),
        rule.why,
        rule.instead
    )
}

fn names_of(path: &Path) -> Vec<String> {
    let segments = path.segments.iter();
    segments.map(|segment| name_of(&segment.ident)).collect()
}

fn name_of(name: &Ident) -> String {
    crate::text::of_name(name)
}

/// The modules that a `use` brings all names of.
fn globs(tree: &UseTree, mut prefix: Vec<String>) -> Vec<Vec<String>> {
    match tree {
        UseTree::Path(path) => {
            prefix.push(name_of(&path.ident));
            globs(&path.tree, prefix)
        }
        UseTree::Group(group) => {
            let trees = group.items.iter();
            trees.flat_map(|tree| globs(tree, prefix.clone())).collect()
        }
        UseTree::Glob(_) => vec![prefix],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn told(path: &Path, body: &syn::Block) -> &'static str {
        let mut names = Names::default();
        names.enter();
        names.add_items(body);
        match judge(&names, path) {
            Some(Verdict::Refused(_)) => "refused",
            Some(Verdict::Suspected(_)) => "suspected",
            None => "fine",
        }
    }

    #[test]
    fn paths_are_known_by_their_beginning_and_their_end() {
        let nothing = parse_quote!({});
        for path in [
            parse_quote!(std::time::SystemTime::now),
            parse_quote!(tokio::time::sleep),
            parse_quote!(std::env::var::<&str>),
            parse_quote!(::std::fs::hard_link),
            parse_quote!(chrono::Utc::now),
            parse_quote!(Utc::now),
            parse_quote!(thread_rng),
        ] {
            assert_eq!(told(&path, &nothing), "refused", "{:?}", names_of(&path));
        }
        for path in [
            parse_quote!(SystemTime::now),
            parse_quote!(crate::clock::Instant::now),
            parse_quote!(fs::read),
            parse_quote!(my::env::var),
        ] {
            assert_eq!(told(&path, &nothing), "suspected", "{:?}", names_of(&path));
        }
        for path in [
            parse_quote!(now),
            parse_quote!(spawn),
            parse_quote!(env),
            parse_quote!(sagewai::sleep),
            parse_quote!(BTreeMap::new),
            parse_quote!(std::mem::swap),
            parse_quote!(std::time::Duration::from_secs),
            parse_quote!(Uuid::parse_str),
            parse_quote!(fs::Mode::Read),
        ] {
            assert_eq!(told(&path, &nothing), "fine", "{:?}", names_of(&path));
        }
    }

    #[test]
    fn names_of_the_body_are_spelled_out() {
        let path = parse_quote!(T::now);
        assert_eq!(
            told(
                &path,
                &parse_quote!({
                    use std::time::Instant as T;
                })
            ),
            "refused"
        );
        assert_eq!(
            told(
                &path,
                &parse_quote!({
                    use crate::clock::Instant as T;
                })
            ),
            "suspected"
        );
        assert_eq!(
            told(
                &path,
                &parse_quote!({
                    struct T;
                })
            ),
            "fine"
        );
        let path = parse_quote!(SystemTime::now);
        assert_eq!(
            told(
                &path,
                &parse_quote!({
                    use std::{fs, time::*};
                })
            ),
            "refused"
        );
        assert_eq!(
            told(
                &path,
                &parse_quote!({
                    struct SystemTime;
                })
            ),
            "fine"
        );
    }
}
