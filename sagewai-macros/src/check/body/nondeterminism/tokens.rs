//! Paths in the tokens of a macro, as far as they can be told.

use proc_macro2::{Ident, Spacing, TokenStream, TokenTree};
use syn::punctuated::{Pair, Punctuated};
use syn::{Path, PathSegment, Token};

/// The paths, in order.
pub(in crate::check::body) fn paths_in(tokens: TokenStream) -> Vec<Path> {
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
    let colons = Token![::](names.first()?.span());
    let segments = names.iter().cloned().map(PathSegment::from);
    let pairs = segments.map(|segment| Pair::Punctuated(segment, colons));
    let mut segments: Punctuated<PathSegment, Token![::]> = pairs.collect();
    segments.pop_punct();
    Some(Path {
        leading_colon: None,
        segments,
    })
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn paths_are_found_in_the_tokens_of_macros() {
        let tokens = quote!({ "at": SystemTime::now(), "in": [std::env::var("X"), n] });
        let found: Vec<String> = paths_in(tokens).iter().map(crate::text::of_type).collect();
        assert_eq!(found, ["SystemTime::now", "std::env::var", "n"]);
    }
}
