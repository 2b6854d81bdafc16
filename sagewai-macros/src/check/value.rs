//! Whether an option's value is a name, a count, a factor, a length of time or a rate.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprLit, ExprUnary, Lit, LitInt, Result, UnOp};

use super::time;
use crate::parse::WrittenOption;
use crate::place;

/// A value as the generated code writes it.
pub(super) struct Value {
    pub(super) tokens: TokenStream,
    /// An expression of the author, of which only the compiler knows the value.
    pub(super) is_constant: bool,
}

impl Value {
    pub(super) fn literal(tokens: TokenStream) -> Value {
        Value {
            tokens,
            is_constant: false,
        }
    }

    fn constant(tokens: TokenStream) -> Value {
        Value {
            tokens,
            is_constant: true,
        }
    }

    /// A constant whose range a function checks while compiling.
    fn checked(function: TokenStream, constant: &Expr) -> Value {
        let ends = place::ends(constant);
        Value::constant(place::call(function, constant.to_token_stream(), ends))
    }

    pub(super) fn map(self, wrap: impl FnOnce(&TokenStream) -> TokenStream) -> Value {
        Value {
            tokens: wrap(&self.tokens),
            is_constant: self.is_constant,
        }
    }
}

/// A name in the journal. Positions are put together from names with `/`, `#` and `:` between.
pub(super) fn name(option: &WrittenOption) -> Result<Value> {
    const LONGEST: usize = 100;

    let key = &option.key;
    let value = required(option, "\"..\"")?;
    let Expr::Lit(ExprLit {
        lit: Lit::Str(text),
        ..
    }) = value
    else {
        return refuse(value, format!("`{key}` is a text: `{key} = \"..\"`"));
    };
    let name = text.value();
    let length = name.chars().count();
    if name.trim().is_empty() {
        return refuse(text, format!("`{key}` is empty"));
    }
    if length > LONGEST {
        return refuse(
            text,
            format!("`{key}` has {length} characters; it may have {LONGEST}"),
        );
    }
    if let Some(bad) = name
        .chars()
        .find(|c| matches!(c, '/' | '#' | ':') || c.is_control())
    {
        return refuse(
            text,
            format!(
                "`{key}` holds {bad:?}, but positions in a run are written with it\n\
                 use letters, digits, `-`, `_` or `.`"
            ),
        );
    }
    Ok(Value::literal(text.to_token_stream()))
}

/// Why something cannot be the name of a pool or a label; the rule is that of the store.
pub(super) fn refused_name(name: &str) -> Option<String> {
    const LONGEST: usize = 100;

    if name.is_empty() {
        return Some("is empty".to_owned());
    }
    if name.len() > LONGEST {
        return Some(format!("has {} bytes; it may have {LONGEST}", name.len()));
    }
    let bad = name.chars().find(|c| c.is_control())?;
    Some(format!("holds the control character {bad:?}"))
}

/// The name of a pool.
pub(super) fn pool(option: &WrittenOption) -> Result<Value> {
    let key = &option.key;
    let value = required(option, "\"gpu\"")?;
    let Expr::Lit(ExprLit {
        lit: Lit::Str(text),
        ..
    }) = value
    else {
        return refuse(value, format!("`{key}` is a text: `{key} = \"gpu\"`"));
    };
    match refused_name(&text.value()) {
        Some(why) => refuse(text, format!("`{key}` {why}")),
        None => Ok(Value::literal(text.to_token_stream())),
    }
}

/// The version of a workflow: 1, 2, and so on.
pub(super) fn version(option: &WrittenOption) -> Result<Value> {
    let key = &option.key;
    let value = required(option, "2")?;
    let Expr::Lit(ExprLit {
        lit: Lit::Int(number),
        ..
    }) = value
    else {
        return refuse(value, format!("`{key}` is a whole number: `{key} = 2`"));
    };
    match number.base10_parse::<i32>() {
        Ok(1..) => {
            let number: Literal = number.token();
            Ok(Value::literal(number.to_token_stream()))
        }
        _ => refuse(
            number,
            format!("`{key}` counts from 1, to {} at most", i32::MAX),
        ),
    }
}

