//! Whether an attribute has such an option, and the option such a value.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Result;

use super::{labels, suggest, value};
use crate::diagnostics::Mistakes;
use crate::model::{Attribute, Options};
use crate::parse::WrittenOption;
use value::Value;

const STEP: &[&str] = &[
    "name",
    "retries",
    "retry_delay",
    "backoff",
    "timeout",
    "pool",
    "labels",
];
const WORKFLOW: &[&str] = &[
    "name",
    "version",
    "pool",
    "labels",
    "concurrency",
    "concurrency_per_key",
    "rate",
    "rate_per_key",
    "queue_depth",
];

/// Reads the options. One that is wrong is left out, so that the rest of the item still compiles.
pub(super) fn read(
    attribute: Attribute,
    written: &[WrittenOption],
    mistakes: &mut Mistakes,
) -> Options {
    let known = match attribute {
        Attribute::Step => STEP,
        Attribute::Workflow => WORKFLOW,
    };
    let mut options = Options::default();
    for option in written {
        let key = &option.key;
        if !known.iter().any(|name| key == name) {
            mistakes.at(key, suggest::unknown_option(attribute, key, known));
            continue;
        }
        if let Some(value) = mistakes.take(read_one(option)) {
            options.has_constants |= value.is_constant;
            options.fields.push((key.clone(), value.tokens));
        }
    }
    options
}

fn read_one(option: &WrittenOption) -> Result<Value> {
    match option.key.to_string().as_str() {
        "name" => value::name(option),
        "version" => value::version(option),
        "pool" => Ok(value::pool(option)?.map(some)),
        "labels" => labels::read(option),
        "retries" => value::count(option),
        "backoff" => value::factor(option),
        "queue_depth" => Ok(value::positive(option)?.map(some)),
        "timeout" => Ok(value::limit(option)?.map(some)),
        "concurrency" | "concurrency_per_key" => Ok(value::slots(option)?.map(some)),
        "rate" | "rate_per_key" => Ok(value::rate(option)?.map(some)),
        _ => value::duration(option),
    }
}

fn some(value: &TokenStream) -> TokenStream {
    quote!(::sagewai::macro_support::Option::Some(#value))
}
