//! What becomes of the awaits of a workflow body.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, ExprClosure, ExprForLoop, Item, Macro, Stmt, Token};

use crate::model::Awaited;
use crate::place;

/// Which copy of the body is written.
#[derive(Clone, Copy)]
pub(super) enum Copy {
    /// The one that runs.
    Durable,
    /// One that is only type-checked, in a function that is not `async`: an await that a macro hides does not
    /// compile there.
    Checked,
}

/// The statements with their awaits written out. `scope` is the variable that holds the scope of the run.
pub(super) fn write(statements: &[Stmt], copy: Copy, scope: &Ident) -> TokenStream {
    let mut writer = Writer { copy, scope };
    let mut tokens = TokenStream::new();
    for statement in statements {
        let mut statement = statement.clone();
        writer.visit_stmt_mut(&mut statement);
        statement.to_tokens(&mut tokens);
    }
    tokens
}

struct Writer<'a> {
    copy: Copy,
    scope: &'a Ident,
}

impl VisitMut for Writer<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        visit_mut::visit_expr_mut(self, expr);
        if let Some(awaited) = Awaited::out_of(expr) {
            *expr = Expr::Verbatim(self.awaited(&awaited));
        }
    }

    /// What a `for` goes through must have an order, which only the compiler can tell.
    fn visit_expr_for_loop_mut(&mut self, expr: &mut ExprForLoop) {
        visit_mut::visit_expr_for_loop_mut(self, expr);
        if !is_unchecked(&expr.expr) {
            let (items, ends) = (&expr.expr, place::ends(&expr.expr));
            let through = place::call(quote!(__s::Through), quote!(#items), ends);
            let judged = Ident::new("judged", expr.in_token.span);
            let dot = quote_spanned!(ends.1=> .);
            let nothing = place::parenthesized(TokenStream::new(), ends.1);
            let judged = quote!(#through #dot #judged #nothing);
            let in_order = Ident::new("__in_order", expr.in_token.span);
            *expr.expr = Expr::Verbatim(place::call(quote!(#in_order), judged, ends));
        }
    }

    /// No step can be awaited in a closure, so nothing hangs on an order there.
    fn visit_expr_closure_mut(&mut self, _: &mut ExprClosure) {}

    fn visit_item_mut(&mut self, _: &mut Item) {}

    fn visit_macro_mut(&mut self, invocation: &mut Macro) {
        if !holds_mark(invocation.tokens.clone()) {
            return;
        }
        let parse = Punctuated::<Expr, Token![,]>::parse_terminated;
        if let Ok(mut arguments) = invocation.parse_body_with(parse) {
            for argument in &mut arguments {
                self.visit_expr_mut(argument);
            }
            invocation.tokens = arguments.into_token_stream();
        }
    }
}

impl Writer<'_> {
    /// `durable(EXPR, scope.at(7)).await`. The call has the place of the expression it wraps, so that a missing
    /// `Durable` and what follows from it are one error.
    fn awaited(&self, awaited: &Awaited) -> TokenStream {
        let (site, scope) = (awaited.site, self.scope);
        let expr = match &awaited.expr {
            Expr::Paren(paren) => &paren.expr,
            expr => expr,
        };
        let durable = Ident::new("__durable", awaited.keyword);
        let call = place::call(
            quote!(#durable),
            quote!(#expr, #scope.at(#site)),
            place::ends(expr),
        );
        match self.copy {
            Copy::Durable => {
                let dot_await = quote_spanned!(awaited.keyword=> .await);
                quote!(#call #dot_await)
            }
            Copy::Checked => quote!(__s::checked(#call)),
        }
    }
}

/// `unchecked(..)`, whose author vouches for it.
fn is_unchecked(expr: &Expr) -> bool {
    let Expr::Call(call) = expr else { return false };
    let Expr::Path(function) = &*call.func else {
        return false;
    };
    let last = function.path.segments.last();
    last.is_some_and(|segment| segment.ident == "unchecked")
}

fn holds_mark(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(name) => Awaited::is_mark(&name),
        TokenTree::Group(group) => holds_mark(group.stream()),
        _ => false,
    })
}
