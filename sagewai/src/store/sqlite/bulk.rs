//! One statement for many rows. SQLite binds no arrays, so the parameters are written out, for a few sizes only: each
//! size is prepared once. They have no names, since finding a name takes as long as there are names.

use std::sync::OnceLock;

/// How many rows one statement takes; what is left over goes in smaller ones.
const SIZES: [usize; 3] = [64, 8, 1];

/// A statement that ends, up to its tail, in a list of rows.
#[derive(Debug)]
pub(super) struct Bulk {
    /// Up to the rows. Parameters in it are `?`, and are bound before the rows.
    head: &'static str,
    columns: usize,
    tail: &'static str,
    texts: [OnceLock<String>; SIZES.len()],
}

impl Bulk {
    /// A statement for rows of that many columns.
    pub(super) const fn new(head: &'static str, columns: usize, tail: &'static str) -> Bulk {
        Bulk {
            head,
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
        let row = format!("({})", vec!["?"; self.columns].join(", "));
        let rows = vec![row.as_str(); rows].join(", ");
        [self.head, &rows, self.tail].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_in_few_statements() {
        static INSERT: Bulk = Bulk::new("INSERT INTO t VALUES ", 2, " RETURNING a");
        let rows: Vec<u32> = (0..146).collect();
        let parts: Vec<_> = INSERT.parts(&rows).collect();
        let sizes: Vec<usize> = parts.iter().map(|(_, part)| part.len()).collect();
        assert_eq!(sizes, [64, 64, 8, 8, 1, 1]);
        assert_eq!(parts[4].0, "INSERT INTO t VALUES (?, ?) RETURNING a");
        assert!(
            parts[3]
                .0
                .starts_with("INSERT INTO t VALUES (?, ?), (?, ?), ")
        );
        assert_eq!(
            parts.iter().flat_map(|p| p.1).copied().collect::<Vec<_>>(),
            rows
        );
        assert_eq!(INSERT.parts::<u32>(&[]).count(), 0);
    }
}
