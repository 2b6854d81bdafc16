//! The signature of a step or workflow.

use proc_macro2::{Ident, Span};
use syn::token::Paren;
use syn::{Generics, Token, Type, Visibility};

/// A signature whose every part can be stored.
pub(crate) struct Signature {
    pub(crate) attributes: Attributes,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    /// Empty, unless that is what is wrong.
    pub(crate) generics: Generics,
    pub(crate) asyncness: Span,
    pub(crate) fn_token: Token![fn],
    pub(crate) parentheses: Paren,
    pub(crate) params: Vec<Param>,
    pub(crate) arrow: Token![->],
    /// The `Result` as written.
    pub(crate) output: Type,
}

/// The attributes of the function, by where they go.
#[derive(Default)]
pub(crate) struct Attributes {
    /// To everything that is generated.
    pub(crate) conditions: Vec<syn::Attribute>,
    /// To the function that users call.
    pub(crate) outer: Vec<syn::Attribute>,
    /// To the function that holds the body.
    pub(crate) inner: Vec<syn::Attribute>,
}

/// One parameter.
pub(crate) struct Param {
    pub(crate) name: Ident,
    /// The type, without the `&` of a parameter that is taken by reference.
    pub(crate) ty: Type,
    /// Where the `&` stands.
    pub(crate) borrowed: Option<Span>,
    pub(crate) role: Role,
}

/// Where a parameter's value comes from.
pub(crate) enum Role {
    /// From the caller; it is stored under this name.
    Argument(String),
    /// From the worker.
    Context,
}

impl Signature {
    /// The parameters that are stored, with their names in the journal.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = (&Param, &str)> {
        self.params.iter().filter_map(|param| match &param.role {
            Role::Argument(stored) => Some((param, stored.as_str())),
            Role::Context => None,
        })
    }
}
