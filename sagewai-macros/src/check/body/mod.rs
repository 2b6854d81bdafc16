//! The body of a workflow. A reader goes through it once, numbers what is awaited, notes the order of things, and
//! reports what a replay could not repeat.

mod branches;
mod callee;
mod control_flow;
mod foreign;
mod macros;
mod names;
mod nondeterminism;

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    BinOp, Block, Expr, ExprAsync, ExprAwait, ExprCall, ExprClosure, ExprLet, ExprMethodCall,
    ExprPath, Item, Local, Macro, Path, Stmt,
};

use crate::diagnostics::Mistakes;
use crate::model::{Body, Flow, Mark, Marked, Signature, Site, Suspect};
use crate::parse::Function;
use callee::Root;
use names::Names;
use nondeterminism::Verdict;

/// Reads the body of a workflow.
pub(super) fn read(
    signature: &Signature,
    function: &Function,
    mistakes: &mut Mistakes,
) -> Option<Body> {
    let (attributes, mut block) = mistakes.take(function.statements())?;
    let mut reader = Reader {
        mistakes,
        sites: Vec::new(),
        suspects: Vec::new(),
        foreign_macro: false,
        flow: Vec::new(),
        names: Names::default(),
        itself: &signature.name,
        perhaps: 0,
        exempt: 0,
        quiet: 0,
    };
    for param in &signature.params {
        reader.names.bind_variable(&param.name);
    }
    reader.visit_block_mut(&mut block);
    Some(Body {
        attributes,
        statements: block.stmts,
        flow: control_flow::tidy(reader.flow),
        sites: reader.sites,
        foreign_macro: reader.foreign_macro,
        suspects: reader.suspects,
    })
}

/// Goes through the body in the order in which it is evaluated.
struct Reader<'m> {
    mistakes: &'m mut Mistakes,
    sites: Vec<Site>,
    suspects: Vec<Suspect>,
    foreign_macro: bool,
    /// What happened so far in the innermost branch or loop.
    flow: Vec<Flow>,
    names: Names,
    /// The workflow that is read.
    itself: &'m Ident,
    /// Above zero where the code is perhaps not reached: in a branch or loop, after a way out.
    perhaps: u32,
    /// Above zero inside `record(..)` and `unchecked(..)`: there, anything may be called.
    exempt: u32,
    /// Above zero inside what was refused already: its parts are not reported again.
    quiet: u32,
}

impl Reader<'_> {
    /// What `read` adds to the flow, apart from the rest.
    fn collect(&mut self, read: impl FnOnce(&mut Self)) -> Vec<Flow> {
        let before = std::mem::take(&mut self.flow);
        self.perhaps += 1;
        read(self);
        self.perhaps -= 1;
        std::mem::replace(&mut self.flow, before)
    }

    /// Names that `read` binds are gone afterwards.
    fn scoped(&mut self, read: impl FnOnce(&mut Self)) {
        let scope = self.names.enter();
        read(self);
        self.names.leave(scope);
    }

    fn refuse(&mut self, at: impl ToTokens, text: impl std::fmt::Display) {
        if self.quiet == 0 {
            self.mistakes.at(at, text);
        }
    }

    /// Reports a path that a replay could not repeat, or has the compiler look at it.
    fn judge(&mut self, path: &Path) {
        if self.exempt > 0 || self.quiet > 0 {
            return;
        }
        match nondeterminism::judge(&self.names, path) {
            Some(Verdict::Refused(text)) => self.refuse(path, text),
            Some(Verdict::Suspected(suspect)) => self.suspects.push(suspect),
            None => {}
        }
    }

    fn judge_assignment(&mut self, expr: &Expr) {
        let to = match expr {
            Expr::Assign(assign) => &assign.left,
            Expr::Binary(binary) if is_assignment(&binary.op) => &binary.left,
            _ => return,
        };
        if self.exempt == 0
            && let Some(text) = nondeterminism::refusal_of_assignment(&self.names, to)
        {
            self.refuse(to, text);
        }
    }

    /// Numbers an await site.
    fn site(&mut self, root: Root, base: &Expr, keyword: Span) -> u16 {
        let Ok(number) = u16::try_from(self.sites.len()) else {
            self.refuse(base, "a workflow awaits in at most 65536 places");
            return u16::MAX;
        };
        self.sites.push(callee::site(root, base, keyword));
        number
    }

    fn last_site(&self) -> u16 {
        u16::try_from(self.sites.len().saturating_sub(1)).unwrap_or(u16::MAX)
    }

    /// Whether a call is refused by its name. It stays as written then, so that one mistake is one error.
    fn is_refused(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Paren(paren) => self.is_refused(&paren.expr),
            Expr::Group(group) => self.is_refused(&group.expr),
            Expr::MethodCall(call) => self.is_refused(&call.receiver),
            Expr::Call(call) => self.is_refused_call(call),
            Expr::Closure(closure) => closure.asyncness.is_some(),
            Expr::Macro(invocation) => macros::is_refused(&invocation.mac),
            Expr::Path(path) => self.names.is_refused(&path.path),
            _ => false,
        }
    }

    fn is_refused_call(&self, call: &ExprCall) -> bool {
        let Expr::Path(path) = callee::peel(&call.func) else {
            return false;
        };
        let judged = || nondeterminism::judge(&self.names, &path.path);
        let nondeterministic = self.exempt == 0 && matches!(judged(), Some(Verdict::Refused(_)));
        nondeterministic || self.names.is_refused(&path.path)
    }
}

