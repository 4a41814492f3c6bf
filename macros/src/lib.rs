//! The attribute macros of [larder](https://docs.rs/larder).
//!
//! They are documented there, where they are re-exported.

mod attributes;
mod dogpile;
mod errors;
mod function;
mod home;
mod key;
mod methods;
mod multi;
mod signature;
mod units;

use proc_macro::TokenStream;
use quote::quote;
use syn::{Item, parse_macro_input};

use crate::{
    attributes::{Attributes, Place},
    function::Cached,
    home::Home,
    multi::Batch,
    signature::Function,
};

/// A cached function.
#[proc_macro_attribute]
pub fn cached(attributes: TokenStream, item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as Item);
    let expanded = match item {
        Item::Fn(function) => free(attributes.into(), &function, Place::Single),
        Item::Impl(block) => methods::expand(attributes.into(), block),
        Item::Verbatim(function) => Err((
            errors::at(
                &function,
                "a function without a body cannot be cached: of a trait's, cache one in an `impl` of the \
                 type itself, and call it from the method of the trait",
            ),
            quote!(#function),
        )),
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

/// A cached batch.
#[proc_macro_attribute]
pub fn cached_multi(attributes: TokenStream, item: TokenStream) -> TokenStream {
    let function = parse_macro_input!(item as syn::ItemFn);
    free(attributes.into(), &function, Place::Batch).unwrap_or_else(failed).into()
}

/// The error beside what was written, so that nothing else is missing.
fn failed((error, item): (syn::Error, proc_macro2::TokenStream)) -> proc_macro2::TokenStream {
    let error = error.into_compile_error();
    quote!(#error #item)
}

type Expanded = Result<proc_macro2::TokenStream, (syn::Error, proc_macro2::TokenStream)>;

fn free(attributes: proc_macro2::TokenStream, item: &syn::ItemFn, place: Place) -> Expanded {
    let expand = || {
        if let Some(receiver) = item.sig.receiver() {
            return Err(errors::at(
                receiver,
                "a cached method needs `#[cached]` on its `impl` block, too: `#[cached] impl Repo { \
                 #[cached(..)] async fn load(&self, ..) .. }`",
            ));
        }
        let attributes = Attributes::parse(attributes, place)?;
        let syn::ItemFn { attrs, vis, sig, block, .. } = item.clone();
        let function = Function::new(attrs, vis, sig, *block, place)?;
        if place == Place::Batch {
            let (wrapper, handle) = Batch::new(&function, &attributes, &Home::Free)?.expand()?;
            return Ok(quote!(#wrapper #handle));
        }
        let cached = Cached::new(&function, &attributes, &Home::Free)?;
        let (wrapper, handle) = (cached.wrapper(), cached.handle());
        Ok(quote!(#wrapper #handle))
    };
    expand().map_err(|error| (error, quote!(#item)))
}
