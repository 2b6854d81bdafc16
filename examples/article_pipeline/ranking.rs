//! Finds the passages of a folder that have to do with a topic.
//!
//! Ranking is Okapi BM25 over paragraphs (Robertson and Zaragoza, 2009; k1 = 1.2, b = 0.75): a word counts the more,
//! the rarer it is in the folder, and the less, the longer the paragraph.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use sagewai::{Failure, Result};

use crate::pipeline::{Notes, Passage};

const K1: f64 = 1.2;
const B: f64 = 0.75;
/// How many passages are kept.
const KEPT: usize = 12;
/// Files larger than this are no texts that somebody wrote.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Words that are in every text and say nothing about its topic.
const STOP: &[&str] = &[
    "a", "about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be", "been",
    "but", "by", "can", "do", "does", "each", "for", "from", "had", "has", "have", "he", "her",
    "his", "how", "if", "in", "into", "is", "it", "its", "may", "more", "most", "no", "not", "of",
    "on", "one", "only", "or", "other", "our", "she", "so", "some", "such", "than", "that", "the",
    "their", "them", "then", "there", "these", "they", "this", "to", "was", "we", "were", "what",
    "when", "where", "which", "who", "will", "with", "would", "you", "your",
];

/// Reads every text and Markdown file below `folder` and ranks its paragraphs.
///
/// Nothing to read, and nothing that matches, will be the same on every attempt: those failures are terminal.
pub fn research(topic: &str, folder: &Path) -> Result<Notes> {
    let wanted = words(topic);
    if wanted.is_empty() {
        return Err(Failure::terminal(format!(
            "`{topic}` has no word to look for"
        )));
    }
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    let mut paragraphs = Vec::new();
    for file in &files {
        // A file that is no UTF-8 is read as far as it is.
        let text = String::from_utf8_lossy(&fs::read(file)?).into_owned();
        let source = file
            .strip_prefix(folder)
            .unwrap_or(file)
            .display()
            .to_string();
        split(&source, &text, &mut paragraphs);
    }
    if paragraphs.is_empty() {
        let reason = format!(
            "{} holds no .md or .txt file with text in it",
            folder.display()
        );
        return Err(Failure::terminal(reason));
    }
    let passages = rank(&wanted, paragraphs);
    if passages.is_empty() {
        let reason = format!(
            "none of the {} files says anything about `{topic}`",
            files.len()
        );
        return Err(Failure::terminal(reason));
    }
    Ok(Notes {
        topic: topic.to_owned(),
        files_read: files.len(),
        passages,
    })
}

/// The words of a text that can tell its topic, lower case, without a plural `s`.
pub fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .map(str::to_lowercase)
        .filter(|word| word.chars().count() > 1 && !STOP.contains(&word.as_str()))
        .map(|word| match word.strip_suffix('s') {
            Some(stem) if stem.len() > 3 && !stem.ends_with('s') => stem.to_owned(),
            _ => word,
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        let kind = entry.file_type()?;
        let is_text = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("md") || e.eq_ignore_ascii_case("txt"));
        if kind.is_dir() {
            collect(&path, files)?;
        } else if kind.is_file() && is_text && entry.metadata()?.len() <= FILE_BYTES_MAX {
            files.push(path);
        }
    }
    Ok(())
}

/// Takes a text apart into paragraphs under their headings; code blocks and tables are left out.
fn split(source: &str, text: &str, out: &mut Vec<Passage>) {
    let (mut heading, mut paragraph, mut in_code) = (String::new(), String::new(), false);
    for line in text.lines().chain([""]) {
        let line = line.trim();
        if line.starts_with("```") {
            in_code = !in_code;
            continue;
        }
        if in_code || line.starts_with('|') {
            continue;
        }
        let is_heading = line.starts_with('#');
        let is_item = line.starts_with("- ") || line.starts_with("* ");
        if line.is_empty() || is_heading || is_item {
            let text = std::mem::take(&mut paragraph);
            if text.split_whitespace().count() >= 6 {
                out.push(Passage {
                    source: source.to_owned(),
                    heading: heading.clone(),
                    text,
                    score: 0.0,
                });
            }
        }
        if is_heading {
            line.trim_start_matches('#').trim().clone_into(&mut heading);
        } else if !line.is_empty() {
            let line = line.trim_start_matches(['-', '*', '>', ' ']);
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(line);
        }
    }
}

/// The best passages, each with its score.
fn rank(wanted: &[String], mut passages: Vec<Passage>) -> Vec<Passage> {
    // A paragraph is found under its heading as well as by its text.
    let bags: Vec<Vec<String>> = passages
        .iter()
        .map(|p| words(&format!("{} {}", p.heading, p.text)))
        .collect();
    let mut found_in: HashMap<&str, f64> = HashMap::new();
    for word in wanted {
        let holding = bags.iter().filter(|bag| bag.contains(word)).count();
        found_in.insert(word, count(holding));
    }
    let total = count(bags.len());
    let mean_length = bags.iter().map(|bag| count(bag.len())).sum::<f64>() / total;
    for (passage, bag) in passages.iter_mut().zip(&bags) {
        let length = count(bag.len()) / mean_length;
        passage.score = wanted
            .iter()
            .map(|word| {
                let times = count(bag.iter().filter(|w| *w == word).count());
                let holding = found_in[word.as_str()];
                let rarity = ((total - holding + 0.5) / (holding + 0.5) + 1.0).ln();
                rarity * times * (K1 + 1.0) / (times + K1 * (1.0 - B + B * length))
            })
            .sum();
    }
    passages.retain(|passage| passage.score > 0.0);
    passages.sort_by(|a, b| b.score.total_cmp(&a.score));
    passages.truncate(KEPT);
    passages
}

fn count(n: usize) -> f64 {
    // Paragraphs and words of a folder are far fewer than 2^32.
    u32::try_from(n).map_or(f64::from(u32::MAX), f64::from)
}
