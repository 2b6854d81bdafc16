//! What was written: the options of the attribute and the function below it. Nothing is judged here.

mod function;
mod options;

use proc_macro2::TokenStream;
use quote::quote;

pub(crate) use function::Function;
pub(crate) use options::WrittenOption;

use crate::diagnostics::Mistakes;
use crate::model::Attribute;

/// One attribute and its function.
pub(crate) struct Written {
    pub(crate) attribute: Attribute,
    pub(crate) options: Vec<WrittenOption>,
    pub(crate) function: Function,
    pub(crate) mistakes: Mistakes,
}

/// Reads an attribute and its item. An item that is no function comes back as it is, behind the message.
pub(crate) fn read(
    attribute: Attribute,
    options: TokenStream,
    item: &TokenStream,
) -> Result<Written, TokenStream> {
    let mut mistakes = Mistakes::default();
    let options = options::read(options, &mut mistakes);
    match syn::parse2(item.clone()) {
        Ok(function) => Ok(Written {
            attribute,
            options,
            function,
            mistakes,
        }),
        Err(error) => {
            let text = format!("`#[{attribute}]` goes on an `async fn`: {error}");
            mistakes.push(syn::Error::new(error.span(), text));
            Err(quote!(#mistakes #item))
        }
    }
}
