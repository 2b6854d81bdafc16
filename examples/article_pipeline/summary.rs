//! Writes an article from notes: an extractive summary, every sentence of which stands in a source.
//!
//! Sentences are ranked by how many of the passages' significant words they hold (Luhn, 1958, with the words' own
//! frequency as their weight, as in `SumBasic`: Nenkova and Vanderwende, 2005); after a sentence is taken, its words
//! count less, so that the next one says something else.

use std::collections::HashMap;
use std::fmt::Write;

use crate::pipeline::{Draft, Notes};
use crate::ranking::words;

/// How many sentences the article has.
const SENTENCES: usize = 10;

struct Sentence {
    text: String,
    words: Vec<String>,
    passage: usize,
}

/// The article.
pub fn draft(notes: &Notes) -> Draft {
    let title = title(&notes.topic);
    let mut taken = summary(notes);
    // In the order of the sources, so that neighbouring sentences stay neighbours.
    taken.sort_by_key(|(index, _)| *index);
    let mut body = format!("# {title}\n\n");
    let mut sources: Vec<&str> = Vec::new();
    let mut last = None;
    for (_, sentence) in &taken {
        let passage = &notes.passages[sentence.passage];
        match last {
            Some(last) if last == sentence.passage => body.push(' '),
            Some(_) => body.push_str("\n\n"),
            None => {}
        }
        last = Some(sentence.passage);
        let known = sources.iter().position(|s| *s == passage.source);
        let number = 1 + known.unwrap_or_else(|| {
            sources.push(&passage.source);
            sources.len() - 1
        });
        // Writing to a text cannot fail.
        let _ = write!(body, "{} [{number}]", sentence.text);
    }
    body.push_str("\n\n## Sources\n\n");
    for (i, source) in sources.iter().enumerate() {
        let _ = writeln!(body, "{}. {source}", i + 1);
    }
    Draft {
        words: body.split_whitespace().count(),
        title,
        markdown: body,
    }
}

/// The sentences that say most, with their place in the sources.
fn summary(notes: &Notes) -> Vec<(usize, Sentence)> {
    let mut sentences: Vec<(usize, Sentence)> = Vec::new();
    for (passage, text) in notes.passages.iter().map(|p| &p.text).enumerate() {
        for text in split(text) {
            let words = words(&text);
            if words.len() >= 4 && !sentences.iter().any(|(_, s)| s.text == text) {
                let sentence = Sentence {
                    text,
                    words,
                    passage,
                };
                sentences.push((sentences.len(), sentence));
            }
        }
    }
    let mut weight: HashMap<String, f64> = HashMap::new();
    for word in sentences.iter().flat_map(|(_, s)| &s.words) {
        *weight.entry(word.clone()).or_default() += 1.0;
    }
    // What was asked for weighs most.
    for word in words(&notes.topic) {
        if let Some(weight) = weight.get_mut(&word) {
            *weight *= 3.0;
        }
    }
    let mut taken = Vec::new();
    while taken.len() < SENTENCES {
        let score = |s: &Sentence| {
            let sum: f64 = s.words.iter().map(|word| weight[word]).sum();
            // The square root lets a long sentence count for more, but not for its length alone.
            let length = u32::try_from(s.words.len()).map_or(1.0, f64::from);
            sum / length.sqrt()
        };
        let best = sentences
            .iter()
            .enumerate()
            .max_by(|(_, (_, a)), (_, (_, b))| score(a).total_cmp(&score(b)));
        let Some((best, _)) = best else {
            break;
        };
        let sentence = sentences.remove(best);
        for word in &sentence.1.words {
            if let Some(weight) = weight.get_mut(word) {
                *weight /= 2.0;
            }
        }
        taken.push(sentence);
    }
    taken
}

/// Splits a paragraph after `.`, `!` and `?` where a new sentence begins.
fn split(text: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let bytes = text.as_bytes();
    for (i, c) in text.char_indices() {
        let ends = matches!(c, '.' | '!' | '?') && bytes.get(i + 1) == Some(&b' ');
        let begins = text[i + c.len_utf8()..]
            .trim_start()
            .starts_with(|c: char| c.is_uppercase() || c == '`' || c == '*');
        if ends && begins {
            sentences.push(text[start..=i].trim().to_owned());
            start = i + 1;
        }
    }
    let rest = text[start..].trim();
    // A paragraph that leads over to a list is no sentence.
    if !rest.is_empty() && !rest.ends_with(':') {
        sentences.push(rest.to_owned());
    }
    sentences
}

pub fn title(topic: &str) -> String {
    let mut letters = topic.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}
