//! The code of a step.

use proc_macro2::TokenStream;
use quote::quote;

use super::{arguments, call};
use crate::model::{Attribute, Step};
use crate::place;

pub(super) fn expand(step: &Step) -> TokenStream {
    let Step {
        signature,
        options,
        function,
    } = step;
    let conditions = &signature.attributes.conditions;
    let inner = &signature.attributes.inner;
    let ty = place::nowhere(&signature.name);

    // The author's function keeps its name: `#[tracing::instrument]` makes a span of it.
    let mut authors = function.signature.clone();
    authors.ident = ty.clone();
    let authors_body = &function.body;

    let callable = call::function_and_type(Attribute::Step, signature);
    let input = arguments::tuple_type(signature);
    let result_types = call::result_types(signature);
    let spec = call::spec(Attribute::Step, signature, options);
    let checked_constants = options
        .has_constants
        .then(|| quote!(const _: __s::StepSpec = <#ty as __s::Step>::SPEC;));
    let codec = arguments::codec(signature);
    let (tuple, context, error) = (
        arguments::local("__input"),
        arguments::local("__context"),
        arguments::local("__error"),
    );
    let forwarded = arguments::forward(signature, &tuple, &context);
    let future = call::boxed(signature, &ty, &forwarded);

    quote! {
        #callable
        #(#conditions)*
        const _: () = {
            use ::sagewai::macro_support as __s;
            #(#inner)*
            #[allow(clippy::unused_async, clippy::needless_pass_by_value)]
            #authors #authors_body
            #[automatically_derived]
            #[allow(unused_qualifications)]
            impl __s::Step for #ty {
                type Input = #input;
                #result_types
                const SPEC: __s::StepSpec = #spec;
                #codec
                fn is_terminal(#error: &Self::Error) -> bool {
                    #[allow(unused_imports)]
                    use __s::TerminalFallback as _;
                    __s::TerminalProbe(#error).is_terminal()
                }
                fn body(#context: __s::StepContext, #tuple: Self::Input) -> __s::StepFuture<Self> {
                    #future
                }
            }
            #checked_constants
            #[automatically_derived]
            impl __s::Node for #ty {
                type Output = <#ty as __s::Step>::Output;
                type Of = __s::StepNode<#ty>;
            }
        };
    }
}
