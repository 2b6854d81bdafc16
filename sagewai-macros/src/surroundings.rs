//! What an item stands in. An attribute is given its item and nothing around it, so this is read in the source file.
//!
//! It serves messages only. Where the file cannot be read, or is not what the compiler has read (an editor holds text
//! that is not saved), nothing is known.

use proc_macro2::{Ident, Span};

/// Whether a name is declared directly inside an `impl` or a `trait`: the word of the one it is. `first` is where its item
/// begins.
pub(crate) fn of_associated_item(first: Span, name: &Ident) -> Option<&'static str> {
    let indent = first.start().column;
    if indent == 0 {
        return None;
    }
    let span: Span = name.span();
    let place = span.start();
    let source = std::fs::read_to_string(span.local_file()?).ok()?;
    let line = place.line.checked_sub(1)?;
    if !may_be_associated(&source, line, indent) {
        return None;
    }
    let begin: usize = source.split_inclusive('\n').take(line).map(str::len).sum();
    let columns = source.get(begin..)?.chars().take(place.column);
    let before = begin + columns.map(char::len_utf8).sum::<usize>();
    let (before, after) = source.split_at_checked(before)?;
    after.starts_with(&name.to_string()).then_some(())?;
    word(innermost(before)?)
}

/// A look at the line that is set in less, which is what the item stands in where a formatter has been at work. It costs
/// little, and nearly always says no.
fn may_be_associated(source: &str, line: usize, indent: usize) -> bool {
    let lines: Vec<&str> = source.lines().take(line).collect();
    let around = lines.iter().rev().find(|line| {
        let code = line.trim_start();
        !code.is_empty() && line.len() - code.len() < indent
    });
    around.is_some_and(|line| {
        line.trim() == "{" || ["impl", "trait"].iter().any(|word| line.contains(word))
    })
}

/// `impl` or `trait`, where this is what such a block begins with.
fn word(header: &str) -> Option<&'static str> {
    let mut rest = header.trim_start();
    while let Some(attribute) = rest.strip_prefix("#[") {
        rest = attribute.split_once(']')?.1.trim_start();
    }
    let words = rest.split(|c: char| !c.is_alphanumeric() && c != '_');
    let first = words.map(str::trim).find(|word| {
        let modifiers = ["", "pub", "crate", "super", "in", "unsafe", "default"];
        !modifiers.contains(word)
    })?;
    ["impl", "trait"].into_iter().find(|word| *word == first)
}

/// What stands before the innermost brace that is open at the end of this code: from the last end of an item on.
fn innermost(code: &str) -> Option<&str> {
    let mut open = Vec::new();
    let mut begin = 0;
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let at = code.len() - rest.len();
        let is_trivia = rest.starts_with("//") || rest.starts_with("/*");
        let length = length_of_token(rest, first);
        match first {
            '{' => open.push(&code[begin..at]),
            '}' => drop(open.pop()),
            _ => {}
        }
        if is_trivia || matches!(first, '{' | '}' | ';') {
            // A comment before an item is not part of it; one in the middle of a header is rare, and then nothing is known.
            begin = at + length;
        }
        rest = &rest[length..];
    }
    open.pop()
}

/// How long the comment, text, character or other thing is that begins here: braces in it are none.
fn length_of_token(code: &str, first: char) -> usize {
    let until = |end: &str| code.find(end).map_or(code.len(), |at| at + end.len());
    if code.starts_with("//") {
        return until("\n");
    }
    if code.starts_with("/*") {
        return comment(code);
    }
    if first == 'r' && (code[1..].starts_with('"') || code[1..].starts_with('#')) {
        let hashes = code[1..].chars().take_while(|c| *c == '#').count();
        if code[1 + hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let inside = 2 + hashes;
            let close = code[inside..].find(&end);
            return close.map_or(code.len(), |at| inside + at + end.len());
        }
    }
    match first {
        '"' => text(code, '"'),
        // A character, or else a lifetime.
        '\'' => match code[1..].chars().next() {
            Some('\\') => text(code, '\''),
            Some(c) if code[1 + c.len_utf8()..].starts_with('\'') => 2 + c.len_utf8(),
            _ => 1,
        },
        // A word at once: the `r` in `for "` is no raw text.
        c if c.is_alphanumeric() || c == '_' => code
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(code.len()),
        c => c.len_utf8(),
    }
}

fn text(code: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in code.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// Comments stand in comments.
fn comment(code: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < code.len() {
        let rest = &code[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::{innermost, word};

    #[test]
    fn blocks_of_associated_items_are_told_from_all_others() {
        for (code, expected) in [
            ("", None),
            ("mod steps { ", None),
            ("impl Writer { ", Some("impl")),
            ("struct W; impl W { fn a() { if b { } } ", Some("impl")),
            ("impl W { fn a() -> impl Send { ", None),
            ("impl W { const A: () = { ", None),
            ("impl W { } mod m { ", None),
            (
                "#[cfg(test)]\nunsafe impl<T> Send for W<T> { ",
                Some("impl"),
            ),
            ("/// It's {\npub(crate) trait W: Sized { ", Some("trait")),
            (
                "impl W { fn a() { '{'; b\"\\\"{\"; r#\"\"{\"#; 'l: loop {} } ",
                Some("impl"),
            ),
            ("impl W { /* { /* { */ } */ // {\n", Some("impl")),
            ("macro_rules! m { () => { impl W { ", Some("impl")),
            ("steps! { ", None),
        ] {
            assert_eq!(innermost(code).and_then(word), expected, "{code}");
        }
    }
}
