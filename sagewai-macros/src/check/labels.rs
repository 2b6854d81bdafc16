//! Labels in an attribute: `labels(gpu = true, zone = "eu")`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprLit, ExprUnary, Ident, Lit, LitStr, Result, Token, UnOp};

use super::value::{self, Value};
use crate::parse::WrittenOption;

/// One of them.
struct Written {
    key: LitStr,
    value: Expr,
}

impl Parse for Written {
    fn parse(input: ParseStream<'_>) -> Result<Written> {
        let key = if input.peek(LitStr) {
            input.parse()?
        } else {
            let key: Ident = input.parse().map_err(|e| {
                Error::new(
                    e.span(),
                    "expected a label, as in `gpu = true` or `\"cloud.zone\" = \"eu\"`",
                )
            })?;
            LitStr::new(&key.to_string(), key.span())
        };
        input.parse::<Token![=]>().map_err(|_| {
            let text = format!(
                "label `{}` needs a value: `{} = true`",
                key.value(),
                key.value()
            );
            Error::new_spanned(&key, text)
        })?;
        let value = input.parse()?;
        Ok(Written { key, value })
    }
}

/// Reads the list. All that is wrong in it is reported at once.
pub(super) fn read(option: &WrittenOption) -> Result<Value> {
    let key = &option.key;
    let Some(list) = &option.list else {
        let text = format!("`{key}` is a list: `{key}(gpu = true, zone = \"eu\")`");
        return Err(Error::new_spanned(key, text));
    };
    let labels = Punctuated::<Written, Token![,]>::parse_terminated.parse2(list.clone())?;
    if labels.is_empty() {
        let text = format!("`{key}` is empty; leave it out");
        return Err(Error::new_spanned(key, text));
    }
    let mut mistakes: Option<Error> = None;
    let mut entries = TokenStream::new();
    let mut seen: Vec<String> = Vec::new();
    for label in &labels {
        let entry = checked_key(&label.key, &mut seen).and_then(|()| value_of(&label.value));
        match entry {
            Ok(value) => {
                let key = &label.key;
                entries.extend(quote!((#key, #value),));
            }
            Err(mistake) => match &mut mistakes {
                Some(all) => all.combine(mistake),
                None => mistakes = Some(mistake),
            },
        }
    }
    match mistakes {
        Some(all) => Err(all),
        None => Ok(Value::literal(quote!(&[#entries]))),
    }
}

fn checked_key(key: &LitStr, seen: &mut Vec<String>) -> Result<()> {
    let name = key.value();
    if let Some(why) = value::refused_name(&name) {
        return Err(Error::new_spanned(key, format!("label `{name}` {why}")));
    }
    if seen.contains(&name) {
        return Err(Error::new_spanned(
            key,
            format!("label `{name}` is given twice"),
        ));
    }
    seen.push(name);
    Ok(())
}

/// A label's value as the generated code writes it.
fn value_of(value: &Expr) -> Result<TokenStream> {
    let refuse = |at: &dyn ToTokens| {
        let text = "the value of a label is `true`, `false`, a whole number or a text";
        Err(Error::new_spanned(at.to_token_stream(), text))
    };
    let label = quote!(::sagewai::macro_support::StaticLabel);
    match value {
        Expr::Lit(ExprLit { lit, .. }) => match lit {
            Lit::Bool(value) => Ok(quote!(#label::Bool(#value))),
            Lit::Int(value) if value.suffix().is_empty() => {
                value.base10_parse::<i64>()?;
                Ok(quote!(#label::Int(#value)))
            }
            Lit::Str(text) => match value::refused_name(&text.value()) {
                Some(why) => Err(Error::new_spanned(
                    text,
                    format!("the value of a label {why}"),
                )),
                None => Ok(quote!(#label::Text(#text))),
            },
            other => refuse(other),
        },
        Expr::Unary(ExprUnary {
            op: UnOp::Neg(_),
            expr,
            ..
        }) => match &**expr {
            Expr::Lit(ExprLit {
                lit: Lit::Int(number),
                ..
            }) if number.base10_parse::<i64>().is_ok() => Ok(quote!(#label::Int(#value))),
            other => refuse(other),
        },
        other => refuse(other),
    }
}
