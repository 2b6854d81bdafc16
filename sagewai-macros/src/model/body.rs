//! The body of a workflow: where it awaits, and what the order of things is between.

use proc_macro2::{Ident, Literal, Span};
use syn::punctuated::Punctuated;
use syn::token::Paren;
use syn::{Expr, ExprCall, ExprLit, ItemUse, Lit, Path, Type, parse_quote};

/// The body of a workflow, read.
#[derive(Default)]
pub(crate) struct Body {
    /// Attributes that stand inside the body.
    pub(crate) attributes: Vec<syn::Attribute>,
    /// The statements, in which an [`Awaited`] stands for each await.
    pub(crate) statements: Vec<syn::Stmt>,
    /// The await sites, by number.
    pub(crate) sites: Vec<Site>,
    pub(crate) flow: Vec<Flow>,
    /// A macro stands in the body of which nobody knows what it expands to: it may hide an await.
    pub(crate) foreign_macro: bool,
    /// What only the compiler can tell to be the author's own.
    pub(crate) suspects: Vec<Suspect>,
}

/// A path that must not stand in a body if its owner is one of the standard library: `Instant::now`, `fs::read`.
pub(crate) struct Suspect {
    /// The type or module before the last name.
    pub(crate) owner: Path,
    pub(crate) asked: Asked,
    /// The `use` items of the body that are in scope there.
    pub(crate) uses: Vec<ItemUse>,
    /// Where it begins and ends.
    pub(crate) at: (Span, Span),
    /// Where the colons before the last name stand.
    pub(crate) colons: Span,
    /// What to say then.
    pub(crate) text: String,
}

/// What the compiler is asked about the owner of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It is a type: whether it is that of the standard library.
    Type,
    /// It is a module: whether the type of this name in it is that of the standard library.
    Module(&'static str),
}

/// One await site.
pub(crate) struct Site {
    /// What is called there, as written.
    pub(crate) text: String,
    /// The first argument where it is a text, as in `approval("review")`; of a timer, the argument as written.
    pub(crate) label: String,
    /// The name given there, as in `draft(&notes).named("again")`.
    pub(crate) named: String,
    pub(crate) callee: Callee,
}

/// What is awaited.
pub(crate) enum Callee {
    /// A call of a function by its path.
    Function(Node),
    /// Something that is known only when the run reaches it.
    Dynamic(Span),
}

/// A function that is called, as the graph names it.
pub(crate) struct Node {
    /// Its path, without generic arguments.
    pub(crate) path: Path,
    pub(crate) generics: Vec<Type>,
    /// The opening parenthesis of the call.
    pub(crate) parenthesis: Span,
}

/// The order of things.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Flow {
    Node(u16),
    Branch {
        label: String,
        arms: Vec<Arm>,
    },
    Loop {
        label: String,
        name: String,
        body: Vec<Flow>,
    },
    /// A labelled block, which `break` can leave.
    Block {
        name: String,
        body: Vec<Flow>,
    },
    Parallel {
        kind: Parallel,
        label: String,
        branches: Vec<Vec<Flow>>,
    },
    Return,
    Break(String),
    Continue(String),
}

/// Several things at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parallel {
    Join,
    TryJoin,
    Race,
    Map,
    TryMap,
}

impl Parallel {
    /// The word for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Parallel::Join => "join",
            Parallel::TryJoin => "try_join",
            Parallel::Race => "race",
            Parallel::Map => "map",
            Parallel::TryMap => "try_map",
        }
    }
}

/// One way out of a branch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Arm {
    pub(crate) label: String,
    pub(crate) flow: Vec<Flow>,
}

/// Something of the author that is written otherwise in the code that runs. In a body it is a call such as
/// `__await_site(7u16, EXPR)`, which survives being turned into tokens inside a macro.
pub(crate) struct Marked {
    pub(crate) mark: Mark,
    pub(crate) expr: Expr,
    /// A place for it: that of the `await` keyword.
    pub(crate) span: Span,
}

/// What it is, and the number of its site.
#[derive(Clone, Copy)]
pub(crate) enum Mark {
    /// `EXPR.await`.
    Await(u16),
    /// A durable operation that a combinator runs.
    Branch(u16),
    /// An `async` block that is awaited or that a combinator runs.
    Block,
    /// What a `map` goes through.
    Items,
    /// Something that was refused, where a branch is expected.
    Refused,
    /// A call of the workflow by itself that was refused.
    RefusedItself,
}

impl Mark {
    fn name(self) -> &'static str {
        match self {
            Mark::Await(_) => "__await_site",
            Mark::Branch(_) => "__branch_site",
            Mark::Block => "__async_block",
            Mark::Items => "__items",
            Mark::Refused => "__refused",
            Mark::RefusedItself => "__refused_itself",
        }
    }

    fn site(self) -> u16 {
        match self {
            Mark::Await(site) | Mark::Branch(site) => site,
            Mark::Block | Mark::Items | Mark::Refused | Mark::RefusedItself => 0,
        }
    }

    fn of(name: &Ident, site: u16) -> Option<Mark> {
        [
            Mark::Await(site),
            Mark::Branch(site),
            Mark::Block,
            Mark::Items,
            Mark::Refused,
            Mark::RefusedItself,
        ]
        .into_iter()
        .find(|mark| name == mark.name())
    }
}

impl Marked {
    /// Whether tokens of a macro hold one.
    pub(crate) fn is_mark(name: &Ident) -> bool {
        Mark::of(name, 0).is_some()
    }

    pub(crate) fn into_expr(self) -> Expr {
        let mark = Ident::new(self.mark.name(), self.span);
        let site = Literal::u16_suffixed(self.mark.site());
        let mut args = Punctuated::new();
        args.push(parse_quote!(#site));
        args.push(self.expr);
        Expr::Call(ExprCall {
            attrs: Vec::new(),
            func: parse_quote!(#mark),
            paren_token: Paren::default(),
            args,
        })
    }

    /// Takes one back out of an expression. Any other expression is left alone.
    pub(crate) fn out_of(expr: &mut Expr) -> Option<Marked> {
        let Expr::Call(call) = expr else { return None };
        let Expr::Path(name) = &*call.func else {
            return None;
        };
        let name = name.path.get_ident()?;
        let span = name.span();
        Mark::of(name, 0)?;
        let Some(Expr::Lit(ExprLit {
            lit: Lit::Int(site),
            ..
        })) = call.args.first()
        else {
            return None;
        };
        let mark = Mark::of(name, site.base10_parse().ok()?)?;
        let expr = call.args.pop()?;
        Some(Marked { mark, expr, span })
    }
}
