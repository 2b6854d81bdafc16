//! The list `key = value, ..` of an attribute.

use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Error, Expr, Result, Token, token};

use crate::diagnostics::Mistakes;

/// One option as written; the value may be missing.
pub(crate) struct WrittenOption {
    pub(crate) key: Ident,
    pub(crate) value: Option<Expr>,
    /// What stands in parentheses after the key.
    pub(crate) list: Option<TokenStream>,
}

/// The option that is a list, as in `labels(gpu = true)`.
const LIST: &str = "labels";

/// Reads the list. What stands before a syntax error is kept, so that an editor can still complete it.
pub(crate) fn read(tokens: TokenStream, mistakes: &mut Mistakes) -> Vec<WrittenOption> {
    let mut options = Vec::new();
    let list = |input: ParseStream<'_>| {
        while !input.is_empty() {
            add(input.parse()?, &mut options, mistakes);
            if input.is_empty() {
                break;
            }
            let comma = input.parse::<Token![,]>();
            comma.map_err(|e| Error::new(e.span(), "expected `,` between two options"))?;
        }
        Ok(())
    };
    let end = list.parse2(tokens);
    mistakes.take(end);
    options
}

fn add(option: WrittenOption, options: &mut Vec<WrittenOption>, mistakes: &mut Mistakes) {
    if options.iter().any(|earlier| earlier.key == option.key) {
        mistakes.at(&option.key, format!("`{}` is given twice", option.key));
    } else {
        options.push(option);
    }
}

impl Parse for WrittenOption {
    fn parse(input: ParseStream<'_>) -> Result<WrittenOption> {
        let start = input.span();
        let key = input
            .call(Ident::parse_any)
            .map_err(|_| Error::new(start, "expected an option, as in `name = \"..\"`"))?;
        if key == LIST && input.peek(token::Paren) {
            let inside;
            syn::parenthesized!(inside in input);
            return Ok(WrittenOption {
                key,
                value: None,
                list: Some(inside.parse()?),
            });
        }
        if input.peek(token::Paren) || input.peek(Token![:]) {
            let text = format!("an option is written with `=`: `{key} = ..`");
            return Err(input.error(text));
        }
        let equals: Option<Token![=]> = input.parse()?;
        let value = equals.map(|_| input.parse()).transpose()?;
        Ok(WrittenOption {
            key,
            value,
            list: None,
        })
    }
}
