//! What goes on at once: `join!`, `try_join!`, `race!`, `map`, and the `async` blocks that are their branches.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{Block, Expr, ExprCall, ExprClosure, ExprMacro, Macro, Stmt, Token};

use super::callee::{self, Root};
use super::{Reader, control_flow, foreign};
use crate::model::{Arm, Flow, Mark, Marked, Parallel};

/// The combinator that a macro is, by its name.
pub(super) fn combinator(invocation: &Macro) -> Option<Parallel> {
    /// Crates whose macros of the same names run plain futures.
    const FOREIGN: [&str; 6] = [
        "tokio",
        "futures",
        "futures_util",
        "futures_lite",
        "futures_concurrency",
        "std",
    ];

    let segments = &invocation.path.segments;
    let is_foreign = segments.len() > 1 && FOREIGN.iter().any(|name| segments[0].ident == name);
    match segments.last()?.ident.to_string().as_str() {
        _ if is_foreign => None,
        "join" => Some(Parallel::Join),
        "try_join" => Some(Parallel::TryJoin),
        "race" => Some(Parallel::Race),
        _ => None,
    }
}

/// `map(items, |item| ..)` in a chain of methods such as `.concurrency(8)`.
fn map_call(expr: &mut Expr) -> Option<(Parallel, &mut ExprCall)> {
    match expr {
        Expr::Paren(paren) => map_call(&mut paren.expr),
        Expr::MethodCall(call) => map_call(&mut call.receiver),
        Expr::Call(call) => {
            let Expr::Path(function) = callee::peel(&call.func) else {
                return None;
            };
            let operation = call.args.get(1).filter(|_| call.args.len() == 2)?;
            let is_operation = matches!(operation, Expr::Closure(_) | Expr::Path(_));
            let name = &function.path.segments.last()?.ident;
            if name == "map" && is_operation {
                Some((Parallel::Map, call))
            } else if name == "try_map" && is_operation {
                Some((Parallel::TryMap, call))
            } else {
                None
            }
        }
        _ => None,
    }
}

