//! What users see under the function's name: a function that makes a call, and a type.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::Token;

use super::arguments;
use crate::model::{Attribute, Options, Signature};
use crate::{place, text};

/// The function and the type. Both stand at the author's name, and nothing else does: an editor finds these two.
pub(super) fn function_and_type(attribute: Attribute, signature: &Signature) -> TokenStream {
    let Signature {
        attributes,
        visibility,
        name,
        fn_token,
        ..
    } = signature;
    let (conditions, outer) = (&attributes.conditions, &attributes.outer);
    let call = match attribute {
        Attribute::Step => quote!(::sagewai::macro_support::StepCall),
        Attribute::Workflow => quote!(::sagewai::macro_support::WorkflowCall),
    };
    let (params, tuple) = (arguments::params(signature), arguments::tuple(signature));
    let ty = place::nowhere(name);
    // Both are seen from `fn` to the return type, where an error elsewhere says that they are defined. To lints they are
    // generated.
    let (first, last) = (fn_token.span, place::ends(&signature.output).1);
    let (first, last) = (place::generated(first), place::generated(last));
    let (fn_token, enum_token) = (Token![fn](first), Token![enum](first));
    let close = Token![>](last);
    let body = place::braced(quote!(#call::new(#tuple)), last);
    let nothing = place::braced(TokenStream::new(), last);
    // The type cannot be built: a unit struct would capture patterns, as in `let draft = draft(&notes)`.
    quote! {
        #(#conditions)* #(#outer)*
        #[allow(clippy::too_many_arguments, clippy::used_underscore_binding)]
        #visibility #fn_token #name(#params) -> #call<#ty #close #body
        #(#conditions)*
        #[doc(hidden)]
        #[allow(non_camel_case_types)]
        #visibility #enum_token #name #nothing
    }
}

/// A function that can be called and awaited like the one that did not compile, so that one mistake is one error.
pub(super) fn stand_in(signature: &Signature) -> TokenStream {
    let Signature {
        attributes,
        visibility,
        name,
        generics,
        output,
        ..
    } = signature;
    let (conditions, outer) = (&attributes.conditions, &attributes.outer);
    let params = arguments::params(signature);
    let where_clause = &generics.where_clause;
    quote! {
        #(#conditions)* #(#outer)*
        #[allow(unused_variables, clippy::all, clippy::pedantic)]
        #visibility fn #name #generics (#params) -> ::sagewai::macro_support::Failed<#output>
        #where_clause
        {
            ::sagewai::macro_support::Failed::new()
        }
    }
}

/// `type Output` and `type Error`, out of the `Result` as written. Their right sides have its place.
pub(super) fn result_types(signature: &Signature) -> TokenStream {
    let output = associated("Output", "Ok", signature);
    let error = associated("Error", "Err", signature);
    quote!(#output #error)
}

fn associated(name: &str, of: &str, signature: &Signature) -> TokenStream {
    let output = &signature.output;
    let (first, last) = place::ends(output);
    let keyword = Token![type](signature.arrow.spans[0]);
    let semicolon = Token![;](last);
    let open = Token![<](first);
    let name = Ident::new(name, Span::call_site());
    let of = Ident::new(of, last);
    quote!(#keyword #name = #open #output as __s::StepResult>::#of #semicolon)
}

/// `(topic: Topic) -> Result<Published>`: what must stay the same for stored runs.
fn signature_text(signature: &Signature) -> String {
    let params: Vec<String> = signature
        .arguments()
        .map(|(param, stored)| format!("{stored}: {}", text::of_type(&param.ty)))
        .collect();
    let output = text::of_type(&signature.output);
    format!("({}) -> {output}", params.join(", "))
}

/// The spec. Options are its fields, under the author's own keys: an editor shows what is written there.
pub(super) fn spec(attribute: Attribute, signature: &Signature, options: &Options) -> TokenStream {
    let spec = match attribute {
        Attribute::Step => quote!(__s::StepSpec),
        Attribute::Workflow => quote!(__s::WorkflowSpec),
    };
    let name = text::of_name(&signature.name);
    let names = arguments::names(signature);
    let text = signature_text(signature);
    let plain = quote!(#spec::new(#name, ::core::module_path!(), #names, #text));
    let doc = match attribute {
        Attribute::Step => documentation(&signature.attributes.outer),
        Attribute::Workflow => String::new(),
    };
    if options.fields.is_empty() && doc.is_empty() {
        return plain;
    }
    let fields = options
        .fields
        .iter()
        .map(|(key, value)| quote!(#key: #value));
    let doc = (!doc.is_empty()).then(|| quote!(doc: #doc,));
    quote!(#spec { #(#fields,)* #doc ..#plain })
}

/// What the doc comments of a function say; one that is put together by a macro is left out.
fn documentation(attributes: &[syn::Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let meta = attribute.meta.require_name_value().ok()?;
        match &meta.value {
            syn::Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(text),
                ..
            }) if meta.path.is_ident("doc") => Some(text.value().trim().to_owned()),
            _ => None,
        }
    });
    lines.collect::<Vec<String>>().join("\n").trim().to_owned()
}

/// `Box::pin(async move { .. })` around the author's function. It has the place of the signature, from `async` to
/// the return type, because that is where an error about the future as a whole belongs.
pub(super) fn boxed(
    signature: &Signature,
    function: &Ident,
    arguments: &TokenStream,
) -> TokenStream {
    let at = signature.asyncness;
    let future = quote::quote_spanned! {at=>
        async move { __s::StepResult::result(#function(#arguments).await) }
    };
    let (_, last) = place::ends(&signature.output);
    place::call(quote!(__s::Box::pin), future, (at, last))
}
