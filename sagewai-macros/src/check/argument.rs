//! Whether an argument can be stored and given back in another process.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident};
use syn::visit::{self, Visit};
use syn::{FnArg, GenericArgument, Lifetime, Pat, PatType, Path, PathArguments, Type};

use crate::diagnostics::Mistakes;
use crate::model::{Attribute, Param, Role};
use crate::text;

/// The most arguments of one call: what takes a workflow by its function is written once per number of arguments.
const ARGUMENTS_MAX: usize = 8;

/// Reads the parameters. `self` is reported elsewhere.
pub(super) fn read_all(
    attribute: Attribute,
    written: &syn::Signature,
    mistakes: &mut Mistakes,
) -> Vec<Param> {
    let mut params: Vec<Param> = Vec::new();
    for input in &written.inputs {
        if let FnArg::Typed(typed) = input {
            params.push(read(attribute, typed, written, &params, mistakes));
        }
    }
    let arguments = params
        .iter()
        .filter(|param| matches!(param.role, Role::Argument(_)))
        .count();
    if arguments > ARGUMENTS_MAX {
        let text = format!(
            "a `#[{attribute}]` takes at most {ARGUMENTS_MAX} arguments; put them into a struct"
        );
        mistakes.at(&written.inputs, text);
    }
    params
}

fn read(
    attribute: Attribute,
    typed: &PatType,
    signature: &syn::Signature,
    earlier: &[Param],
    mistakes: &mut Mistakes,
) -> Param {
    let name = name(typed, earlier.len(), mistakes);
    let written = peel(&typed.ty);
    // A lifetime of the signature's own is reported there.
    let refusal = refuse(written).filter(|_| signature.generics.lifetimes().next().is_none());
    let refused = refusal.is_some();
    if let Some((at, text)) = refusal {
        mistakes.at(at, text);
    }
    let (ty, borrowed) = match written {
        Type::Reference(reference) if !refused => {
            ((*reference.elem).clone(), Some(reference.and_token.span))
        }
        ty => (ty.clone(), None),
    };
    let role = role(attribute, &name, &ty, typed, mistakes);
    let clash = earlier.iter().any(|other| match (&other.role, &role) {
        (Role::Context, Role::Context) => {
            mistakes.at(
                &typed.ty,
                format!("`{}` is given twice", attribute.context()),
            );
            false
        }
        (Role::Argument(a), Role::Argument(b)) => a == b,
        _ => false,
    });
    if let (true, Role::Argument(stored)) = (clash, &role) {
        mistakes.at(
            &typed.pat,
            format!("two arguments would be stored as `{stored}`; rename one"),
        );
    }
    Param {
        name,
        ty,
        borrowed,
        role,
    }
}

fn name(typed: &PatType, index: usize, mistakes: &mut Mistakes) -> Ident {
    match &*typed.pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => pat.ident.clone(),
        pat => {
            mistakes.at(
                pat,
                "name this argument: it is stored under its name\ndestructure it inside the body",
            );
            format_ident!("argument_{index}")
        }
    }
}

fn role(
    attribute: Attribute,
    name: &Ident,
    ty: &Type,
    typed: &PatType,
    mistakes: &mut Mistakes,
) -> Role {
    if is_named(ty, attribute.context()) {
        return Role::Context;
    }
    let other = match attribute {
        Attribute::Step => Attribute::Workflow,
        Attribute::Workflow => Attribute::Step,
    };
    if is_named(ty, other.context()) {
        let text = format!(
            "a `#[{attribute}]` takes a `{}`; `{}` is for a `#[{other}]`",
            attribute.context(),
            other.context()
        );
        mistakes.at(&typed.ty, text);
    }
    // `_topic` is an argument that is not used yet, not another one than `topic`.
    let written = text::of_name(name);
    let trimmed = written.trim_start_matches('_');
    Role::Argument(if trimmed.is_empty() {
        written
    } else {
        trimmed.to_owned()
    })
}

/// Why a type cannot be an argument.
fn refuse(ty: &Type) -> Option<(TokenStream, &'static str)> {
    let why = match ty {
        Type::Reference(reference) if reference.mutability.is_some() => {
            "a stored argument cannot be `&mut`: changes to it would be lost on replay\n\
             take it by value and return the new value"
        }
        Type::Reference(reference) if reference.lifetime.is_some() => {
            "a stored argument has no lifetime of its own: it is read back from the store\n\
             write a plain `&` or take it by value"
        }
        Type::ImplTrait(_) => {
            "a stored argument needs one known type, so it cannot be `impl Trait`"
        }
        Type::Reference(reference) => return refuse_inside(peel(&reference.elem)),
        ty => return refuse_inside(ty),
    };
    Some((ty.to_token_stream(), why))
}

fn refuse_inside(ty: &Type) -> Option<(TokenStream, &'static str)> {
    let mut inner = Inner(None);
    inner.visit_type(ty);
    inner.0
}

/// Why a type cannot be what a function returns. Its error may be anything here: the compiler has more to say of it.
pub(super) fn refuse_output(output: &Type) -> Option<(TokenStream, &'static str)> {
    let Type::Path(path) = output else {
        return None;
    };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else {
        return None;
    };
    let (at, why) = match arguments.args.first()? {
        GenericArgument::Type(ty) => refuse_inside(ty)?,
        _ => return None,
    };
    let why = if why == BORROWED {
        "a result is stored, so it owns its data\nreturn it by value, as a `String` for a `&str`"
    } else {
        why
    };
    Some((at, why))
}

const BORROWED: &str = "only a whole argument can be borrowed: what is stored owns its data";

/// What is refused inside a type; the first of it.
struct Inner(Option<(TokenStream, &'static str)>);

impl<'ast> Visit<'ast> for Inner {
    fn visit_type(&mut self, ty: &'ast Type) {
        let why = match ty {
            Type::Reference(_) => BORROWED,
            Type::ImplTrait(_) => {
                "what is stored needs one known type, so it cannot hold an `impl Trait`"
            }
            Type::TraitObject(_) => {
                "what is stored needs one known type, so it cannot hold a `dyn Trait`\n\
                 make it an enum of the types that are possible"
            }
            Type::FnPtr(_) => {
                "a function cannot be stored\n\
                 pass what it would compute, or an enum that says which one is meant"
            }
            Type::Ptr(_) => {
                "a pointer means nothing in another process\npass the value it points to"
            }
            Type::Path(path) if is_shared_in_one_thread(&path.path) => {
                "an `Rc` stays in its thread, and a run goes on in any\nuse `Arc`"
            }
            ty => return visit::visit_type(self, ty),
        };
        self.0.get_or_insert((ty.to_token_stream(), why));
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != "static" {
            let why = "what is stored owns its data, so its type borrows nothing\n\
                       where the type allows it, `'static` says so, as in `Cow<'static, str>`";
            self.0.get_or_insert((lifetime.to_token_stream(), why));
        }
    }
}

fn is_shared_in_one_thread(path: &Path) -> bool {
    let last = path.segments.last();
    last.is_some_and(|last| last.ident == "Rc" && !last.arguments.is_none())
}

/// A type without the invisible brackets of a `macro_rules` variable.
pub(super) fn peel(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => peel(&group.elem),
        Type::Paren(paren) => peel(&paren.elem),
        ty => ty,
    }
}

/// Whether a type's path ends in this name.
fn is_named(ty: &Type, name: &str) -> bool {
    let Type::Path(path) = peel(ty) else {
        return false;
    };
    let last = path.path.segments.last();
    last.is_some_and(|segment| segment.ident == name)
}
