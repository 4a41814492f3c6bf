//! The function as it was written.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Signature;

use crate::{
    home::{Handle, Home},
    signature::Function,
};

/// The function as it was written.
pub(crate) fn signed(function: &Function, home: &Home) -> TokenStream {
    let Function { sig, block, .. } = function;
    let (_, moves) = function.attributes();
    let name = home.part_name("body", function);
    let (generics, bounds) = (home.generics(function, &quote!()), home.bounds(function));
    let Signature { asyncness, safety, inputs, output, .. } = sig;
    quote! {
        #(#moves)*
        #asyncness #safety fn #name #generics(#inputs) #output #bounds #block
    }
}

/// The body of a free function, in an `impl` of its own: it is judged by the lints as any other.
pub(crate) fn beside(function: &Function, home: &Home) -> TokenStream {
    let (name, body) = (home.handle_name(function), signed(function, home));
    let Handle { impl_generics, impl_named, .. } = home.handle(function);
    quote!(impl #impl_generics #name #impl_named { #body })
}
