//! Words that all generated code uses.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{FnArg, Pat, Signature};

use crate::{errors, signature::Function};

/// How a function tells that the cache failed, if it can.
pub(crate) fn carrier(krate: &TokenStream, marker: &TokenStream, span: Span) -> TokenStream {
    let krate = errors::shown_at(krate, span);
    quote_spanned! {span=> {
        #[allow(unused_imports, reason = "where it is not needed")]
        use #krate::function::CarriesNot as _;
        #krate::function::Carries::<<#marker as #krate::function::Returned>::Error>::NEW.carrier()
    }}
}

/// How a function waits, if it does.
pub(crate) fn waits(function: &Function) -> (Option<TokenStream>, Option<TokenStream>) {
    if function.is_async() { (Some(quote!(async)), Some(quote!(.await))) } else { (None, None) }
}

/// Generated code is not judged by the lints of those who write by hand.
pub(crate) fn quiet() -> TokenStream {
    quote! {
        #[allow(
            non_camel_case_types, dead_code, unused_variables, unreachable_pub, private_interfaces,
            clippy::all, clippy::pedantic, clippy::allow_attributes,
            reason = "generated"
        )]
    }
}

/// A signature whose arguments are names and nothing else.
pub(crate) fn plain_names(sig: &Signature) -> Signature {
    let mut sig = sig.clone();
    for input in &mut sig.inputs {
        if let FnArg::Typed(typed) = input
            && let Pat::Ident(pat) = &mut *typed.pat
        {
            pat.mutability = None;
        }
    }
    sig
}
