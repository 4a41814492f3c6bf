//! The attribute macros of [larder](https://docs.rs/larder).
//!
//! They are documented there, where they are re-exported.

mod attributes;
mod errors;
mod function;
mod home;
mod key;
mod methods;
mod signature;

use proc_macro::TokenStream;
use quote::quote;
use syn::{Item, parse_macro_input};

use crate::{
    attributes::{Attributes, Place},
    function::Cached,
    home::Home,
    signature::Function,
};

/// A cached function.
#[proc_macro_attribute]
pub fn cached(attributes: TokenStream, item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as Item);
    let expanded = match item {
        Item::Fn(function) => free(attributes.into(), &function),
        Item::Impl(block) => methods::expand(attributes.into(), block),
        other => Err((
            errors::at(
                &other,
                "`#[cached]` belongs on a function, or on an `impl` block with some",
            ),
            quote!(#other),
        )),
    };
    expanded.unwrap_or_else(failed).into()
}

/// The error beside what was written, so that nothing else is missing.
fn failed((error, item): (syn::Error, proc_macro2::TokenStream)) -> proc_macro2::TokenStream {
    let error = error.into_compile_error();
    quote!(#error #item)
}

type Expanded = Result<proc_macro2::TokenStream, (syn::Error, proc_macro2::TokenStream)>;

fn free(attributes: proc_macro2::TokenStream, item: &syn::ItemFn) -> Expanded {
    let expand = || {
        if let Some(receiver) = item.sig.receiver() {
            return Err(errors::at(
                receiver,
                "a cached method needs `#[cached]` on its `impl` block, too: `#[cached] impl Repo { \
                 #[cached(..)] async fn load(&self, ..) .. }`",
            ));
        }
        let attributes = Attributes::parse(attributes, Place::Single)?;
        let syn::ItemFn { attrs, vis, sig, block, .. } = item.clone();
        let function = Function::new(attrs, vis, sig, *block)?;
        let cached = Cached::new(&function, &attributes, &Home::Free)?;
        let (wrapper, handle) = (cached.wrapper(), cached.handle());
        Ok(quote!(#wrapper #handle))
    };
    expand().map_err(|error| (error, quote!(#item)))
}