impl Reader<'_> {
    /// Reads something durable that is not awaited where it stands, and gives what happens in it; anything else is left
    /// to the caller. A call of a function is left too: it has a site of its own where it is awaited.
    pub(super) fn read_held(&mut self, expr: &mut Expr) -> Option<Vec<Flow>> {
        match expr {
            Expr::Paren(paren) => self.read_held(&mut paren.expr),
            Expr::Group(group) => self.read_held(&mut group.expr),
            Expr::Async(block) => {
                let flow = self.collect(|reader| reader.visit_block_mut(&mut block.block));
                mark(expr, Mark::Block);
                Some(flow)
            }
            Expr::Macro(invocation) => {
                let kind = combinator(&invocation.mac)?;
                Some(self.collect(|reader| reader.read_combinator(&mut invocation.mac, kind)))
            }
            Expr::Path(path) => self.names.held(&path.path).cloned(),
            // `async { .. }.timeout(limit)`, also in a chain.
            Expr::MethodCall(call) if call.method == "timeout" && call.args.len() == 1 => {
                let flow = self.read_held(&mut call.receiver)?;
                for limit in &mut call.args {
                    self.visit_expr_mut(limit);
                }
                Some(flow)
            }
            expr => self.read_map(expr),
        }
    }

    /// `join!(a(x), b(y))`.
    pub(super) fn read_combinator(&mut self, invocation: &mut Macro, kind: Parallel) {
        let parse = Punctuated::<Expr, Token![,]>::parse_terminated;
        let mut branches = match invocation.parse_body_with(parse) {
            Ok(branches) => branches,
            Err(error) => return self.mistakes.push(error),
        };
        if branches.is_empty() {
            let name = kind.name();
            let text = format!(
                "`{name}!` takes two to eight durable operations: `{name}!(a(x), b(y)).await`"
            );
            self.refuse(&invocation.path, text);
            let failed = quote::quote!(::sagewai::macro_support::Failed::<()>::new());
            invocation.tokens = quote::quote!(#failed, #failed);
            return;
        }
        let flows = branches
            .iter_mut()
            .map(|branch| self.collect_branch(branch))
            .collect();
        invocation.tokens = branches.into_token_stream();
        self.flow.push(Flow::Parallel {
            kind,
            label: String::new(),
            branches: flows,
        });
    }

    /// A combinator whose value is used as if it were there already, as with the macros of this name in other crates.
    pub(super) fn refuse_unawaited(&mut self, expr: &mut Expr) -> bool {
        let Expr::Macro(invocation) = expr else {
            return false;
        };
        let Some(kind) = combinator(&invocation.mac) else {
            return false;
        };
        let path = &mut invocation.mac.path;
        let name = path.segments.last().map(|last| last.ident.clone());
        let Some(name) = name else { return false };
        let text = format!(
            "`{name}!` gives its value when it is awaited: `{name}!(..).await`\n\
             it must be that of `sagewai`; those of other crates run plain futures, which a replay would run again"
        );
        self.refuse(&*path, text);
        // With ours, and awaited, the rest of the body is right.
        *path = syn::parse_quote!(::sagewai::#name);
        self.read_combinator(&mut invocation.mac, kind);
        mark(expr, Mark::Await(self.last_site()));
        true
    }

    /// `map(items, |item| step(item))`.
    fn read_map(&mut self, expr: &mut Expr) -> Option<Vec<Flow>> {
        let (kind, call) = map_call(expr)?;
        let label = call
            .args
            .first()
            .map_or_else(String::new, control_flow::what);
        let mut arguments = call.args.iter_mut();
        let before = self.collect(|reader| {
            if let Some(items) = arguments.next() {
                reader.visit_expr_mut(items);
                mark(items, Mark::Items);
            }
        });
        let operation = match arguments.next() {
            Some(Expr::Closure(closure)) => self.read_operation(closure),
            Some(Expr::Path(path)) if self.names.is_local(&path.path) => {
                self.read_site(Root::Dynamic, &Expr::Path(path.clone()))
            }
            Some(Expr::Path(path)) => {
                let root = callee::named(&self.names, path);
                self.read_site(root, &Expr::Path(path.clone()))
            }
            _ => Vec::new(),
        };
        let mut flow = before;
        flow.push(Flow::Parallel {
            kind,
            label,
            branches: vec![operation],
        });
        Some(flow)
    }

    fn read_operation(&mut self, closure: &mut ExprClosure) -> Vec<Flow> {
        if let Some(asyncness) = closure.asyncness.take() {
            self.refuse_async_closure(asyncness);
            // As it should be, so that nothing more is said of it.
            let body = &closure.body;
            *closure.body = syn::parse_quote!(async move { #body });
        }
        self.collect(|reader| {
            reader.scoped(|reader| {
                for input in &closure.inputs {
                    reader.names.bind(input);
                }
                reader.read_branch(&mut closure.body);
            });
        })
    }

    fn read_site(&mut self, root: Root, expr: &Expr) -> Vec<Flow> {
        let span = expr.span();
        vec![Flow::Node(self.site(root, expr, span))]
    }

    fn collect_branch(&mut self, expr: &mut Expr) -> Vec<Flow> {
        self.collect(|reader| reader.read_branch(expr))
    }

    /// One branch: what it gives is run by a combinator. Where it is decided which operation it is, each of them is
    /// one, so that they need not be of one type.
    fn read_branch(&mut self, expr: &mut Expr) {
        if let Some(flow) = self.read_held(expr) {
            self.flow.extend(flow);
            return;
        }
        match expr {
            Expr::Await(awaited) => {
                let text = "a branch is awaited with the others\n\
                            write the operation itself, without `.await`, or an `async` block";
                self.refuse(awaited.await_token, text);
                *expr = (*awaited.base).clone();
                return self.read_branch(expr);
            }
            Expr::Paren(paren) => return self.read_branch(&mut paren.expr),
            Expr::Group(group) => return self.read_branch(&mut group.expr),
            Expr::Block(block) if block.label.is_none() => {
                return self.read_branch_block(&mut block.block, Reader::read_branch);
            }
            Expr::If(condition) if condition.else_branch.is_some() => {
                let arm = |reader: &mut Self, block: &mut _| {
                    reader.read_branch_block(block, Reader::read_arm);
                };
                return self.read_if(condition, arm, Reader::read_arm);
            }
            Expr::Match(cases) => {
                return self.read_match(cases, |reader, case| {
                    // A guard stands in the pattern.
                    reader.visit_pat_mut(&mut case.pat);
                    reader.read_arm(&mut case.body);
                });
            }
            _ => {}
        }
        if self.is_refused(expr) {
            // Reported on the way.
            self.visit_expr_mut(expr);
            *expr = stand_in(Mark::Refused, expr.span());
            return;
        }
        let root = callee::root(&self.names, expr);
        self.visit_expr_mut(expr);
        let site = self.site(root, expr, expr.span());
        self.flow.push(Flow::Node(site));
        mark(expr, Mark::Branch(site));
    }

    /// One of several ways to a branch. A block or combinator is wrapped as well then.
    fn read_arm(&mut self, expr: &mut Expr) {
        if let Some(flow) = self.read_held(expr) {
            self.flow.extend(flow);
            mark(expr, Mark::Branch(self.last_site()));
        } else if let Expr::Block(block) = expr
            && block.label.is_none()
        {
            self.read_branch_block(&mut block.block, Reader::read_arm);
        } else {
            self.read_branch(expr);
        }
    }

    /// The last expression of a block is the branch.
    fn read_branch_block(&mut self, block: &mut Block, read: impl Fn(&mut Self, &mut Expr)) {
        self.scoped(|reader| {
            reader.names.add_items(block);
            let last = block.stmts.len().saturating_sub(1);
            for (index, statement) in block.stmts.iter_mut().enumerate() {
                macro_as_expression(statement);
                match statement {
                    Stmt::Expr(value, None) if index == last => read(reader, value),
                    statement => reader.visit_stmt_mut(statement),
                }
            }
        });
    }
}

/// A combinator that is a statement, as the expression that it is.
pub(super) fn macro_as_expression(statement: &mut Stmt) {
    if let Stmt::Macro(written) = statement
        && (combinator(&written.mac).is_some() || foreign::is_known(&written.mac))
    {
        let expr = Expr::Macro(ExprMacro {
            attrs: std::mem::take(&mut written.attrs),
            mac: written.mac.clone(),
        });
        *statement = Stmt::Expr(expr, written.semi_token);
    }
}

/// Marks an expression where it stands.
pub(super) fn mark(expr: &mut Expr, mark: Mark) {
    let span = expr.span();
    let read = std::mem::replace(expr, Expr::Verbatim(TokenStream::new()));
    *expr = Marked {
        mark,
        expr: read,
        span,
    }
    .into_expr();
}

/// What compiles in place of something that was refused.
pub(super) fn stand_in(mark: Mark, span: Span) -> Expr {
    let nothing: Expr = syn::parse_quote!(());
    Marked {
        mark,
        expr: nothing,
        span,
    }
    .into_expr()
}

/// The flow without the ways out of a block that is awaited where it stands: what follows the block goes on.
pub(super) fn without_returns(flow: Vec<Flow>) -> Vec<Flow> {
    let inside = |flow| match flow {
        Flow::Return => None,
        Flow::Branch { label, arms } => {
            let arms = arms
                .into_iter()
                .map(|arm| Arm {
                    label: arm.label,
                    flow: without_returns(arm.flow),
                })
                .collect();
            Some(Flow::Branch { label, arms })
        }
        Flow::Loop { label, name, body } => Some(Flow::Loop {
            label,
            name,
            body: without_returns(body),
        }),
        Flow::Block { name, body } => Some(Flow::Block {
            name,
            body: without_returns(body),
        }),
        other => Some(other),
    };
    flow.into_iter().filter_map(inside).collect()
}
