//! The order of things: branches, loops and ways out.

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{
    Block, Expr, ExprClosure, ExprForLoop, ExprIf, ExprLit, ExprLoop, ExprMacro, ExprMatch,
    ExprWhile, Item, Label, Lifetime, Lit, Local, Pat, StmtMacro,
};

use super::Reader;
use super::callee::{self, Root};
use crate::model::{Arm, Flow};
use crate::text;

impl Reader<'_> {
    /// Reads an expression that decides what comes next; anything else is left to the caller.
    pub(super) fn read_control_flow(&mut self, expr: &mut Expr) -> bool {
        match expr {
            Expr::If(expr) => {
                self.read_if(expr, Reader::visit_block_mut, Reader::visit_expr_mut);
            }
            Expr::Match(expr) => self.read_match(expr, Reader::visit_arm_parts),
            Expr::ForLoop(expr) => self.read_for(expr),
            Expr::While(expr) => self.read_while(expr),
            Expr::Loop(expr) => self.read_loop(expr),
            Expr::Block(block) if block.label.is_some() => {
                let name = name_of(block.label.as_ref().map(|label| &label.name));
                let body = self.collect(|reader| reader.visit_block_mut(&mut block.block));
                self.flow.push(Flow::Block { name, body });
            }
            Expr::Return(_) => {
                visit_mut::visit_expr_mut(self, expr);
                self.flow.push(Flow::Return);
            }
            Expr::Break(exit) => {
                let label = name_of(exit.label.as_ref());
                visit_mut::visit_expr_mut(self, expr);
                self.flow.push(Flow::Break(label));
            }
            Expr::Continue(exit) => {
                self.flow.push(Flow::Continue(name_of(exit.label.as_ref())));
            }
            _ => return false,
        }
        true
    }

    /// `then` and `otherwise` read the two ways.
    pub(super) fn read_if(
        &mut self,
        expr: &mut ExprIf,
        then: impl FnOnce(&mut Self, &mut Block),
        otherwise: impl FnOnce(&mut Self, &mut Expr),
    ) {
        let (label, yes, no) = match &*expr.cond {
            Expr::Let(condition) => (
                what(&condition.expr),
                text::of_source(&condition.pat),
                "else",
            ),
            condition => (what(condition), "yes".to_owned(), "no"),
        };
        self.scoped(|reader| {
            reader.visit_expr_mut(&mut expr.cond);
            let then = reader.collect(|reader| then(reader, &mut expr.then_branch));
            let otherwise = reader.collect(|reader| {
                if let Some((_, block)) = &mut expr.else_branch {
                    otherwise(reader, block);
                }
            });
            let arms = vec![arm(yes, then), arm(no, otherwise)];
            reader.flow.push(Flow::Branch { label, arms });
        });
    }

    /// `read` reads the guard and the body of one arm.
    pub(super) fn read_match(
        &mut self,
        expr: &mut ExprMatch,
        mut read: impl FnMut(&mut Self, &mut syn::Arm),
    ) {
        let label = what(&expr.expr);
        self.visit_expr_mut(&mut expr.expr);
        let mut arms = Vec::new();
        for case in &mut expr.arms {
            let label = text::of_source(&case.pat);
            let flow = self.collect(|reader| {
                reader.scoped(|reader| {
                    reader.names.bind(&case.pat);
                    read(reader, case);
                });
            });
            arms.push(arm(label, flow));
        }
        self.flow.push(Flow::Branch { label, arms });
    }

    fn visit_arm_parts(&mut self, case: &mut syn::Arm) {
        visit_mut::visit_arm_mut(self, case);
    }

    fn read_for(&mut self, expr: &mut ExprForLoop) {
        let label = format!("for {} in {}", text::of_source(&expr.pat), what(&expr.expr));
        self.visit_expr_mut(&mut expr.expr);
        let body = self.collect(|reader| {
            reader.scoped(|reader| {
                reader.names.bind(&expr.pat);
                reader.visit_block_mut(&mut expr.body);
            });
        });
        self.push_loop(label, expr.label.as_ref(), body);
    }

    fn read_while(&mut self, expr: &mut ExprWhile) {
        if matches!(&*expr.cond, Expr::Lit(ExprLit { lit: Lit::Bool(always), .. }) if always.value)
        {
            self.judge_endless(&expr.body, expr.while_token);
        }
        let label = match &*expr.cond {
            Expr::Let(condition) => format!(
                "while let {} = {}",
                text::of_source(&condition.pat),
                what(&condition.expr)
            ),
            condition => format!("while {}", what(condition)),
        };
        let body = self.collect(|reader| {
            reader.scoped(|reader| {
                reader.visit_expr_mut(&mut expr.cond);
                reader.visit_block_mut(&mut expr.body);
            });
        });
        self.push_loop(label, expr.label.as_ref(), body);
    }

    fn read_loop(&mut self, expr: &mut ExprLoop) {
        self.judge_endless(&expr.body, expr.loop_token);
        let body = self.collect(|reader| reader.visit_block_mut(&mut expr.body));
        self.push_loop(String::new(), expr.label.as_ref(), body);
    }

    fn judge_endless(&mut self, body: &Block, at: impl ToTokens) {
        if !goes_on(body) {
            let text = "this loop never ends and nothing in it awaits, so a worker would be busy with it for ever\n\
                        leave it with `break` or `return`, or await something durable in it";
            self.refuse(at, text);
        }
    }

    fn push_loop(&mut self, label: String, name: Option<&Label>, body: Vec<Flow>) {
        let name = name_of(name.map(|label| &label.name));
        self.flow.push(Flow::Loop { label, name, body });
    }

    /// `let pat = value else { .. };`
    pub(super) fn read_local(&mut self, local: &mut Local) {
        let Some(init) = &mut local.init else {
            return self.names.bind(&local.pat);
        };
        if let (Pat::Ident(pat), None) = (&local.pat, &init.diverge)
            && let Some(flow) = self.read_held(&mut init.expr)
        {
            return self.names.bind_held(&pat.ident, flow);
        }
        let label = what(&init.expr);
        let held = callee::root(&self.names, &init.expr);
        let mistakes = self.mistakes.count();
        self.visit_expr_mut(&mut init.expr);
        let refused = self.is_refused(&init.expr) || self.mistakes.count() > mistakes;
        if let Some((_, diverge)) = &mut init.diverge {
            let otherwise = self.collect(|reader| reader.visit_expr_mut(diverge));
            let arms = vec![
                arm(text::of_source(&local.pat), Vec::new()),
                arm("else", otherwise),
            ];
            self.flow.push(Flow::Branch { label, arms });
        }
        match (&local.pat, held) {
            (Pat::Ident(pat), _) if refused => self.names.bind_refused(&pat.ident),
            (Pat::Ident(pat), Root::Call(call)) => self.names.bind_call(&pat.ident, call),
            (pat, _) => self.names.bind(pat),
        }
    }
}