impl VisitMut for Reader<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if self.read_control_flow(expr) || self.refuse_joined(expr) {
            return;
        }
        if let Expr::Await(awaited) = expr
            && let Some(flow) = self.read_held(&mut awaited.base)
        {
            self.flow.extend(branches::without_returns(flow));
            // A site of its own it has not: what stands in it has.
            let keyword = awaited.await_token.span();
            *expr = await_site(self.last_site(), awaited, keyword);
            return;
        }
        if self.refuse_unawaited(expr) {
            return;
        }
        self.judge_assignment(expr);
        visit_mut::visit_expr_mut(self, expr);
        // Awaits inside came first, as they do when it runs.
        if let Expr::Await(awaited) = expr
            && let Some(read) = self.read_await(awaited)
        {
            *expr = read;
        }
    }

    fn visit_stmt_mut(&mut self, statement: &mut Stmt) {
        branches::macro_as_expression(statement);
        if let Stmt::Expr(Expr::Async(block), Some(_)) = statement {
            let text = "this `async` block does nothing, because nobody awaits it\nadd `.await`, or make it a branch of `join!`";
            self.refuse(block.async_token, text);
            *statement = syn::parse_quote!((););
        } else {
            visit_mut::visit_stmt_mut(self, statement);
        }
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        self.scoped(|reader| {
            reader.names.add_items(block);
            visit_mut::visit_block_mut(reader, block);
        });
    }

    /// A nested item has a body of its own.
    fn visit_item_mut(&mut self, _: &mut Item) {}

    fn visit_local_mut(&mut self, local: &mut Local) {
        self.read_local(local);
    }

    fn visit_expr_let_mut(&mut self, condition: &mut ExprLet) {
        self.visit_expr_mut(&mut condition.expr);
        self.names.bind(&condition.pat);
    }

    /// No await can stand in a closure, so nothing of it is part of the order of things.
    fn visit_expr_closure_mut(&mut self, closure: &mut ExprClosure) {
        if let Some(asyncness) = &closure.asyncness {
            return self.refuse_async_closure(*asyncness);
        }
        self.collect(|reader| {
            reader.scoped(|reader| {
                for input in &closure.inputs {
                    reader.names.bind(input);
                }
                reader.visit_expr_mut(&mut closure.body);
            });
        });
    }

    /// One that is neither awaited nor a branch.
    fn visit_expr_async_mut(&mut self, block: &mut ExprAsync) {
        let text = "this `async` block is handed to code that would run it as a plain future, so a replay would not be durable\n\
                    await it here, or make it a branch of `join!`, `try_join!`, `race!` or `map`";
        self.refuse(block.async_token, text);
    }

    fn visit_expr_call_mut(&mut self, call: &mut ExprCall) {
        let refused = u32::from(self.is_refused_call(call));
        let exempt = u32::from(callee::is_exempt(call));
        self.visit_expr_mut(&mut call.func);
        self.refuse_async_record(call);
        self.quiet += refused;
        self.exempt += exempt;
        for argument in &mut call.args {
            self.visit_expr_mut(argument);
        }
        self.exempt -= exempt;
        self.quiet -= refused;
    }

    fn visit_expr_path_mut(&mut self, path: &mut ExprPath) {
        self.judge(&path.path);
    }

    fn visit_expr_method_call_mut(&mut self, call: &mut ExprMethodCall) {
        if self.exempt == 0
            && let Some(text) = nondeterminism::refusal_of_method(&self.names, call)
        {
            self.refuse(&*call, text);
        }
        visit_mut::visit_expr_method_call_mut(self, call);
    }

    fn visit_macro_mut(&mut self, invocation: &mut Macro) {
        self.read_macro(invocation);
    }
}

