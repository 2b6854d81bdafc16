//! Short names that stand for contents.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// Twice as many letters as `bytes`, which stand for these texts in this order.
pub(super) fn name_of(texts: &[&str], bytes: usize) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text);
        hash.update([0]);
    }
    hash.finalize()
        .iter()
        .take(bytes)
        .fold(String::new(), |mut name, byte| {
            // Writing to a text does not fail.
            let _ = write!(name, "{byte:02x}");
            name
        })
}
