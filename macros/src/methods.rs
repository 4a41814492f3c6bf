//! `#[cached] impl ..`: cached methods.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, ImplItem, ImplItemFn, ItemImpl, Meta, Type};

use crate::{
    Expanded,
    attributes::{Attributes, Place},
    errors,
    function::{Cached, signed},
    home::{Home, Impl},
    multi::Batch,
    signature::Function,
};

pub(crate) fn expand(attributes: TokenStream, block: ItemImpl) -> Expanded {
    let mut plain = block.clone();
    for item in &mut plain.items {
        if let ImplItem::Fn(function) = item {
            function.attrs.retain(|attr| kind(attr).is_none());
        }
    }
    try_expand(attributes, block).map_err(|error| (error, quote!(#plain)))
}

fn try_expand(attributes: TokenStream, mut block: ItemImpl) -> syn::Result<TokenStream> {
    if let Some((path, _)) = &block.trait_ {
        return Err(errors::at(
            path,
            "methods of a trait cannot be cached here: write a cached method in an `impl` of the type \
             itself, and call it from the method of the trait",
        ));
    }
    let Type::Path(path) = &*block.self_ty else {
        return Err(errors::at(&block.self_ty, "cached methods belong to a type with a name"));
    };
    let Some(last) = path.path.segments.last() else {
        return Err(errors::at(path, "cached methods belong to a type with a name"));
    };
    let defaults = Attributes::parse(attributes, Place::Impl)?;
    let home = Home::Impl(Impl {
        generics: block.generics.clone(),
        self_ty: block.self_ty.to_token_stream(),
        name: last.ident.clone(),
    });
    let (mut inside, mut beside, mut failed) = (Vec::new(), TokenStream::new(), None);
    for item in std::mem::take(&mut block.items) {
        let ImplItem::Fn(mut function) = item else {
            inside.push(item.to_token_stream());
            continue;
        };
        let Some((at, kind)) = which(&function.attrs) else {
            inside.push(function.to_token_stream());
            continue;
        };
        let attribute = function.attrs.remove(at);
        match method(&attribute, kind, function.clone(), &defaults, &home) {
            Ok((stays, outside)) => {
                inside.push(stays);
                beside.extend(outside);
            }
            Err(error) => {
                // The others are still there for those who call them.
                inside.push(function.to_token_stream());
                match &mut failed {
                    None => failed = Some(error),
                    Some(errors) => errors.combine(error),
                }
            }
        }
    }
    let error = failed.map(syn::Error::into_compile_error);
    let ItemImpl { attrs, unsafety, generics, self_ty, .. } = &block;
    let (impl_generics, _, clause) = generics.split_for_impl();
    Ok(quote! {
        #(#attrs)*
        #unsafety impl #impl_generics #self_ty #clause {
            #(#inside)*
        }
        // Two blocks may be for one type with other parameters, and their handles have one name.
        const _: () = {
            #beside
        };
        #error
    })
}

fn which(attrs: &[Attribute]) -> Option<(usize, Place)> {
    attrs.iter().enumerate().find_map(|(at, attr)| Some((at, kind(attr)?)))
}

/// Whether an attribute is one of ours.
fn kind(attribute: &Attribute) -> Option<Place> {
    let last = &attribute.path().segments.last()?.ident;
    match last.to_string().as_str() {
        "cached" => Some(Place::Single),
        "cached_multi" => Some(Place::Batch),
        _ => None,
    }
}

fn method(
    attribute: &Attribute,
    place: Place,
    function: ImplItemFn,
    defaults: &Attributes,
    home: &Home,
) -> syn::Result<(TokenStream, TokenStream)> {
    let tokens = match &attribute.meta {
        Meta::Path(_) => TokenStream::new(),
        Meta::List(list) => list.tokens.clone(),
        Meta::NameValue(meta) => return Err(errors::at(meta, "write `#[cached(..)]`")),
    };
    let ImplItemFn { attrs, vis, sig, block, .. } = function;
    let written = Attributes::parse(tokens, place)?;
    let function = Function::new(attrs, vis, sig, block, place)?;
    let attributes = written.or(&defaults.for_function(&function));
    if place == Place::Batch {
        return Batch::new(&function, &attributes, home)?.expand();
    }
    let cached = Cached::new(&function, &attributes, home)?;
    let (wrapper, parts) = (cached.wrapper(), cached.parts());
    let body = signed(&function, home);
    Ok((quote!(#wrapper #parts #body), cached.handle()))
}
