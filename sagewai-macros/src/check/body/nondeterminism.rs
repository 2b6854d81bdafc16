//! What differs from one replay to the next, by name, and what to write instead. A name can be hidden behind an alias
//! or a helper, so the engine compares positions and inputs as well; this list is for the mistakes people make.

use proc_macro2::{Ident, Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Path;

/// Functions that one replacement stands in for.
pub(super) struct Rule {
    /// The last segments of their paths; `*` is any name.
    paths: &'static [&'static str],
    why: &'static str,
    instead: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        paths: &[
            "SystemTime::now",
            "Instant::now",
            "Utc::now",
            "Local::now",
            "Zoned::now",
            "Timestamp::now",
            "OffsetDateTime::now_utc",
            "OffsetDateTime::now_local",
        ],
        why: "differs from one replay to the next",
        instead: "use `sagewai::now().await`, which is stored",
    },
    Rule {
        paths: &[
            "rand::random",
            "rand::rng",
            "rand::thread_rng",
            "thread_rng",
            "fastrand::*",
            "getrandom::*",
            "OsRng::default",
            "RandomState::new",
        ],
        why: "differs from one replay to the next",
        instead: "use `sagewai::record(\"name\", || ..).await`, which is stored, or draw it in a `#[step]`",
    },
    Rule {
        paths: &[
            "Uuid::new_v4",
            "Uuid::now_v7",
            "Uuid::now_v1",
            "Ulid::new",
            "Ulid::generate",
            "nanoid",
        ],
        why: "differs from one replay to the next",
        instead: "use `sagewai::uuid().await`, which is stored",
    },
    Rule {
        paths: &[
            "tokio::spawn",
            "task::spawn",
            "task::spawn_blocking",
            "task::spawn_local",
            "thread::spawn",
            "thread::scope",
            "JoinSet::new",
            "rayon::spawn",
        ],
        why: "would run again on every replay",
        instead: "await a `#[step]` that does the work",
    },
    Rule {
        paths: &[
            "tokio::time::*",
            "time::sleep",
            "time::sleep_until",
            "time::timeout",
            "time::interval",
            "thread::sleep",
            "Delay::new",
        ],
        why: "would start anew on every replay",
        instead: "use `sagewai::sleep(..).await`, which survives a restart, or the `timeout` of a step",
    },
    Rule {
        paths: &[
            "env::var",
            "env::vars",
            "env::var_os",
            "env::vars_os",
            "env::args",
            "env::args_os",
            "env::current_dir",
            "env::temp_dir",
            "process::id",
        ],
        why: "differs from one replay to the next",
        instead: "pass it in as an argument, read it in a `#[step]`, or store it: `sagewai::record(\"name\", || ..).await`",
    },
    Rule {
        paths: &[
            "std::fs::*",
            "tokio::fs::*",
            "fs::read",
            "fs::read_to_string",
            "fs::read_dir",
            "fs::write",
            "fs::copy",
            "fs::rename",
            "fs::metadata",
            "fs::exists",
            "fs::create_dir",
            "fs::create_dir_all",
            "fs::remove_file",
            "fs::remove_dir_all",
            "File::open",
            "File::create",
            "io::stdin",
            "io::stdout",
            "Command::new",
            "TcpStream::connect",
            "TcpListener::bind",
            "UdpSocket::bind",
            "reqwest::*",
            "reqwest::Client::*",
        ],
        why: "would be done again on every replay",
        instead: "do input and output in a `#[step]`",
    },
    Rule {
        paths: &["process::exit", "process::abort"],
        why: "ends the whole worker",
        instead: "return an error instead",
    },
    Rule {
        paths: &[
            "HashMap::new",
            "HashMap::from",
            "HashMap::default",
            "HashMap::with_capacity",
            "HashSet::new",
            "HashSet::from",
            "HashSet::default",
            "HashSet::with_capacity",
        ],
        why: "differs from one replay to the next",
        instead: "its order differs from one process to the next: use `BTreeMap` or `BTreeSet`",
    },
];

impl Rule {
    /// The message for a path under this rule.
    pub(super) fn refusal(&self, path: &Path) -> String {
        format!(
            "`{}` {}, so it cannot stand in a workflow body\n{}",
            names(path).join("::"),
            self.why,
            self.instead
        )
    }
}

/// The rule that a path falls under.
pub(super) fn find(path: &Path) -> Option<&'static Rule> {
    let names = names(path);
    RULES
        .iter()
        .find(|rule| rule.paths.iter().any(|pattern| matches(pattern, &names)))
}

fn names(path: &Path) -> Vec<String> {
    let segments = path.segments.iter();
    segments.map(|segment| segment.ident.to_string()).collect()
}

fn matches(pattern: &str, names: &[String]) -> bool {
    let mut names = names.iter().rev();
    pattern.rsplit("::").all(|wanted| {
        names
            .next()
            .is_some_and(|name| wanted == "*" || name == wanted)
    })
}

/// The paths that stand in the tokens of a macro, as far as they can be told.
pub(super) fn paths_in(tokens: TokenStream) -> Vec<Path> {
    let mut paths = Vec::new();
    let mut path: Vec<Ident> = Vec::new();
    let mut colons = 0;
    for token in tokens {
        match token {
            TokenTree::Ident(name) => {
                if colons != 2 {
                    paths.extend(joined(&path));
                    path.clear();
                }
                path.push(name);
                colons = 0;
            }
            TokenTree::Punct(punct)
                if punct.as_char() == ':' && (colons == 1 || punct.spacing() == Spacing::Joint) =>
            {
                colons += 1;
            }
            other => {
                paths.extend(joined(&path));
                path.clear();
                colons = 0;
                if let TokenTree::Group(group) = other {
                    paths.extend(paths_in(group.stream()));
                }
            }
        }
    }
    paths.extend(joined(&path));
    paths
}

fn joined(names: &[Ident]) -> Option<Path> {
    if names.is_empty() {
        return None;
    }
    let segments = names.iter().map(ToTokens::to_token_stream);
    syn::parse2(quote::quote!(#(#segments)::*)).ok()
}

#[cfg(test)]
mod tests {
    use quote::quote;
    use syn::parse_quote;

    use super::*;

    #[test]
    fn paths_are_known_by_their_end() {
        for path in [
            parse_quote!(std::time::SystemTime::now),
            parse_quote!(SystemTime::now),
            parse_quote!(tokio::time::sleep),
            parse_quote!(std::env::var::<&str>),
            parse_quote!(::std::fs::hard_link),
            parse_quote!(thread_rng),
        ] {
            assert!(find(&path).is_some(), "{}", names(&path).join("::"));
        }
        for path in [
            parse_quote!(now),
            parse_quote!(sagewai::sleep),
            parse_quote!(my::fs::draft),
            parse_quote!(BTreeMap::new),
            parse_quote!(std::mem::swap),
        ] {
            assert!(find(&path).is_none(), "{}", names(&path).join("::"));
        }
    }

    #[test]
    fn paths_are_found_in_the_tokens_of_macros() {
        let tokens = quote!({ "at": SystemTime::now(), "in": [std::env::var("X"), n] });
        let found: Vec<String> = paths_in(tokens)
            .iter()
            .filter(|path| find(path).is_some())
            .map(|path| names(path).join("::"))
            .collect();
        assert_eq!(found, ["SystemTime::now", "std::env::var"]);
    }
}
