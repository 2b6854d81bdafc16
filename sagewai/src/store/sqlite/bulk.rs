//! One statement for many rows. SQLite binds no arrays, so the parameters are written out, for a few sizes only: each
//! size is prepared once.

use std::fmt::Write;
use std::sync::OnceLock;

/// How many rows one statement takes; what is left over goes in smaller ones.
const SIZES: [usize; 3] = [64, 8, 1];

/// A statement that ends, up to its tail, in a list of rows.
#[derive(Debug)]
pub(super) struct Bulk {
    /// Up to the rows. It and the tail may use `$1` to `$shared`.
    head: &'static str,
    shared: usize,
    columns: usize,
    tail: &'static str,
    texts: [OnceLock<String>; SIZES.len()],
}

impl Bulk {
    /// A statement for rows of that many columns, whose parameters come after `shared` ones.
    pub(super) const fn new(
        head: &'static str,
        shared: usize,
        columns: usize,
        tail: &'static str,
    ) -> Bulk {
        Bulk {
            head,
            shared,
            columns,
            tail,
            texts: [const { OnceLock::new() }; SIZES.len()],
        }
    }

    /// Cuts rows into parts, each with the statement that takes it.
    pub(super) fn parts<'a, T>(
        &'static self,
        mut rows: &'a [T],
    ) -> impl Iterator<Item = (&'static str, &'a [T])> + use<'a, T> {
        std::iter::from_fn(move || {
            let fitting = SIZES.iter().position(|size| *size <= rows.len())?;
            let (part, rest) = rows.split_at(SIZES[fitting]);
            rows = rest;
            let text = self.texts[fitting].get_or_init(|| self.text(SIZES[fitting]));
            Some((text.as_str(), part))
        })
    }

    fn text(&self, rows: usize) -> String {
        let mut text = self.head.to_owned();
        for row in 0..rows {
            for column in 0..self.columns {
                let before = match (row, column) {
                    (0, 0) => "(",
                    (_, 0) => "), (",
                    _ => ", ",
                };
                let parameter = self.shared + row * self.columns + column + 1;
                // Writing into a string does not fail.
                let _ = write!(text, "{before}${parameter}");
            }
        }
        text.push(')');
        text.push_str(self.tail);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_in_few_statements() {
        static INSERT: Bulk = Bulk::new("INSERT INTO t VALUES ", 1, 2, " RETURNING a + $1");
        let rows: Vec<u32> = (0..146).collect();
        let parts: Vec<_> = INSERT.parts(&rows).collect();
        let sizes: Vec<usize> = parts.iter().map(|(_, part)| part.len()).collect();
        assert_eq!(sizes, [64, 64, 8, 8, 1, 1]);
        assert_eq!(parts[4].0, "INSERT INTO t VALUES ($2, $3) RETURNING a + $1");
        assert!(
            parts[3]
                .0
                .starts_with("INSERT INTO t VALUES ($2, $3), ($4, $5), ")
        );
        assert_eq!(
            parts.iter().flat_map(|p| p.1).copied().collect::<Vec<_>>(),
            rows
        );
        assert_eq!(INSERT.parts::<u32>(&[]).count(), 0);
    }
}
