//! What names stand for inside a body. The graph is written outside of it, so a name of the body must be spelled
//! out there, or is known only when the run reaches it.

use std::collections::HashMap;

use proc_macro2::Ident;
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Block, Item, ItemUse, Pat, PatIdent, Path, Stmt, UseTree, parse_quote};

use super::callee::Called;
use crate::model::Flow;

/// What a local name stands for.
enum Meaning {
    /// A value.
    Variable,
    /// A call that is not awaited yet: `let call = draft(&notes);`.
    Call(Box<Called>),
    /// Something durable that is not awaited yet, and what happens in it: an `async` block, `join!(..)`.
    Held(Vec<Flow>),
    /// Something that was refused where it was bound.
    Refused,
    /// A function, module or type that stands in the body.
    Item,
}

/// The names in scope.
#[derive(Default)]
pub(super) struct Names {
    scopes: Vec<HashMap<String, Meaning>>,
    /// The `use` items of the body that are in scope, outermost first.
    uses: Vec<ItemUse>,
}

/// What [`Names::leave`] needs.
#[derive(Clone, Copy)]
pub(super) struct Scope {
    uses: usize,
}

impl Names {
    pub(super) fn enter(&mut self) -> Scope {
        self.scopes.push(HashMap::new());
        Scope {
            uses: self.uses.len(),
        }
    }

    pub(super) fn leave(&mut self, scope: Scope) {
        self.scopes.pop();
        self.uses.truncate(scope.uses);
    }

    /// The items of a block are in scope in all of it.
    pub(super) fn add_items(&mut self, block: &Block) {
        for statement in &block.stmts {
            let Stmt::Item(item) = statement else {
                continue;
            };
            match item {
                Item::Use(item) => self.uses.push(item.clone()),
                Item::Fn(item) => self.insert(&item.sig.ident, Meaning::Item),
                Item::Mod(item) => self.insert(&item.ident, Meaning::Item),
                Item::Struct(item) => self.insert(&item.ident, Meaning::Item),
                Item::Enum(item) => self.insert(&item.ident, Meaning::Item),
                Item::Type(item) => self.insert(&item.ident, Meaning::Item),
                Item::Const(item) => self.insert(&item.ident, Meaning::Item),
                _ => {}
            }
        }
    }

    /// Binds the variables of a pattern.
    pub(super) fn bind(&mut self, pat: &Pat) {
        Binder(self).visit_pat(pat);
    }

    pub(super) fn bind_variable(&mut self, name: &Ident) {
        self.insert(name, Meaning::Variable);
    }

    /// Binds a variable to a call that is awaited later.
    pub(super) fn bind_call(&mut self, name: &Ident, call: Called) {
        self.insert(name, Meaning::Call(Box::new(call)));
    }

    /// Binds a variable to a block or combinator that is awaited later.
    pub(super) fn bind_held(&mut self, name: &Ident, flow: Vec<Flow>) {
        self.insert(name, Meaning::Held(flow));
    }

    /// Binds a variable to something that was refused.
    pub(super) fn bind_refused(&mut self, name: &Ident) {
        self.insert(name, Meaning::Refused);
    }

