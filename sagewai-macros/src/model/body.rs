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
    Return,
    Break(String),
    Continue(String),
}

/// One way out of a branch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Arm {
    pub(crate) label: String,
    pub(crate) flow: Vec<Flow>,
}

/// `EXPR.await` of the author, numbered. In a body it is the call `__await_site(7u16, EXPR)`, which survives being
/// turned into tokens inside a macro.
pub(crate) struct Awaited {
    pub(crate) site: u16,
    pub(crate) expr: Expr,
    /// The `await` keyword.
    pub(crate) keyword: Span,
}

impl Awaited {
    const MARK: &str = "__await_site";

    /// Whether tokens of a macro hold one.
    pub(crate) fn is_mark(name: &Ident) -> bool {
        name == Awaited::MARK
    }

    pub(crate) fn into_expr(self) -> Expr {
        let mark = Ident::new(Awaited::MARK, self.keyword);
        let site = Literal::u16_suffixed(self.site);
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
    pub(crate) fn out_of(expr: &mut Expr) -> Option<Awaited> {
        let Expr::Call(call) = expr else { return None };
        let Expr::Path(mark) = &*call.func else {
            return None;
        };
        let keyword = mark
            .path
            .get_ident()
            .filter(|name| Awaited::is_mark(name))?;
        let keyword = keyword.span();
        let expr = call.args.pop()?;
        let Some(Expr::Lit(ExprLit {
            lit: Lit::Int(site),
            ..
        })) = call.args.first()
        else {
            return None;
        };
        let site = site.base10_parse().ok()?;
        Some(Awaited {
            site,
            expr,
            keyword,
        })
    }
}