/// Whether there is an await in an expression.
pub(super) fn awaits(expr: &Expr) -> bool {
    let mut found = Found::new(|expr| matches!(expr, Expr::Await(_)));
    found.visit_expr(expr);
    found.found
}

/// Whether the body of a loop awaits, or may be left: also by a macro, nobody knows how.
fn goes_on(body: &Block) -> bool {
    let mut found = Found::new(|expr| {
        matches!(
            expr,
            Expr::Await(_) | Expr::Break(_) | Expr::Macro(_) | Expr::Return(_) | Expr::Try(_)
        )
    });
    found.visit_block(body);
    found.found
}

/// Looks for an expression, but in the items and closures that stand there.
struct Found {
    is_one: fn(&Expr) -> bool,
    found: bool,
}

impl Found {
    fn new(is_one: fn(&Expr) -> bool) -> Found {
        Found {
            is_one,
            found: false,
        }
    }
}

impl<'ast> Visit<'ast> for Found {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        self.found |= (self.is_one)(expr);
        visit::visit_expr(self, expr);
    }

    fn visit_stmt_macro(&mut self, invocation: &'ast StmtMacro) {
        let expr = Expr::Macro(ExprMacro {
            attrs: Vec::new(),
            mac: invocation.mac.clone(),
        });
        self.visit_expr(&expr);
    }

    fn visit_item(&mut self, _: &'ast Item) {}

    fn visit_expr_closure(&mut self, _: &'ast ExprClosure) {}
}

/// What an expression asks about, without how it is obtained: `verify(&x).await?` is `verify(&x)`.
pub(super) fn what(expr: &Expr) -> String {
    match expr {
        Expr::Try(expr) => what(&expr.expr),
        Expr::Await(expr) => what(&expr.base),
        Expr::Paren(expr) => what(&expr.expr),
        Expr::Reference(expr) => what(&expr.expr),
        expr => text::of_source(expr),
    }
}

fn arm(label: impl Into<String>, flow: Vec<Flow>) -> Arm {
    Arm {
        label: label.into(),
        flow,
    }
}

fn name_of(label: Option<&Lifetime>) -> String {
    label.map_or_else(String::new, |label| label.ident.to_string())
}

/// Drops branches and loops in which nothing durable happens and which nothing leaves.
pub(super) fn tidy(flow: Vec<Flow>) -> Vec<Flow> {
    flow.into_iter().filter_map(tidy_one).collect()
}

fn tidy_one(flow: Flow) -> Option<Flow> {
    match flow {
        Flow::Branch { label, arms } => {
            let arms: Vec<Arm> = arms
                .into_iter()
                .map(|case| arm(case.label, tidy(case.flow)))
                .collect();
            let matters = arms.iter().any(|arm| !arm.flow.is_empty());
            matters.then_some(Flow::Branch { label, arms })
        }
        Flow::Loop { label, name, body } => {
            let body = tidy(body);
            let matters = body.iter().any(leaves_a_trace);
            matters.then_some(Flow::Loop { label, name, body })
        }
        Flow::Block { name, body } => {
            let body = tidy(body);
            (!body.is_empty()).then_some(Flow::Block { name, body })
        }
        Flow::Parallel {
            kind,
            label,
            branches,
        } => {
            let branches: Vec<_> = branches.into_iter().map(tidy).collect();
            let matters = branches.iter().any(|branch| !branch.is_empty());
            matters.then_some(Flow::Parallel {
                kind,
                label,
                branches,
            })
        }
        other => Some(other),
    }
}

/// Whether something of a loop's body can be seen from outside the loop.
fn leaves_a_trace(flow: &Flow) -> bool {
    match flow {
        Flow::Node(_) | Flow::Return => true,
        Flow::Break(label) | Flow::Continue(label) => !label.is_empty(),
        Flow::Branch { arms, .. } => arms.iter().any(|arm| arm.flow.iter().any(leaves_a_trace)),
        Flow::Loop { body, .. } | Flow::Block { body, .. } => body.iter().any(leaves_a_trace),
        Flow::Parallel { branches, .. } => branches.iter().flatten().any(leaves_a_trace),
    }
}
