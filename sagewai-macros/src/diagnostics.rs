//! The mistakes of one item. All of them are collected and reported together.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::{ToTokens, TokenStreamExt};
use syn::Error;

/// What is wrong with an item, in the order in which it was found.
#[derive(Default)]
pub(crate) struct Mistakes(Vec<Error>);

impl Mistakes {
    /// Reports a mistake at these tokens. They are underlined from the first to the last; a single span would be
    /// underlined only where it begins.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, text: impl Display) {
        self.0.push(Error::new_spanned(tokens, text));
    }

    /// Reports a mistake that was found while parsing.
    pub(crate) fn push(&mut self, error: Error) {
        self.0.push(error);
    }

    /// Adds the mistakes of a part.
    pub(crate) fn append(&mut self, mut part: Mistakes) {
        self.0.append(&mut part.0);
    }

    /// Gives the value, or reports why there is none.
    pub(crate) fn take<T>(&mut self, value: Result<T, Error>) -> Option<T> {
        value.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[cfg(test)]
    pub(crate) fn texts(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

/// One `compile_error!` for each.
impl ToTokens for Mistakes {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.append_all(self.0.iter().map(Error::to_compile_error));
    }
}
