//! The attributes `#[step]` and `#[workflow]` of [sagewai](https://docs.rs/sagewai), which re-exports them.
//!
//! Each goes the same way: `parse` takes in what was written, `check` finds what it means and every mistake in it,
//! `model` holds what was found, `expand` writes the code and cannot fail.

use proc_macro::TokenStream;

mod check;
mod diagnostics;
mod expand;
#[cfg(test)]
mod golden;
mod model;
mod parse;
mod place;
mod surroundings;
mod text;

/// Makes a step of an `async fn`: work whose result is stored once and never repeated.
///
/// The function may do anything: HTTP, files, a database, a model. It runs again when an attempt fails or its
/// process dies, until a result is committed; a workflow that is replayed gets that result without running it.
///
/// | option | means | default |
/// |---|---|---|
/// | `name = "charge-card"` | its name in the journal | the function's name |
/// | `retries = 3` | how many times a failed attempt is repeated | `0` |
/// | `retry_delay = 0.5` | pause before the first repetition | one second |
/// | `backoff = 1.5` | factor by which the pause grows, 1 or more | `2.0` |
/// | `timeout = "1m 30s"` | longest time one attempt may take | none |
/// | `pool = "gpu"` | the pool whose workers execute it | that of the run |
/// | `labels(gpu = true, zone = "eu")` | labels that its worker must have, beside those of the run | none |
///
/// A length of time is seconds as a number, or a text with units (`ms`, `s`, `m`, `h`, `d`). Counts and lengths of
/// time may also be constants of type `u32` and `Duration`. Every option can be overridden at a call:
/// `draft(&notes).retries(5).await`.
///
/// **Signature.** Arguments and result are stored, so they are serde values of known types: no generics, no `impl
/// Trait`, no `dyn Trait`, at most eight arguments. An argument may be taken by `&T`, `&str`, `&[T]` or `&Path`; its
/// value is copied. A result owns its data. The function returns a `Result` of any alias: `sagewai::Result<T>`
/// takes every error by `?`, a serialisable error type of your own comes back typed after a replay. A parameter
/// of type `StepContext` or `&StepContext` is given by the worker and is not stored.
///
/// **What it leaves.** A plain function of the same name that returns a `StepCall`, and a type of that name, so that
/// one `use` brings both. Attributes below this one go to the body; documentation, `#[deprecated]` and
/// `#[must_use]` to the function that is called.
///
/// The type is why a step cannot share its name with a module of the same scope, and why it is a free function and
/// never an associated one.
///
/// **Mistakes.** All mistakes of an item are reported at once, and its function stays in place, so that its calls give
/// no second error.
#[proc_macro_attribute]
pub fn step(options: TokenStream, item: TokenStream) -> TokenStream {
    expand_step(options.into(), &item.into()).into()
}

/// Makes a workflow of an `async fn`: the order of steps, which goes on where it was after a crash.
///
/// The body is replayed: it runs from the start whenever the run goes on, and each await gives what was stored for
/// it. So the body decides, and steps do. Every `.await` in it is durable or does not compile, and what differs
/// from one replay to the next (clocks, randomness, the environment, files, spawned tasks, printing, the order of hash
/// maps, statics that change) is refused with the durable replacement in the message. `record("name", || ..).await`
/// stores the value of any expression, and `sagewai::unchecked(..)` leaves one to you. Plain control flow is free: `if`,
/// `match`, loops, labelled blocks, `let else`, `?`. The page on determinism in the documentation has the rules with
/// their reasons and limits.
///
/// | option | means | default |
/// |---|---|---|
/// | `name = "article-pipeline"` | the name by which workers and clients know it | the function's name |
/// | `version = 2` | its version: a run keeps the one that it began with, and only workers that serve it take the run | `1` |
/// | `pool = "gpu"` | the pool whose workers take its runs | `default`, and that of its parent for a child |
/// | `labels(gpu = true, zone = "eu")` | labels that the workers of its runs must have | none |
/// | `concurrency = 10` | how many of its runs all workers together drive at once | no limit |
/// | `concurrency_per_key = 2` | how many of those with the same `.concurrency_key(..)` | no limit |
/// | `rate = "100/1m"` | how many of its runs begin within any stretch of time | no limit |
/// | `rate_per_key = "5/1s"` | how many of those with the same key | no limit |
/// | `queue_depth = 100` | how many of its runs may wait for a worker; a start beyond it is refused | no limit |
///
/// Counts may also be constants of type `u32`. The page on limits in the documentation tells what each counts.
///
/// **Signature.** As for `#[step]`; a parameter of type `WorkflowContext` or `&WorkflowContext` tells of the run
/// and is not stored.
///
/// **What it leaves.** A plain function of the same name that returns a `WorkflowCall`, a type of that name with
/// the graph and the fingerprint of the workflow, and an enum, `ArticlePipelineState` for `article_pipeline`, with
/// one variant for what each step returned.
///
/// `sagewai::graph(article_pipeline)` gives the graph: nodes for what is awaited, with the options of steps, and the
/// order of things with its conditions as they are written. It is drawn as text, Mermaid, DOT or JSON.
///
/// Names decide where results are found again, so give long-lived workflows and steps a `name` and keep it.
#[proc_macro_attribute]
pub fn workflow(options: TokenStream, item: TokenStream) -> TokenStream {
    expand_workflow(options.into(), &item.into()).into()
}

fn expand_step(
    options: proc_macro2::TokenStream,
    item: &proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    match parse::read(model::Attribute::Step, options, item) {
        Ok(written) => expand::step(check::step(written)),
        Err(not_a_function) => not_a_function,
    }
}

fn expand_workflow(
    options: proc_macro2::TokenStream,
    item: &proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    match parse::read(model::Attribute::Workflow, options, item) {
        Ok(written) => expand::workflow(check::workflow(written)),
        Err(not_a_function) => not_a_function,
    }
}
