//! Whether a function can be called across processes: its signature must be one whose every part can be stored.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    FnArg, GenericArgument, GenericParam, Generics, PathArguments, ReturnType, Safety, Token, Type,
    TypeParamBound,
};

use super::argument;
use crate::diagnostics::Mistakes;
use crate::model::{Attribute, Attributes, Signature};
use crate::parse::Function;
use crate::{surroundings, text};

/// What can be done with a function.
pub(super) enum Verdict {
    Sound(Signature),
    /// Only its name and what it takes and gives are known.
    Callable(Signature),
    /// It is a method or an associated function.
    NoFreeFunction,
}

/// Reads the signature.
pub(super) fn read(attribute: Attribute, function: &Function, all: &mut Mistakes) -> Verdict {
    let mut mistakes = Mistakes::default();
    let written = &function.signature;
    qualifiers(attribute, written, &mut mistakes);
    generics(attribute, &written.generics, &mut mistakes);
    let (arrow, output) = output(attribute, written, &mut mistakes);
    let params = argument::read_all(attribute, written, &mut mistakes);
    let free = is_free(attribute, function, &mut mistakes);
    let attributes = attributes(attribute, &function.attributes, &mut mistakes);

    let sound = mistakes.is_empty();
    all.append(mistakes);
    let signature = Signature {
        attributes,
        visibility: function.visibility.clone(),
        name: written.ident.clone(),
        generics: written.generics.clone(),
        asyncness: written
            .asyncness
            .map_or_else(Span::call_site, |token| token.span),
        fn_token: written.fn_token,
        parentheses: written.paren_token,
        params,
        arrow,
        output,
    };
    match (free, sound) {
        (false, _) => Verdict::NoFreeFunction,
        (true, true) => Verdict::Sound(signature),
        (true, false) => Verdict::Callable(signature),
    }
}

fn qualifiers(attribute: Attribute, written: &syn::Signature, mistakes: &mut Mistakes) {
    if let Some(constness) = &written.constness {
        let text = format!(
            "a `#[{attribute}]` is an `async fn`, which cannot be `const`: write `async fn {}`",
            written.ident
        );
        mistakes.at(constness, text);
    } else if written.asyncness.is_none() {
        let text = format!(
            "a `#[{attribute}]` is an `async fn`: write `async fn {}`",
            written.ident
        );
        mistakes.at(written.fn_token, text);
    }
    if let Safety::Unsafe(safety) = &written.safety {
        let text = format!(
            "a `#[{attribute}]` cannot be `unsafe`: the engine calls it, not you\n\
             put the `unsafe` into its body"
        );
        mistakes.at(safety, text);
    }
    if let Some(abi) = &written.abi {
        mistakes.at(abi, format!("a `#[{attribute}]` cannot be `extern`"));
    }
}

fn generics(attribute: Attribute, generics: &Generics, mistakes: &mut Mistakes) {
    let lifetimes_only = generics
        .params
        .iter()
        .all(|param| matches!(param, GenericParam::Lifetime(_)));
    if generics.params.is_empty() {
        if let Some(clause) = &generics.where_clause {
            mistakes.at(
                clause,
                format!("a `#[{attribute}]` cannot have a `where` clause"),
            );
        }
    } else if lifetimes_only {
        mistakes.at(
            generics,
            "a stored argument has no lifetime of its own: drop this and write a plain `&`",
        );
    } else {
        let text = format!(
            "a `#[{attribute}]` cannot be generic: its input and output are stored, so their types must be known\n\
             write one `#[{attribute}]` per type that calls a shared generic `async fn`"
        );
        mistakes.at(generics, text);
    }
}