/// A whole number, or a constant of type `u32`.
pub(super) fn count(option: &WrittenOption) -> Result<Value> {
    let key = &option.key;
    match required(option, "3")? {
        negative @ Expr::Unary(ExprUnary {
            op: UnOp::Neg(_), ..
        }) => refuse(negative, format!("`{key}` is a count, so 0 or more")),
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) => {
            let Ok(count) = number.base10_parse::<u32>() else {
                return refuse(number, format!("`{key}` is at most {}", u32::MAX));
            };
            let mut literal = Literal::u32_suffixed(count);
            literal.set_span(number.span());
            Ok(Value::literal(literal.to_token_stream()))
        }
        Expr::Lit(literal) => refuse(literal, format!("`{key}` is a whole number: `{key} = 3`")),
        constant => Ok(Value::constant(constant.to_token_stream())),
    }
}

/// A whole number of 1 or more, or a constant of type `u32`: how much there may be of something.
pub(super) fn positive(option: &WrittenOption) -> Result<Value> {
    let key = &option.key;
    let value = required(option, "100")?;
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) if number.base10_digits() == "0" => refuse(
            number,
            format!("`{key}` is zero: no run could ever be started"),
        ),
        Expr::Lit(_) | Expr::Unary(_) => count(option),
        constant => Ok(Value::checked(
            quote!(::sagewai::macro_support::queue_depth),
            constant,
        )),
    }
}

/// How many runs there may be at once: a whole number of 1 or more, or a constant of type `u32`.
pub(super) fn slots(option: &WrittenOption) -> Result<Value> {
    let key = &option.key;
    let value = required(option, "10")?;
    if let Expr::Lit(ExprLit {
        lit: Lit::Int(number),
        ..
    }) = value
        && number.base10_parse::<u32>().is_ok_and(|count| count == 0)
    {
        return refuse(
            value,
            format!("`{key}` is zero: no run could ever be driven"),
        );
    }
    let count = count(option)?;
    if count.is_constant {
        return Ok(Value::checked(
            quote!(::sagewai::macro_support::slots),
            value,
        ));
    }
    Ok(count)
}

/// How many runs may begin in a time: `"100/1m"`.
pub(super) fn rate(option: &WrittenOption) -> Result<Value> {
    let key = &option.key;
    let value = required(option, "\"100/1m\"")?;
    let help = format!("write how many may begin in which time: `{key} = \"100/1m\"`");
    let Expr::Lit(ExprLit {
        lit: Lit::Str(text),
        ..
    }) = value
    else {
        return refuse(value, format!("`{key}` is a text\n{help}"));
    };
    let written = text.value();
    let wrong = |why: &str| refuse(text, format!("`{written}` is not a rate: {why}\n{help}"));
    let Some((runs, per)) = written.split_once('/') else {
        return wrong("a `/` is missing");
    };
    let runs = match runs.trim().parse::<u32>() {
        Ok(0) => return wrong("it is zero, so no run could ever begin"),
        Ok(runs) => runs,
        Err(_) => return wrong(&format!("`{}` is not a whole number", runs.trim())),
    };
    // `100/m` is as clear as `100/1m`.
    let per = per.trim();
    let one = per
        .starts_with(char::is_alphabetic)
        .then(|| format!("1{per}"));
    match time::nanos(one.as_deref().unwrap_or(per)) {
        Ok(nanos) if nanos < 1_000_000 => wrong("its time is shorter than a millisecond"),
        Ok(nanos) => {
            let per = from_nanos(nanos, value);
            Ok(Value::literal(quote_spanned! {value.span()=>
                ::sagewai::macro_support::Rate { runs: #runs, per: #per }
            }))
        }
        Err(why) => wrong(&why),
    }
}

/// A number of 1 or more, or a constant of type `f64`.
pub(super) fn factor(option: &WrittenOption) -> Result<Value> {
    let key = &option.key;
    let range = || format!("`{key}` is a factor, so 1 or more: with less, pauses would shrink");
    let value = required(option, "2.0")?;
    let factor: f64 = match value {
        Expr::Unary(ExprUnary {
            op: UnOp::Neg(_), ..
        }) => return refuse(value, range()),
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) => number.base10_parse()?,
        Expr::Lit(ExprLit {
            lit: Lit::Float(number),
            ..
        }) => number.base10_parse()?,
        Expr::Lit(literal) => {
            return refuse(literal, format!("`{key}` is a number: `{key} = 1.5`"));
        }
        constant => {
            return Ok(Value::checked(
                quote!(::sagewai::macro_support::backoff),
                constant,
            ));
        }
    };
    if !factor.is_finite() {
        return refuse(value, format!("`{key}` is too large"));
    }
    if factor < 1.0 {
        return refuse(value, range());
    }
    let mut literal = Literal::f64_suffixed(factor);
    literal.set_span(value.span());
    Ok(Value::literal(literal.to_token_stream()))
}

