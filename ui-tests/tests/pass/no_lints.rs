//! Generated code is quiet under every lint that a crate may turn on.
#![deny(
    warnings,
    missing_docs,
    unreachable_pub,
    missing_debug_implementations,
    unnameable_types,
    unused_qualifications,
    elided_lifetimes_in_paths,
    single_use_lifetimes,
    unused_lifetimes,
    missing_copy_implementations,
    meta_variable_misuse,
    redundant_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unused_import_braces,
    variant_size_differences,
    unused_extern_crates,
    explicit_outlives_requirements,
    unsafe_code,
    keyword_idents,
    non_ascii_idents,
    absolute_paths_not_starting_with_crate,
    closure_returning_async_block,
    deprecated_in_future,
    impl_trait_redundant_captures,
    if_let_rescope,
    tail_expr_drop_order
)]
use sagewai::prelude::*;

/// What was found.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Notes {
    /// Line by line.
    pub lines: Vec<String>,
}

/// Looks things up.
#[step(retries = 2, timeout = 3)]
pub async fn research(topic: &str, _depth: u8) -> Result<Notes> {
    Ok(Notes { lines: vec![topic.into()] })
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Secret(u32);

#[step]
async fn private(n: u32) -> Result<Secret> {
    Ok(Secret(n))
}

/// A flow.
#[workflow(name = "flow")]
pub async fn flow(topic: &str, n: u32, cx: &WorkflowContext) -> Result<usize> {
    let notes = research(topic, 1).await?;
    if private(n).await?.0 > 3 {
        return Ok(cx.run_id().as_str().len());
    }
    for line in &notes.lines {
        research(line, 2).await?;
    }
    Ok(notes.lines.len())
}

fn main() {}
