//! The static graph of a workflow.
//!
//! A node needs the type behind the function that is called at an await site, and only the compiler can tell whether
//! there is one. `use path as __n0;` brings it along with the function; where the function has none, the name in the
//! block around it stands in, which is `Unknown`. Where there is not even a function, the call in the body says so, and
//! the `use` finds an empty macro of that name and is silent: one mistake is one error. (No macro can be put into
//! another module, so a wrong name behind a path is two.)

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote};

use crate::model::{Callee, Flow, Node, Parallel, Site};
use crate::place;

/// The nodes of a workflow.
pub(super) struct Nodes {
    /// Goes into the outer block: what a name means where no type is behind it.
    pub(super) fallbacks: TokenStream,
    /// Goes to the end of the inner block: the types behind the names, after what else a name may mean. What comes after
    /// them would see these macros as well.
    pub(super) imports: TokenStream,
    /// The elements of `NODES`.
    pub(super) elements: TokenStream,
    /// Checks that no two callees have one name, each at the later of the two.
    pub(super) checks: TokenStream,
}

/// Which alias stands for a callee: the same for all sites that call it by the same path.
pub(super) fn alias(sites: &[Site], site: usize, span: Span) -> Ident {
    let first = sites
        .iter()
        .position(|other| is_function(other) && other.text == sites[site].text);
    format_ident!("__n{}", first.unwrap_or(site), span = span)
}

fn is_function(site: &Site) -> bool {
    matches!(site.callee, Callee::Function(_))
}

/// Writes the nodes of all sites.
pub(super) fn nodes(sites: &[Site]) -> Nodes {
    let mut nodes = Nodes {
        fallbacks: TokenStream::new(),
        imports: TokenStream::new(),
        elements: TokenStream::new(),
        checks: TokenStream::new(),
    };
    for (number, site) in sites.iter().enumerate() {
        let (text, label, named) = (&site.text, &site.label, &site.named);
        let (info, at) = match &site.callee {
            Callee::Function(node) => {
                // At the parenthesis of the call, which is no name that an editor would look up.
                let alias = alias(sites, number, node.parenthesis);
                let seen = sites[..number]
                    .iter()
                    .any(|other| is_function(other) && other.text == site.text);
                if !seen {
                    nodes.add(number, node, &alias);
                }
                (quote!(__s::Probe::<#alias>::NODE), node.parenthesis)
            }
            Callee::Dynamic(at) => (quote!(__s::NodeInfo::DYNAMIC), *at),
        };
        let line = Literal::u32_unsuffixed(u32::try_from(at.start().line).unwrap_or(0));
        nodes
            .elements
            .extend(quote!(__s::GraphNode::new(#info, #text, #label, #named, #line),));
    }
    nodes
}

impl Nodes {
    fn add(&mut self, number: usize, node: &Node, alias: &Ident) {
        let path = &node.path;
        let fallback = place::nowhere(alias);
        self.fallbacks
            .extend(quote!(use __s::Unknown as #fallback;));
        let silent = path.get_ident().map(|name| {
            let name = place::hidden(name);
            quote!(macro_rules! #name { () => {} })
        });
        self.imports.extend(quote!(#silent use #path as #alias;));
        if number == 0 {
            return;
        }
        let (first, _) = place::ends(path);
        let ends = (first, node.parenthesis);
        let check = place::call(quote!(__s::unique), quote!(NODES, #number), ends);
        self.checks.extend(quote!(#check;));
    }
}

/// The order of things as `&[Flow]`.
pub(super) fn flow(flow: &[Flow]) -> TokenStream {
    let flow = flow.iter().map(one);
    quote!(&[#(#flow),*])
}

fn one(step: &Flow) -> TokenStream {
    match step {
        Flow::Node(site) => quote!(__s::Flow::Node(#site)),
        Flow::Branch { label, arms } => {
            let arms = arms.iter().map(|arm| {
                let (label, flow) = (&arm.label, flow(&arm.flow));
                quote!((#label, #flow))
            });
            quote!(__s::Flow::Branch { label: #label, arms: &[#(#arms),*] })
        }
        Flow::Loop { label, name, body } => {
            let body = flow(body);
            quote!(__s::Flow::Loop { label: #label, name: #name, body: #body })
        }
        Flow::Block { name, body } => {
            let body = flow(body);
            quote!(__s::Flow::Block { name: #name, body: #body })
        }
        Flow::Parallel {
            kind,
            label,
            branches,
        } => {
            let kind = parallel(*kind);
            let branches = branches.iter().map(|branch| flow(branch));
            quote!(__s::Flow::Parallel { kind: #kind, label: #label, branches: &[#(#branches),*] })
        }
        Flow::Return => quote!(__s::Flow::Return),
        Flow::Break(name) => quote!(__s::Flow::Break(#name)),
        Flow::Continue(name) => quote!(__s::Flow::Continue(#name)),
    }
}

fn parallel(kind: Parallel) -> TokenStream {
    match kind {
        Parallel::Join => quote!(__s::ParallelKind::Join),
        Parallel::TryJoin => quote!(__s::ParallelKind::TryJoin),
        Parallel::Race => quote!(__s::ParallelKind::Race),
        Parallel::Map => quote!(__s::ParallelKind::Map),
        Parallel::TryMap => quote!(__s::ParallelKind::TryMap),
    }
}