/// The return type. It must say `Result`, under whatever alias: asked for by a bound, one mistake would be four errors.
fn output(
    attribute: Attribute,
    written: &syn::Signature,
    mistakes: &mut Mistakes,
) -> (Token![->], Type) {
    let ReturnType::Type(arrow, ty) = &written.output else {
        let text = format!(
            "a `#[{attribute}]` returns a `Result`: write `-> sagewai::Result<()>` and end the body with `Ok(())`"
        );
        mistakes.at(&written.ident, text);
        return (<Token![->]>::default(), syn::parse_quote!(()));
    };
    let peeled = argument::peel(ty);
    if let (None, Some(output)) = (&written.asyncness, output_of_future(peeled)) {
        // That it is no `async fn` is all that is wrong.
        return (*arrow, output);
    }
    if let Type::Never(_) = peeled {
        let text = format!(
            "a `#[{attribute}]` ends: it returns a `Result`, as in `-> sagewai::Result<()>`"
        );
        mistakes.at(peeled, text);
        return (*arrow, syn::parse_quote!(()));
    }
    if !is_result(peeled) {
        let text = format!(
            "a `#[{attribute}]` returns a `Result`: write `-> sagewai::Result<{}>` and end the body with `Ok(..)`",
            text::of_type(peeled)
        );
        mistakes.at(peeled, text);
    } else if let Some((at, text)) = argument::refuse_output(peeled) {
        mistakes.at(at, text);
        return (*arrow, syn::parse_quote!(::sagewai::Result<()>));
    }
    (*arrow, (**ty).clone())
}

/// `Result<u32>` of `impl Future<Output = Result<u32>>`.
fn output_of_future(ty: &Type) -> Option<Type> {
    let Type::ImplTrait(ty) = ty else { return None };
    ty.bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else {
            return None;
        };
        let PathArguments::AngleBracketed(arguments) = &bound.path.segments.last()?.arguments
        else {
            return None;
        };
        arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::AssocType(output) if output.ident == "Output" => {
                Some(output.ty.clone())
            }
            _ => None,
        })
    })
}

fn is_result(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let last = path.path.segments.last();
    last.is_some_and(|segment| segment.ident.to_string().ends_with("Result"))
}

/// Where a function stands, `self` and `Self` in its signature give away, and else the source around it. (In the body,
/// `Self` may belong to an `impl` that stands there.)
fn is_free(attribute: Attribute, function: &Function, mistakes: &mut Mistakes) -> bool {
    let context = attribute.context();
    let inputs = &function.signature.inputs;
    if let Some(FnArg::Receiver(receiver)) = inputs.first() {
        let text = format!(
            "a `#[{attribute}]` cannot take `self`: only its arguments are stored, and another process may run it\n\
             make it a free function; take `ctx: {context}` for what the worker provides"
        );
        mistakes.at(receiver, text);
        return false;
    }
    let name = &function.signature.ident;
    let (at, block) = match find_self_type(function.signature.to_token_stream()) {
        Some(self_type) => (self_type, "impl"),
        None => match surroundings::of_associated_item(function.first(), name) {
            Some(block) => (name.clone(), block),
            None => return true,
        },
    };
    let text = format!(
        "a `#[{attribute}]` is a free function: move it out of the `{block}`\n\
         beside the function there is a type of its name, which cannot stand in there"
    );
    mistakes.at(at, text);
    false
}

fn find_self_type(tokens: TokenStream) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(name) if name == "Self" => Some(name),
        TokenTree::Group(group) => find_self_type(group.stream()),
        _ => None,
    })
}

fn attributes(
    attribute: Attribute,
    written: &[syn::Attribute],
    mistakes: &mut Mistakes,
) -> Attributes {
    const OF_THE_CALL: [&str; 3] = ["doc", "deprecated", "must_use"];

    let mut attributes = Attributes::default();
    for one in written {
        let path = one.path();
        let last = path
            .segments
            .last()
            .map(|segment| segment.ident.to_string());
        let is_called = |names: [&str; 2]| {
            last.as_ref()
                .is_some_and(|last| names.contains(&last.as_str()))
        };
        if is_called(["step", "workflow"]) {
            let text = format!("this function is a `#[{attribute}]` already");
            mistakes.at(one, text);
        } else if is_called(["test", "main"]) {
            let text = format!(
                "`#[{}]` would run this function, and a `#[{attribute}]` is called\n\
                 put it on a function of its own that calls this one",
                text::of_type(path)
            );
            mistakes.at(one, text);
        } else if path.is_ident("cfg") {
            attributes.conditions.push(one.clone());
        } else if OF_THE_CALL.iter().any(|name| path.is_ident(name)) {
            attributes.outer.push(one.clone());
        } else {
            attributes.inner.push(one.clone());
        }
    }
    attributes
}
