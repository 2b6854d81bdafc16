//! Arguments on their way: taken by the call, stored, read back, handed to the author's function.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{Index, Type};

use crate::model::{Param, Role, Signature};
use crate::place;

/// The parameters of the function that users call.
pub(super) fn params(signature: &Signature) -> TokenStream {
    let params = signature.arguments().map(|(param, _)| {
        let (name, ty) = (&param.name, &param.ty);
        let borrow = param.borrowed.map(|_| quote!(&));
        quote!(#name: #borrow #ty)
    });
    quote!(#(#params),*)
}

/// The tuple that is stored, made of those parameters.
pub(super) fn tuple(signature: &Signature) -> TokenStream {
    let values = signature.arguments().map(|(param, _)| {
        let (name, ty) = (&param.name, &param.ty);
        match Kept::of(param) {
            Kept::Value => quote!(#name),
            Kept::Copy => quote!(::sagewai::macro_support::copy::<#ty>(#name)),
            Kept::Vec | Kept::String | Kept::PathBuf => {
                quote!(::sagewai::macro_support::own::<#ty>(#name))
            }
        }
    });
    quote!((#(#values,)*))
}

/// The type of that tuple. It has the place of the parameter list.
pub(super) fn tuple_type(signature: &Signature) -> TokenStream {
    let types = types(signature);
    let tuple = place::parenthesized(quote!(#(#types,)*), signature.parentheses.span.open());
    quote!(#tuple)
}

/// The names under which arguments are stored.
pub(super) fn names(signature: &Signature) -> TokenStream {
    let names = signature.arguments().map(|(_, stored)| stored);
    quote!(&[#(#names),*])
}

/// How each is stored. A type that cannot be is told here, and only here.
pub(super) fn codec(signature: &Signature) -> TokenStream {
    let types = types(signature);
    quote! {
        const ARGUMENTS: <Self::Input as __s::Arguments>::Each = (#(__s::arg::<#types>(),)*);
    }
}

/// The arguments of the author's function, out of a tuple and a context.
pub(super) fn forward(signature: &Signature, tuple: &Ident, context: &Ident) -> TokenStream {
    let mut fields = (0..).map(Index::from);
    let values = signature.params.iter().map(|param| {
        let borrow = param.borrowed.map(|_| quote!(&));
        match (&param.role, fields.by_ref()) {
            (Role::Context, _) => quote!(#borrow #context),
            (Role::Argument(_), fields) => {
                let field = fields.next();
                quote!(#borrow #tuple.#field)
            }
        }
    });
    quote!(#(#values),*)
}

/// A local variable that no code of the user can see.
pub(super) fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// How an argument is kept.
enum Kept {
    Value,
    Copy,
    Vec,
    String,
    PathBuf,
}

impl Kept {
    fn of(param: &Param) -> Kept {
        match (&param.ty, param.borrowed) {
            (_, None) => Kept::Value,
            (Type::Slice(_), _) => Kept::Vec,
            (Type::Path(path), _) => match path.path.segments.last() {
                Some(last) if last.ident == "str" => Kept::String,
                Some(last) if last.ident == "Path" => Kept::PathBuf,
                _ => Kept::Copy,
            },
            _ => Kept::Copy,
        }
    }
}

/// The types that are stored. What is not the author's own type stands at the `&`, where no editor looks for names.
fn types(signature: &Signature) -> Vec<TokenStream> {
    let stored = |(param, _): (&Param, &str)| {
        let ty = &param.ty;
        let at = param.borrowed.unwrap_or_else(Span::call_site);
        match (Kept::of(param), ty) {
            (Kept::Vec, Type::Slice(slice)) => {
                let (vec, item) = (place::at(quote!(__s::Vec), at), &slice.elem);
                quote!(#vec<#item>)
            }
            (Kept::String, _) => place::at(quote!(__s::String), at),
            (Kept::PathBuf, _) => place::at(quote!(__s::PathBuf), at),
            _ => quote!(#ty),
        }
    };
    signature.arguments().map(stored).collect()
}
