//! Where generated tokens stand in the user's code.
//!
//! The compiler underlines from the first to the last token of what it complains about, so generated code is placed
//! at the user's tokens. An editor looks up the name under the cursor, and would find every identifier and keyword
//! that is placed there. So only punctuation is placed at a name of the user.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};

/// `(function)(arguments)`, which the compiler sees from `first` to `last`.
pub(crate) fn call(
    function: TokenStream,
    arguments: TokenStream,
    (first, last): (Span, Span),
) -> TokenStream {
    let function = parenthesized(function, first);
    let arguments = parenthesized(arguments, last);
    quote!(#function #arguments)
}

/// `::core::panic!(message)`, which the compiler sees from `first` to `last`. Names in it stand at `between`, which is
/// to be punctuation.
pub(crate) fn panic(
    message: TokenStream,
    (first, last): (Span, Span),
    between: Span,
) -> TokenStream {
    let begin = at(quote!(::), first);
    let panic = at(quote!(core::panic!), between);
    let message = parenthesized(message, last);
    quote!(#begin #panic #message)
}

/// `(tokens)`, with both parentheses at `span`.
pub(crate) fn parenthesized(tokens: TokenStream, span: Span) -> Group {
    let mut group = Group::new(Delimiter::Parenthesis, tokens);
    group.set_span(span);
    group
}

/// `{ tokens }`, with both braces at `span`.
pub(crate) fn braced(tokens: TokenStream, span: Span) -> Group {
    let mut group = Group::new(Delimiter::Brace, tokens);
    group.set_span(span);
    group
}

/// The same place, of code that an attribute wrote.
pub(crate) fn generated(span: Span) -> Span {
    Span::call_site().located_at(span)
}

/// The places of the first and the last token.
pub(crate) fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let mut tokens = tokens.to_token_stream().into_iter();
    let Some(first) = tokens.next() else {
        return (Span::call_site(), Span::call_site());
    };
    let last = tokens.last().unwrap_or_else(|| first.clone());
    (open(&first), close(&last))
}

fn open(token: &TokenTree) -> Span {
    match token {
        TokenTree::Group(group) => group.span_open(),
        other => other.span(),
    }
}

fn close(token: &TokenTree) -> Span {
    match token {
        TokenTree::Group(group) => group.span_close(),
        other => other.span(),
    }
}

/// The same tokens, all at `span`.
pub(crate) fn at(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            if let TokenTree::Group(group) = &token {
                let mut moved = Group::new(group.delimiter(), at(group.stream(), span));
                moved.set_span(span);
                return TokenTree::Group(moved);
            }
            token.set_span(span);
            token
        })
        .collect()
}

/// The same name, for the compiler as well, without a place in the user's code.
pub(crate) fn hidden(name: &Ident) -> Ident {
    let mut hidden = name.clone();
    hidden.set_span(Span::call_site().resolved_at(name.span()));
    hidden
}

/// The same name without a place in the user's code.
pub(crate) fn nowhere(name: &Ident) -> Ident {
    let mut name = name.clone();
    name.set_span(Span::call_site());
    name
}