    fn insert(&mut self, name: &Ident, meaning: Meaning) {
        if self.scopes.is_empty() {
            self.scopes.push(HashMap::new());
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_string(), meaning);
        }
    }

    fn get(&self, name: &Ident) -> Option<&Meaning> {
        let name = name.to_string();
        self.scopes.iter().rev().find_map(|scope| scope.get(&name))
    }

    /// The call that a variable holds.
    pub(super) fn call(&self, path: &Path) -> Option<&Called> {
        match self.get(path.get_ident()?)? {
            Meaning::Call(call) => Some(call),
            _ => None,
        }
    }

    /// Whether a path begins with a variable or item of the body.
    pub(super) fn is_own(&self, path: &Path) -> bool {
        let Some(first) = path
            .segments
            .first()
            .filter(|_| path.leading_colon.is_none())
        else {
            return false;
        };
        match self.get(&first.ident) {
            Some(Meaning::Item) => true,
            Some(_) => path.segments.len() == 1,
            None => false,
        }
    }

    /// The `use` items in scope, outermost first.
    pub(super) fn uses(&self) -> &[ItemUse] {
        &self.uses
    }

    /// What happens in the block or combinator that a variable holds.
    pub(super) fn held(&self, path: &Path) -> Option<&Vec<Flow>> {
        match self.get(path.get_ident()?)? {
            Meaning::Held(flow) => Some(flow),
            _ => None,
        }
    }

    /// Whether a name is that of a local value.
    pub(super) fn is_local(&self, path: &Path) -> bool {
        let meaning = path.get_ident().and_then(|name| self.get(name));
        meaning.is_some_and(|meaning| !matches!(meaning, Meaning::Item))
    }

    pub(super) fn is_refused(&self, path: &Path) -> bool {
        let meaning = path.get_ident().and_then(|name| self.get(name));
        matches!(meaning, Some(Meaning::Refused))
    }

    /// The path as seen from outside the body, where it can be seen.
    pub(super) fn outside_path(&self, path: &Path) -> Option<Path> {
        let first = path.segments.first()?;
        if path.leading_colon.is_some() {
            return Some(path.clone());
        }
        match self.get(&first.ident) {
            Some(Meaning::Item) => return None,
            Some(_) if path.segments.len() == 1 => return None,
            _ => {}
        }
        for item in self.uses.iter().rev() {
            let Some(mut full) = find(&item.tree, &first.ident, &mut Vec::new()) else {
                continue;
            };
            full.leading_colon = item.leading_colon;
            if let Some(last) = full.segments.last_mut() {
                last.arguments = first.arguments.clone();
            }
            full.segments.extend(path.segments.iter().skip(1).cloned());
            return Some(full);
        }
        // A glob may have brought the name in, and nobody can tell.
        let globs = self.uses.iter().any(|item| has_glob(&item.tree));
        (!globs || is_keyword(&first.ident)).then(|| path.clone())
    }
}

fn is_keyword(first: &Ident) -> bool {
    ["crate", "self", "super"]
        .iter()
        .any(|keyword| first == keyword)
}

struct Binder<'n>(&'n mut Names);

impl<'ast> Visit<'ast> for Binder<'_> {
    fn visit_pat_ident(&mut self, pat: &'ast PatIdent) {
        self.0.bind_variable(&pat.ident);
        visit::visit_pat_ident(self, pat);
    }
}

/// The path by which a `use` brings in this name.
fn find(tree: &UseTree, name: &Ident, prefix: &mut Vec<Ident>) -> Option<Path> {
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.clone());
            let found = find(&path.tree, name, prefix);
            prefix.pop();
            found
        }
        UseTree::Name(item) if item.ident == "self" => {
            (prefix.last() == Some(name)).then(|| joined(prefix, None))
        }
        UseTree::Name(item) => (item.ident == *name).then(|| joined(prefix, Some(&item.ident))),
        UseTree::Rename(item) if item.rename == *name => {
            let last = Some(&item.ident).filter(|ident| *ident != "self");
            Some(joined(prefix, last))
        }
        UseTree::Group(group) => group.items.iter().find_map(|tree| find(tree, name, prefix)),
        _ => None,
    }
}

fn joined(prefix: &[Ident], last: Option<&Ident>) -> Path {
    let segments = prefix.iter().chain(last).map(ToTokens::to_token_stream);
    parse_quote!(#(#segments)::*)
}

fn has_glob(tree: &UseTree) -> bool {
    match tree {
        UseTree::Path(path) => has_glob(&path.tree),
        UseTree::Group(group) => group.items.iter().any(has_glob),
        UseTree::Glob(_) => true,
        _ => false,
    }
}
