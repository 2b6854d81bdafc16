//! Code as text, for graphs, signatures and messages.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;

/// A type or path in one fixed layout, whatever its author's layout was: the fingerprint of a workflow holds it.
pub(crate) fn of_type(tokens: &impl ToTokens) -> String {
    let mut text = String::new();
    write_type(tokens.to_token_stream(), &mut text);
    text
}

fn write_type(tokens: TokenStream, text: &mut String) {
    for token in tokens {
        let word = match &token {
            TokenTree::Group(group) => {
                let (open, close) = brackets(group.delimiter());
                text.push_str(open);
                write_type(group.stream(), text);
                text.truncate(text.trim_end().len());
                text.push_str(close);
                continue;
            }
            other => other.to_string(),
        };
        let wordy = |c: char| c.is_alphanumeric() || c == '_';
        let apart = text.ends_with(wordy) && word.starts_with(wordy)
            || text.ends_with("->")
            || text.ends_with(['>', ')', ']']) && word.starts_with(wordy);
        match word.as_str() {
            ">" if text.ends_with('-') => {
                text.pop();
                text.truncate(text.trim_end().len());
                text.push_str(" ->");
            }
            ":" if text.ends_with(": ") => {
                text.pop();
                text.push(':');
            }
            "," | ";" | ":" => {
                text.push_str(&word);
                text.push(' ');
            }
            "+" | "=" => {
                text.push(' ');
                text.push_str(&word);
                text.push(' ');
            }
            _ => {
                if apart {
                    text.push(' ');
                }
                text.push_str(&word);
            }
        }
    }
}

fn brackets(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

/// The text as it stands in the source, on one line: a condition, a pattern. Anything long is cut.
pub(crate) fn of_source(tokens: &impl ToTokens) -> String {
    const LONGEST: usize = 60;

    let mut line = Line::default();
    line.tokens(tokens.to_token_stream());
    if line.text.chars().count() <= LONGEST {
        return line.text;
    }
    let mut text: String = line.text.chars().take(LONGEST - 3).collect();
    text.push_str("...");
    text
}

/// A name without the mark of a raw identifier.
pub(crate) fn of_name(name: &proc_macro2::Ident) -> String {
    name.to_string().trim_start_matches("r#").to_owned()
}

/// `article_pipeline` as `ArticlePipeline`.
pub(crate) fn camel_case(name: &str) -> String {
    name.split('_')
        .flat_map(|word| {
            let mut letters = word.chars();
            let first = letters.next().into_iter().flat_map(char::to_uppercase);
            first.chain(letters)
        })
        .collect()
}

/// Puts tokens on one line, with a space wherever their author left room.
#[derive(Default)]
struct Line {
    text: String,
    end: (usize, usize),
}

impl Line {
    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            let (start, end) = (token.span().start(), token.span().end());
            let (start, end) = ((start.line, start.column), (end.line, end.column));
            let TokenTree::Group(group) = &token else {
                self.word(&token.to_string(), start, end);
                continue;
            };
            let (open, close) = brackets(group.delimiter());
            if open.is_empty() {
                self.tokens(group.stream());
                continue;
            }
            self.word(open, start, (start.0, start.1 + 1));
            self.tokens(group.stream());
            self.word(close, (end.0, end.1.saturating_sub(1)), end);
        }
    }

    fn word(&mut self, word: &str, start: (usize, usize), end: (usize, usize)) {
        if !self.text.is_empty() && self.end != start {
            self.text.push(' ');
        }
        self.text.push_str(word);
        self.end = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_text(source: &str) -> String {
        of_type(&source.parse::<TokenStream>().unwrap())
    }

    #[test]
    fn types_read_the_same_in_every_layout() {
        for text in [
            "Vec<Option<u8>>",
            "HashMap<String, Vec<u8>>",
            "std::path::PathBuf",
            "&'static str",
            "[u8; 4]",
            "(u8, String)",
            "<A as B>::C",
            "Box<dyn Fn(u8) -> u8 + Send>",
            "Result<(), Error>",
        ] {
            assert_eq!(type_text(text), text);
            let spread = text
                .replace('<', " < ")
                .replace('>', " > ")
                .replace("- >", "->");
            assert_eq!(type_text(&spread), text);
        }
    }

    #[test]
    fn conditions_read_as_written_on_one_line() {
        let tokens: TokenStream = "draft.score<6\n    && !done( 1 )".parse().unwrap();
        assert_eq!(of_source(&tokens), "draft.score<6 && !done( 1 )");
        let long: TokenStream =
            "aaaaaaaaaaaaaaaaaaaaaaaa == bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb || cccc"
                .parse()
                .unwrap();
        assert_eq!(of_source(&long).chars().count(), 60);
        assert!(of_source(&long).ends_with("..."));
    }

    #[test]
    fn names_become_type_names() {
        assert_eq!(camel_case("article_pipeline"), "ArticlePipeline");
        assert_eq!(camel_case("_w2"), "W2");
    }
}
