//! What only editors see.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::model::Attribute;

/// What an editor completes the keys of an attribute from while they are being written. It comes first in every
/// expansion, also in one that fails, because an editor looks for the half-written key at the same place.
pub(super) fn keys(attribute: Attribute, keys: &[Ident]) -> TokenStream {
    let attribute = Ident::new(&attribute.to_string(), Span::call_site());
    quote! {
        #[allow(unexpected_cfgs)]
        const _: () = {
            #[cfg(rust_analyzer)]
            {
                mod keys {
                    use ::sagewai::options::#attribute::*;
                    use self::{ #(#keys as _,)* };
                }
            }
        };
    }
}