/// A length of time, which may be zero.
pub(super) fn duration(option: &WrittenOption) -> Result<Value> {
    let value = required(option, "30")?;
    Ok(match read_nanos(option, value)? {
        Some(nanos) => Value::literal(from_nanos(nanos, value)),
        None => Value::constant(value.to_token_stream()),
    })
}

/// A length of time in which something must be able to end.
pub(super) fn limit(option: &WrittenOption) -> Result<Value> {
    let key = &option.key;
    let value = required(option, "30")?;
    match read_nanos(option, value)? {
        Some(0) => refuse(
            value,
            format!("`{key}` is zero: no attempt could end in time"),
        ),
        Some(nanos) => Ok(Value::literal(from_nanos(nanos, value))),
        None => Ok(Value::checked(
            quote!(::sagewai::macro_support::timeout),
            value,
        )),
    }
}

/// Seconds as a number or a text with units, in nanoseconds; nothing where it is an expression of the author.
fn read_nanos(option: &WrittenOption, value: &Expr) -> Result<Option<u64>> {
    let key = &option.key;
    let literal = match value {
        Expr::Unary(ExprUnary {
            op: UnOp::Neg(_), ..
        }) => {
            return refuse(value, format!("`{key}` is a length of time, so 0 or more"));
        }
        Expr::Lit(literal) => &literal.lit,
        _ => return Ok(None),
    };
    let nanos = match literal {
        Lit::Int(number) => time::of_seconds(seconds(option, number)?),
        Lit::Float(number) if number.suffix().is_empty() => {
            time::of_seconds(number.base10_parse()?)
        }
        Lit::Float(number) => return refuse(number, unit_outside_text(option, number)),
        Lit::Str(text) => match time::nanos(&text.value()) {
            Ok(nanos) => Some(nanos),
            Err(why) => {
                let text_value = text.value();
                let help = how_to_write(option);
                return refuse(
                    text,
                    format!("`{text_value}` is not a length of time: {why}\n{help}"),
                );
            }
        },
        other => {
            let help = how_to_write(option);
            return refuse(other, format!("`{key}` is a length of time\n{help}"));
        }
    };
    match nanos {
        Some(nanos) => Ok(Some(nanos)),
        None => refuse(value, format!("`{key}` is too long")),
    }
}

fn seconds(option: &WrittenOption, number: &LitInt) -> Result<f64> {
    if number.suffix().is_empty() {
        return number.base10_parse();
    }
    refuse(number, unit_outside_text(option, number))
}

fn unit_outside_text(option: &WrittenOption, number: &impl ToTokens) -> String {
    let key = &option.key;
    let number = number.to_token_stream();
    format!("a length of time with a unit is a text: `{key} = \"{number}\"`")
}

fn how_to_write(option: &WrittenOption) -> String {
    let key = &option.key;
    format!("write seconds (`{key} = 30`, `{key} = 0.5`) or a text (`{key} = \"1h 30m\"`)")
}

fn from_nanos(nanos: u64, at: &Expr) -> TokenStream {
    quote_spanned!(at.span()=> ::sagewai::macro_support::Duration::from_nanos(#nanos))
}

fn required<'a>(option: &'a WrittenOption, example: &str) -> Result<&'a Expr> {
    let key = &option.key;
    let text = format!("`{key}` needs a value: `{key} = {example}`");
    match &option.value {
        Some(value) => Ok(peel(value)),
        None => Err(Error::new_spanned(key, text)),
    }
}

/// A value without the invisible brackets of a `macro_rules` variable.
fn peel(value: &Expr) -> &Expr {
    match value {
        Expr::Group(group) => peel(&group.expr),
        value => value,
    }
}

fn refuse<T>(at: impl ToTokens, text: String) -> Result<T> {
    Err(Error::new_spanned(at, text))
}
