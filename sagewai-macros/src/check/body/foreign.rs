//! Combinators of other crates, which run plain futures. They are refused and read as ours, so that nothing more is said
//! of their branches, which are no futures.

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::visit_mut::VisitMut;
use syn::{Expr, ExprCall, ExprMacro, Macro, Path, parse_quote};

use super::{Reader, branches, callee, macros};
use crate::model::{Mark, Parallel};
use crate::text;

/// Whether a macro is an expression that is written otherwise here, also where it is a statement.
pub(super) fn is_known(invocation: &Macro) -> bool {
    macros::is_refused(invocation)
        && (of_macro(&invocation.path).is_some() || is_of_futures(&invocation.path))
}

impl Reader<'_> {
    /// Says whether it was one, and has been read.
    pub(super) fn refuse_joined(&mut self, expr: &mut Expr) -> bool {
        match expr {
            Expr::Macro(ExprMacro { mac, .. }) if is_known(mac) => {
                if let Some(kind) = of_macro(&mac.path) {
                    self.refuse_in_favour(&mac.path, "!", &macro_call(kind));
                    *expr = self.ours(kind, &mac.tokens.clone());
                } else {
                    // It has a syntax of its own.
                    self.visit_macro_mut(mac);
                    *expr = parse_quote!(::core::unreachable!());
                }
                true
            }
            Expr::Await(awaited) => {
                let Some((function, call)) = of_futures(&awaited.base) else {
                    return false;
                };
                if let Some(kind) = joined(function) {
                    self.refuse_in_favour(function, "", &macro_call(kind));
                    *expr = self.ours(kind, &call.args.to_token_stream());
                    return true;
                }
                let (Some(kind), Some(items)) = (mapped(function), call.args.first()) else {
                    return false;
                };
                let instead = format!("{}(items, |item| ..).await", kind.name());
                self.refuse_in_favour(function, "", &instead);
                let ours = Ident::new(kind.name(), Span::call_site());
                *awaited.base = parse_quote!(::sagewai::#ours(#items, |operation| operation));
                false
            }
            _ => false,
        }
    }

    fn refuse_in_favour(&mut self, path: &Path, stroke: &str, instead: &str) {
        let text = format!(
            "`{}{stroke}` runs plain futures, which a replay would run again\n\
             use `sagewai::{instead}`, which takes the same branches",
            text::of_type(path)
        );
        self.refuse(path, text);
    }

    fn ours(&mut self, kind: Parallel, branches: &TokenStream) -> Expr {
        let name = Ident::new(kind.name(), Span::call_site());
        let mut mac: Macro = parse_quote!(::sagewai::#name!(#branches));
        self.read_combinator(&mut mac, kind);
        let mut expr = Expr::Macro(ExprMacro {
            attrs: Vec::new(),
            mac,
        });
        branches::mark(&mut expr, Mark::Await(self.last_site()));
        expr
    }
}

fn macro_call(kind: Parallel) -> String {
    format!("{}!(..).await", kind.name())
}

/// A call of a function of the futures crates.
fn of_futures(expr: &Expr) -> Option<(&Path, &ExprCall)> {
    let Expr::Call(call) = callee::peel(expr) else {
        return None;
    };
    let Expr::Path(function) = callee::peel(&call.func) else {
        return None;
    };
    is_of_futures(&function.path).then_some((&function.path, call))
}

fn is_of_futures(path: &Path) -> bool {
    const CRATES: [&str; 4] = [
        "futures",
        "futures_util",
        "futures_lite",
        "futures_concurrency",
    ];
    let segments = &path.segments;
    segments.len() > 1 && CRATES.iter().any(|name| segments[0].ident == name)
}

/// Which of ours takes the branches of this macro.
fn of_macro(path: &Path) -> Option<Parallel> {
    match path.segments.last()?.ident.to_string().as_str() {
        "join" => Some(Parallel::Join),
        "try_join" => Some(Parallel::TryJoin),
        _ => None,
    }
}

/// Which of ours takes several branches as this one does.
fn joined(path: &Path) -> Option<Parallel> {
    match path.segments.last()?.ident.to_string().as_str() {
        "join" | "join3" | "join4" | "join5" => Some(Parallel::Join),
        "try_join" | "try_join3" | "try_join4" | "try_join5" => Some(Parallel::TryJoin),
        _ => None,
    }
}

/// Which of ours goes through items as this one does.
fn mapped(path: &Path) -> Option<Parallel> {
    match path.segments.last()?.ident.to_string().as_str() {
        "join_all" => Some(Parallel::Map),
        "try_join_all" => Some(Parallel::TryMap),
        _ => None,
    }
}
