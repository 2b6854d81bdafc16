//! Questions to the compiler: is this name what it looks like, or the author's own?
//!
//! A type is asked itself. A module is known by one of its types: where `use fs::*` brings in the `DirBuilder` of the
//! standard library, `fs` is its module; where it brings in none, the name in the block around it stands in.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::model::{Asked, Suspect};
use crate::place;

/// A constant that does not compile if the suspicion is right.
pub(super) fn question(suspect: &Suspect) -> TokenStream {
    let Suspect {
        owner,
        asked,
        uses,
        at,
        colons,
        text,
    } = suspect;
    let (around, owner_glob, asked) = match asked {
        Asked::Type => (TokenStream::new(), TokenStream::new(), quote!(#owner)),
        Asked::Module(marker) => {
            let marker = Ident::new(marker, Span::call_site());
            (
                quote!(use __s::Unknown as #marker;),
                quote!(use #owner::*;),
                quote!(#marker),
            )
        }
    };
    // Names stand at the colons of the path, where no editor looks for names.
    let begin = place::at(quote!(::), at.0);
    let panic = place::at(quote!(core::panic!), *colons);
    let message = place::parenthesized(quote!("{}", #text), at.1);
    quote! {
        #[allow(unused_imports)]
        const _: () = {
            #around
            const _: () = {
                use __s::OwnFallback as _;
                #(#uses)*
                #owner_glob
                if <__s::Own<#asked>>::IS_STANDARD {
                    #begin #panic #message
                }
            };
        };
    }
}
