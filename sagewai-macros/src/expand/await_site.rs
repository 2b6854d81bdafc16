//! What becomes of the awaits, branches and `async` blocks of a workflow body.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, ExprAsync, ExprCall, ExprForLoop, Item, Macro, Stmt, Token, Type};

use crate::model::{Mark, Marked};
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

/// The statements with their awaits written out. `scope` is the variable that holds the scope of the run, `output` what
/// the workflow returns.
pub(super) fn write(statements: &[Stmt], copy: Copy, scope: &Ident, output: &Type) -> TokenStream {
    let mut writer = Writer {
        copy,
        scope,
        output,
        exempt: 0,
    };
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
    output: &'a Type,
    /// Above zero inside what the author vouches for.
    exempt: u32,
}

impl VisitMut for Writer<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        visit_mut::visit_expr_mut(self, expr);
        if let Some(marked) = Marked::out_of(expr) {
            *expr = Expr::Verbatim(self.written(&marked));
        }
    }

    /// What a `for` goes through must have an order, which only the compiler can tell.
    fn visit_expr_for_loop_mut(&mut self, expr: &mut ExprForLoop) {
        visit_mut::visit_expr_for_loop_mut(self, expr);
        *expr.expr = Expr::Verbatim(self.in_order(&expr.expr, expr.in_token.span));
    }

    /// In `record(..)` and `unchecked(..)`, anything may be gone through.
    fn visit_expr_call_mut(&mut self, call: &mut ExprCall) {
        let exempt = u32::from(is_called(&call.func, &["record", "unchecked"]));
        self.exempt += exempt;
        visit_mut::visit_expr_call_mut(self, call);
        self.exempt -= exempt;
    }

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
    fn written(&self, marked: &Marked) -> TokenStream {
        match (marked.mark, &marked.expr) {
            (Mark::Await(site), _) => self.awaited(site, marked),
            (Mark::Branch(site), expr) => {
                let ends = place::ends(expr);
                // Where a call ends stands a parenthesis, and no name that an editor would look up.
                let at = if matches!(expr, Expr::Call(_) | Expr::MethodCall(_)) {
                    ends.1
                } else {
                    Span::call_site()
                };
                let branch = quote_spanned!(at=> __s::branch);
                place::call(branch, quote!(#expr, #site), ends)
            }
            (Mark::Block, Expr::Async(block)) => self.block(block),
            (Mark::Block, expr) => expr.to_token_stream(),
            (Mark::Items, items) => self.in_order(items, Span::call_site()),
            (Mark::Refused, _) => quote!(__s::Failed::<()>::new()),
            (Mark::RefusedItself, _) => {
                let output = self.output;
                quote!(__s::Failed::<#output>::new())
            }
        }
    }

    /// Items, of whose order the compiler is asked. `at` is a place for the names.
    fn in_order(&self, items: &Expr, at: Span) -> TokenStream {
        let unchecked = matches!(items, Expr::Call(call) if is_called(&call.func, &["unchecked"]));
        if unchecked || self.exempt > 0 {
            return items.to_token_stream();
        }
        let ends = place::ends(items);
        let through = place::call(quote!(__s::Through), quote!(#items), ends);
        let judged = Ident::new("judged", at);
        let dot = quote_spanned!(ends.1=> .);
        let nothing = place::parenthesized(TokenStream::new(), ends.1);
        let judged = quote!(#through #dot #judged #nothing);
        let in_order = Ident::new("__in_order", at);
        place::call(quote!(#in_order), judged, ends)
    }

    /// `durable(EXPR, scope.at(7)).await`. The call has the place of the expression it wraps, so that a missing
    /// `Durable` and what follows from it are one error.
    fn awaited(&self, site: u16, awaited: &Marked) -> TokenStream {
        let scope = self.scope;
        let expr = match &awaited.expr {
            Expr::Paren(paren) => &paren.expr,
            expr => expr,
        };
        let durable = Ident::new("__durable", awaited.span);
        let call = place::call(
            quote!(#durable),
            quote!(#expr, #scope.at(#site)),
            place::ends(expr),
        );
        match self.copy {
            Copy::Durable => {
                let dot_await = quote_spanned!(awaited.span=> .await);
                quote!(#call #dot_await)
            }
            Copy::Checked => quote!(__s::checked(#call)),
        }
    }

    /// The author's block with a scope of its own. The slot is moved into it, so that it borrows only what its author
    /// borrows.
    fn block(&self, block: &ExprAsync) -> TokenStream {
        let ExprAsync {
            attrs,
            async_token,
            capture,
            block,
            ..
        } = block;
        if matches!(self.copy, Copy::Checked) {
            return quote!(__s::checked_block(#capture || #block));
        }
        let (scope, statements) = (self.scope, &block.stmts);
        let slot = super::arguments::local("__slot");
        let mut body = Group::new(
            Delimiter::Brace,
            quote! {
                #[allow(unused_variables)]
                let #scope = #slot.scope();
                #(#statements)*
            },
        );
        body.set_span(block.span());
        let mut braced = Group::new(
            Delimiter::Brace,
            quote! {
                let #slot = __s::Slot::default();
                #(#attrs)*
                __s::Slot::block(__s::Clone::clone(&#slot), #async_token #capture #body)
            },
        );
        // So that a block that nobody awaits is reported where it stands.
        braced.set_span(async_token.span());
        quote!(#braced)
    }
}

/// Whether it is a function of one of these names.
fn is_called(function: &Expr, names: &[&str]) -> bool {
    let Expr::Path(function) = function else {
        return false;
    };
    let last = function.path.segments.last();
    last.is_some_and(|last| names.iter().any(|name| last.ident == name))
}

fn holds_mark(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(name) => Marked::is_mark(&name),
        TokenTree::Group(group) => holds_mark(group.stream()),
        _ => false,
    })
}
