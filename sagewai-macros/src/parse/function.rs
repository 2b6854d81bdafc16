//! A function whose body is not looked into: a half-typed body of a step is no concern of its attribute.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt};
use syn::parse::{Parse, ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Attribute, Block, Error, Result, Signature, Visibility, braced};

/// A function as written.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    /// The body with its braces.
    pub(crate) body: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Function> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let signature = input.parse()?;
        let brace = input.span();
        match input.parse()? {
            TokenTree::Group(body) => Ok(Function {
                attributes,
                visibility,
                signature,
                body,
            }),
            _ => Err(Error::new(brace, "expected a body")),
        }
    }
}

impl Function {
    /// Where it begins, without its attributes.
    pub(crate) fn first(&self) -> Span {
        let fn_token = self.signature.fn_token.span;
        match &self.visibility {
            Visibility::Inherited => self.signature.asyncness.map_or(fn_token, |a| a.span),
            visibility => visibility.span(),
        }
    }

    /// The body taken apart: its own attributes, as in `#![allow(..)]`, and its statements.
    pub(crate) fn statements(&self) -> Result<(Vec<Attribute>, Block)> {
        let parse = |input: ParseStream<'_>| {
            let content;
            // With the braces, so that a body that ends too early is reported where it ends.
            let brace_token = braced!(content in input);
            let attributes = content.call(Attribute::parse_inner)?;
            let stmts = content.call(Block::parse_within)?;
            Ok((attributes, Block { brace_token, stmts }))
        };
        parse.parse2(self.body.to_token_stream())
    }
}

/// The function as its author wrote it.
impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.append_all(&self.attributes);
        self.visibility.to_tokens(tokens);
        self.signature.to_tokens(tokens);
        self.body.to_tokens(tokens);
    }
}
