//! What an awaited expression calls.

use proc_macro2::{Ident, Span};
use syn::punctuated::Punctuated;
use syn::{
    Expr, ExprCall, ExprLit, ExprPath, GenericArgument, Lit, Path, PathArguments, Token, Type,
};

use super::names::Names;
use crate::model::{Callee, Node, Site};
use crate::text;

/// What stands at the beginning of an awaited expression.
pub(super) enum Root {
    Call(Called),
    /// It is known only when the run reaches it.
    Dynamic,
}

/// A call of a function by its path.
#[derive(Clone)]
pub(super) struct Called {
    path: Path,
    label: String,
    named: String,
    parenthesis: Span,
}

/// Goes down a chain of methods, parentheses and variables to what is called.
pub(super) fn root(names: &Names, expr: &Expr) -> Root {
    match expr {
        Expr::Paren(paren) => root(names, &paren.expr),
        Expr::Group(group) => root(names, &group.expr),
        Expr::MethodCall(call) => {
            let mut root = root(names, &call.receiver);
            if call.method == "named"
                && let (Root::Call(called), Some(name)) = (&mut root, first_text(&call.args))
            {
                called.named = name;
            }
            root
        }
        // What `child(report(day))` runs is what it is given.
        Expr::Call(call) if is_child(call) => {
            let inner = call.args.first();
            inner.map_or(Root::Dynamic, |inner| root(names, inner))
        }
        Expr::Call(call) => called(names, call).map_or(Root::Dynamic, Root::Call),
        Expr::Path(path) => match names.call(&path.path) {
            Some(called) => Root::Call(called.clone()),
            None => Root::Dynamic,
        },
        _ => Root::Dynamic,
    }
}

fn called(names: &Names, call: &ExprCall) -> Option<Called> {
    let Expr::Path(function) = peel(&call.func) else {
        return None;
    };
    if function.qself.is_some() || is_type(&function.path) {
        return None;
    }
    Some(Called {
        path: names.outside_path(&function.path)?,
        label: label(&function.path, &call.args),
        named: String::new(),
        parenthesis: call.paren_token.span.open(),
    })
}

/// What a picture says beside the name: a gate's name, the time a timer takes.
fn label(path: &Path, arguments: &Punctuated<Expr, Token![,]>) -> String {
    let last = path.segments.last().map(|last| last.ident.to_string());
    let is_timer = matches!(last.as_deref(), Some("sleep" | "sleep_until"));
    match (first_text(arguments), arguments.first()) {
        (Some(text), _) => text,
        (None, Some(time)) if is_timer => text::of_source(time),
        _ => String::new(),
    }
}

/// A function that is given by its name, as in `map(topics, research)`.
pub(super) fn named(names: &Names, function: &ExprPath) -> Root {
    let call = || {
        let last = function.path.segments.last()?;
        let is_call = function.qself.is_none() && !is_type(&function.path);
        Some(Called {
            path: names.outside_path(&function.path).filter(|_| is_call)?,
            label: String::new(),
            named: String::new(),
            parenthesis: last.ident.span(),
        })
    };
    call().map_or(Root::Dynamic, Root::Call)
}

impl Called {
    /// Whether it is a call of this function, by its bare name.
    pub(super) fn is(&self, name: &Ident) -> bool {
        self.path.is_ident(name)
    }
}

/// `Type::function` and `Type(..)`: a `use` cannot name the one, and the other is no function.
fn is_type(path: &Path) -> bool {
    let mut last_two = path.segments.iter().rev().take(2);
    last_two.any(|segment| segment.ident.to_string().starts_with(char::is_uppercase))
}

/// The await site of `base`.
pub(super) fn site(root: Root, base: &Expr, keyword: Span) -> Site {
    match root {
        Root::Call(Called {
            mut path,
            label,
            named,
            parenthesis,
        }) => {
            let generics = take_generics(&mut path);
            Site {
                text: text::of_type(&path),
                label,
                named,
                callee: Callee::Function(Node {
                    path,
                    generics,
                    parenthesis,
                }),
            }
        }
        Root::Dynamic => Site {
            text: text::of_source(base),
            label: String::new(),
            named: String::new(),
            callee: Callee::Dynamic(keyword),
        },
    }
}

/// The generic arguments of a call. One that is left to the compiler (`_`) cannot be named outside of the body, so
/// then there are none.
fn take_generics(path: &mut Path) -> Vec<Type> {
    let mut types = Vec::new();
    for segment in &mut path.segments {
        let arguments = std::mem::replace(&mut segment.arguments, PathArguments::None);
        if let PathArguments::AngleBracketed(arguments) = arguments {
            types.extend(
                arguments
                    .args
                    .into_iter()
                    .filter_map(|argument| match argument {
                        GenericArgument::Type(ty) => Some(ty),
                        _ => None,
                    }),
            );
        }
    }
    let inferred = types.iter().any(|ty| matches!(ty, Type::Infer(_)));
    if inferred { Vec::new() } else { types }
}

/// `record("name", || ..)`, whose result is stored, and `unchecked(..)`, whose author vouches for it.
pub(super) fn is_exempt(call: &ExprCall) -> bool {
    is_call_of(call, "record") || is_call_of(call, "unchecked")
}

/// Whether the path of what is called ends in this name.
pub(super) fn is_call_of(call: &ExprCall, name: &str) -> bool {
    let Expr::Path(function) = peel(&call.func) else {
        return false;
    };
    let last = function.path.segments.last();
    last.is_some_and(|segment| segment.ident == name)
}

/// `child(..)`, by whatever path.
fn is_child(call: &ExprCall) -> bool {
    let Expr::Path(function) = peel(&call.func) else {
        return false;
    };
    let last = function.path.segments.last();
    call.args.len() == 1 && last.is_some_and(|segment| segment.ident == "child")
}

/// An expression without its parentheses, visible or not.
pub(super) fn peel(expr: &Expr) -> &Expr {
    match expr {
        Expr::Group(group) => peel(&group.expr),
        Expr::Paren(paren) => peel(&paren.expr),
        expr => expr,
    }
}

fn first_text(arguments: &Punctuated<Expr, Token![,]>) -> Option<String> {
    match arguments.first() {
        Some(Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        })) => Some(text.value()),
        _ => None,
    }
}