impl Reader<'_> {
    fn refuse_async_closure(&mut self, asyncness: syn::Token![async]) {
        let text = "an `async` closure cannot be checkpointed\n\
                    write a closure that gives an `async` block: `map(items, |item| async move { .. })`";
        self.refuse(asyncness, text);
    }

    /// `record("name", async || ..)`, which becomes a plain closure, so that nothing more is said of what it gives.
    fn refuse_async_record(&mut self, call: &mut ExprCall) {
        if !callee::is_call_of(call, "record") {
            return;
        }
        let Some(Expr::Closure(closure)) = call.args.get_mut(1) else {
            return;
        };
        let keyword = match (&closure.asyncness, &*closure.body) {
            (Some(keyword), _) => *keyword,
            (None, Expr::Async(block)) => block.async_token,
            (None, _) => return,
        };
        let text = "`record` takes a plain closure, which gives its value at once\n\
                    what awaits something belongs in a `#[step]`";
        self.refuse(keyword, text);
        closure.asyncness = None;
        if let Expr::Async(block) = &*closure.body {
            let block = &block.block;
            *closure.body = syn::parse_quote!(#block);
        }
        if control_flow::awaits(&closure.body) {
            *closure.body = syn::parse_quote!(::core::unreachable!());
        }
    }

    /// The await as an await site, unless it was refused.
    fn read_await(&mut self, awaited: &mut ExprAwait) -> Option<Expr> {
        if self.is_refused(&awaited.base) {
            return None;
        }
        let root = callee::root(&self.names, &awaited.base);
        let keyword = awaited.await_token.span();
        let endless =
            self.perhaps == 0 && matches!(&root, Root::Call(call) if call.is(self.itself));
        if endless {
            let text = format!(
                "`{}` awaits itself whenever it gets here, so it would never end\n\
                 put the call behind a condition",
                self.itself
            );
            self.refuse(&awaited.base, text);
            *awaited.base = branches::stand_in(Mark::RefusedItself, awaited.base.span());
        }
        let site = self.site(root, &awaited.base, keyword);
        self.flow.push(Flow::Node(site));
        Some(await_site(site, awaited, keyword))
    }
}

/// `+=` and its like.
fn is_assignment(operator: &BinOp) -> bool {
    operator.to_token_stream().to_string().ends_with('=')
        && !matches!(
            operator,
            BinOp::Eq(_) | BinOp::Ne(_) | BinOp::Le(_) | BinOp::Ge(_)
        )
}

fn await_site(site: u16, awaited: &ExprAwait, span: Span) -> Expr {
    Marked {
        mark: Mark::Await(site),
        expr: awaited.base.as_ref().clone(),
        span,
    }
    .into_expr()
}
