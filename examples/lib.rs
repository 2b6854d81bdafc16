//! The programs of this package are its examples: `cargo run --example article_pipeline`.
