//! The state enum of a workflow: one variant for what each of its callees returned.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

use super::graph;
use crate::model::{Callee, Node, Signature, Site};
use crate::text;

/// The enum, put together.
pub(super) struct State {
    pub(super) name: Ident,
    pub(super) documentation: String,
    /// Its definition and its `Debug`.
    pub(super) items: TokenStream,
    /// The body of `Workflow::state`, out of `name` and `value`.
    pub(super) decode: TokenStream,
}

/// One variant: a callee, and the sites at which it is called.
struct Variant<'a> {
    name: Ident,
    site: usize,
    node: &'a Node,
    sites: Vec<usize>,
}

/// Writes the enum.
pub(super) fn expand(signature: &Signature, sites: &[Site]) -> State {
    let workflow = text::of_name(&signature.name);
    let name = format_ident!("{}State", text::camel_case(&workflow));
    let variants = variants(sites);
    let list: Vec<String> = variants
        .iter()
        .map(|variant| (&variant.name, &sites[variant.site].text))
        .map(|(variant, callee)| format!("- `{variant}`: what `{callee}` returned\n"))
        .collect();
    let documentation = format!(
        "What one checkpoint of [`{workflow}()`] holds.\n\n{}- `Other`: anything else",
        list.concat()
    );
    State {
        items: items(&name, &documentation, &variants, sites),
        decode: decode(&name, &variants, sites),
        name,
        documentation,
    }
}

fn items(
    name: &Ident,
    documentation: &str,
    variants: &[Variant<'_>],
    sites: &[Site],
) -> TokenStream {
    let definitions = variants.iter().map(|variant| {
        let (variant_name, ty) = (&variant.name, node_type(variant, sites));
        let text = format!("What `{}` returned.", sites[variant.site].text);
        quote!(#[doc = #text] #variant_name(<#ty>::Output))
    });
    let prints = variants.iter().map(|variant| {
        let (variant_name, ty) = (&variant.name, node_type(variant, sites));
        let text = variant_name.to_string();
        quote!(#name::#variant_name(value) => __s::debug_state::<<#ty>::Of>(f, #text, value))
    });
    // `Debug` writes JSON, so that outputs need no `Debug` of their own.
    quote! {
        #[doc = #documentation]
        #[allow(clippy::large_enum_variant, private_interfaces)]
        pub enum #name {
            #(#definitions,)*
            /// A checkpoint whose type is known only at run time.
            Other(__s::Json),
        }
        #[automatically_derived]
        impl ::core::fmt::Debug for #name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match self {
                    #(#prints,)*
                    #name::Other(value) => __s::debug_state::<__s::ValueNode<__s::Json>>(f, "Other", value),
                }
            }
        }
    }
}

fn decode(name: &Ident, variants: &[Variant<'_>], sites: &[Site]) -> TokenStream {
    let cases = variants.iter().map(|variant| {
        let (variant_name, ty) = (&variant.name, node_type(variant, sites));
        let sites = &variant.sites;
        // No `map`: it would be compiled once for each variant.
        quote! {
            if #(NODES[#sites].is(name))||* {
                return match __s::load::<<#ty>::Of>(value) {
                    ::core::result::Result::Ok(value) => ::core::result::Result::Ok(#name::#variant_name(value)),
                    ::core::result::Result::Err(fault) => ::core::result::Result::Err(fault),
                };
            }
        }
    });
    quote! {
        #(#cases)*
        ::core::result::Result::Ok(#name::Other(value.clone()))
    }
}

/// `__n0 as Node<(Decision,)>`: the node behind a callee, with the generic arguments of the call.
fn node_type(variant: &Variant<'_>, sites: &[Site]) -> TokenStream {
    let alias = graph::alias(sites, variant.site, Span::call_site());
    match variant.node.generics.as_slice() {
        [] => quote!(#alias as __s::Node<()>),
        generics => quote!(#alias as __s::Node<(#(#generics,)*)>),
    }
}

/// One variant for each callee. Callees of one name are numbered: `Send`, `Send2`.
fn variants(sites: &[Site]) -> Vec<Variant<'_>> {
    let mut variants: Vec<Variant<'_>> = Vec::new();
    for (number, site) in sites.iter().enumerate() {
        let Callee::Function(node) = &site.callee else {
            continue;
        };
        let known = variants.iter_mut().find(|other| {
            sites[other.site].text == site.text && generics(other.node) == generics(node)
        });
        if let Some(variant) = known {
            variant.sites.push(number);
            continue;
        }
        let name = free_name(&base_name(node), &variants);
        variants.push(Variant {
            name: Ident::new(&name, Span::call_site()),
            site: number,
            node,
            sites: vec![number],
        });
    }
    variants
}

fn generics(node: &Node) -> Vec<String> {
    node.generics.iter().map(text::of_type).collect()
}

/// `signal::<Decision>` becomes `SignalDecision`.
fn base_name(node: &Node) -> String {
    let last = node.path.segments.last();
    let mut name = last.map_or_else(String::new, |segment| {
        text::camel_case(&text::of_name(&segment.ident))
    });
    for ty in generics(node) {
        name.extend(ty.chars().filter(|c| c.is_alphanumeric()));
    }
    name
}

fn free_name(base: &str, taken: &[Variant<'_>]) -> String {
    let is_taken = |name: &str| name == "Other" || taken.iter().any(|variant| variant.name == name);
    let numbered = (2..).map(|number| format!("{base}{number}"));
    std::iter::once(base.to_owned())
        .chain(numbered)
        .find(|name| !is_taken(name))
        .unwrap_or_default()
}
