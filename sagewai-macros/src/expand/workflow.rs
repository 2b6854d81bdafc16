//! The code of a workflow.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::parse_quote;

use super::{arguments, await_site, call, graph, state, suspect};
use crate::model::{Attribute, Workflow};
use crate::{place, text};
use await_site::Copy;

pub(super) fn expand(workflow: &Workflow) -> TokenStream {
    let Workflow {
        signature,
        options,
        body,
        ..
    } = workflow;
    let conditions = &signature.attributes.conditions;
    let visibility = &signature.visibility;
    let ty = place::nowhere(&signature.name);

    let callable = call::function_and_type(Attribute::Workflow, signature);
    let function = function(workflow);
    let checked_copy = body.foreign_macro.then(|| checked_copy(workflow));
    let suspects = body.suspects.iter().map(suspect::question);

    let input = arguments::tuple_type(signature);
    let result_types = call::result_types(signature);
    let spec = call::spec(Attribute::Workflow, signature, options);
    let codec = arguments::codec(signature);
    let (tuple, context, scope) = (
        arguments::local("__input"),
        arguments::local("__context"),
        scope(),
    );
    let forwarded = arguments::forward(signature, &tuple, &context);
    let future = call::boxed(
        signature,
        &function_name(&signature.name),
        &quote!(#scope, #forwarded),
    );

    let graph::Nodes {
        fallbacks,
        imports,
        elements,
        checks,
    } = graph::nodes(&body.sites);
    let flow = graph::flow(&body.flow);
    let state::State {
        name: state,
        documentation,
        items: state_items,
        decode,
    } = state::expand(signature, &body.sites);

    quote! {
        #callable
        #(#conditions)*
        #[doc = #documentation]
        #[allow(dead_code)]
        #visibility type #state = <#ty as ::sagewai::macro_support::Workflow>::State;
        #(#conditions)*
        const _: () = {
            use ::sagewai::macro_support as __s;
            #[allow(unused_imports)]
            use __s::{ThroughFallback as _, durable as __durable, in_order as __in_order};
            #function
            #checked_copy
            #(#suspects)*
            #fallbacks
            const _: () = {
                #[allow(unused_imports)]
                use __s::ProbeFallback as _;
                // The call in the body says already that something is deprecated.
                #[allow(unused_imports, unused_macros, deprecated)]
                const _: () = {
                    const NODES: &[__s::GraphNode] = &[#elements];
                    #[allow(long_running_const_eval)]
                    const _: () = { #checks };
                    #state_items
                    #[automatically_derived]
                    #[allow(unused_qualifications)]
                    impl __s::Workflow for #ty {
                        type Input = #input;
                        #result_types
                        type State = #state;
                        const SPEC: __s::WorkflowSpec = #spec;
                        const GRAPH: &'static __s::Graph =
                            &__s::Graph::new(Self::SPEC.name, NODES, #flow);
                        #codec
                        fn body(
                            #context: __s::WorkflowContext,
                            #scope: __s::Scope,
                            #tuple: Self::Input,
                        ) -> __s::BodyFuture<Self> {
                            #future
                        }
                        fn state(name: &str, value: &__s::Json) -> __s::Stored<Self::State> {
                            #decode
                        }
                    }
                    #imports
                };
            };
            #[automatically_derived]
            impl __s::Node for #ty {
                type Output = <#ty as __s::Workflow>::Output;
                type Of = __s::WorkflowNode<#ty>;
            }
        };
    }
}

/// The author's function with the scope of the run as a hidden first parameter. It has a name of its own: a
/// workflow that calls itself means the call, not this.
fn function(workflow: &Workflow) -> TokenStream {
    let scope = scope();
    let inner = &workflow.signature.attributes.inner;
    let mut signature = workflow.function.signature.clone();
    signature.ident = function_name(&workflow.signature.name);
    signature.inputs.insert(0, parse_quote!(#scope: __s::Scope));
    let body = braced(workflow, Copy::Durable);
    quote! {
        #[deny(unused_must_use)]
        #[allow(
            clippy::unused_async,
            clippy::needless_pass_by_value,
            clippy::too_many_arguments
        )]
        #(#inner)*
        #signature #body
    }
}

/// A copy that never runs.
fn checked_copy(workflow: &Workflow) -> TokenStream {
    let scope = scope();
    let mut signature = workflow.function.signature.clone();
    signature.asyncness = None;
    signature.fn_token = syn::Token![fn](proc_macro2::Span::call_site());
    signature.ident = format_ident!("__no_hidden_await");
    signature.inputs.insert(0, parse_quote!(#scope: __s::Scope));
    let body = braced(workflow, Copy::Checked);
    quote! {
        #[allow(warnings, clippy::all, clippy::pedantic)]
        #signature #body
    }
}

/// The body in braces that stand where the author's do.
fn braced(workflow: &Workflow, copy: Copy) -> TokenStream {
    let attributes = &workflow.body.attributes;
    let output = &workflow.signature.output;
    let statements = await_site::write(&workflow.body.statements, copy, &scope(), output);
    let mut body = proc_macro2::Group::new(
        proc_macro2::Delimiter::Brace,
        quote!(#(#attributes)* #statements),
    );
    body.set_span(workflow.function.body.span());
    quote!(#body)
}

fn function_name(workflow: &Ident) -> Ident {
    format_ident!("__{}", text::of_name(workflow))
}

fn scope() -> Ident {
    arguments::local("__scope")
}
