//! Writes the code of what was understood. Nothing is judged here, so nothing can fail.

mod arguments;
mod await_site;
mod call;
mod editor;
mod graph;
mod state;
mod step;
mod suspect;
mod workflow;

use proc_macro2::TokenStream;
use quote::quote;

use crate::model::{Attribute, Checked, Outcome, Step, Workflow};
use crate::parse::Function;

/// The code of a step.
pub(crate) fn step(checked: Checked<Step>) -> TokenStream {
    checked_item(Attribute::Step, checked, step::expand)
}

/// The code of a workflow.
pub(crate) fn workflow(checked: Checked<Workflow>) -> TokenStream {
    checked_item(Attribute::Workflow, checked, workflow::expand)
}

fn checked_item<T>(
    attribute: Attribute,
    checked: Checked<T>,
    whole: impl FnOnce(&T) -> TokenStream,
) -> TokenStream {
    let Checked {
        mistakes,
        keys,
        item,
    } = checked;
    let item = match item {
        Outcome::Whole(item) => whole(&item),
        Outcome::CallOnly(signature) => call::stand_in(&signature),
        // Inside an `impl`, where nothing else may stand.
        Outcome::AsWritten(function) => {
            let function = match attribute {
                Attribute::Step => quote!(#function),
                Attribute::Workflow => without_body(&function),
            };
            return quote!(#mistakes #function);
        }
    };
    let keys = editor::keys(attribute, &keys);
    quote!(#keys #mistakes #item)
}

/// The function without its awaits, which would be more errors where they are not rewritten.
fn without_body(function: &Function) -> TokenStream {
    let Function {
        attributes,
        visibility,
        signature,
        ..
    } = function;
    quote! {
        #(#attributes)*
        #[allow(unused_variables, clippy::all, clippy::pedantic)]
        #visibility #signature { ::core::unreachable!() }
    }
}
