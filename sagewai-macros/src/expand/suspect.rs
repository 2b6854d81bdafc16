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
    let panic = place::panic(quote!("{}", #text), *at, *colons);
    quote! {
        #[allow(unused_imports, clippy::all, clippy::pedantic)]
        const _: () = {
            #around
            const _: () = {
                use __s::OwnFallback as _;
                #(#uses)*
                #owner_glob
                if <__s::Own<#asked>>::IS_STANDARD {
                    #panic
                }
            };
        };
    }
}
