//! The batch as its callers know it, and what it does.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Ident, Result, spanned::Spanned};

use super::{Batch, list::Form};
use crate::{
    errors,
    function::{carrier, plain_names, quiet, waits},
    home::{From, Home, own, own_at},
    signature::{Argument, Function},
};

impl Batch<'_> {
    pub(super) fn wrapper(&self) -> Result<TokenStream> {
        let Function { vis, sig, .. } = self.function;
        let (stays, _) = self.function.attributes();
        let (sig, call) = (plain_names(sig), self.call(false)?);
        Ok(quote! {
            #(#stays)*
            #[allow(clippy::used_underscore_binding, reason = "generated")]
            #vis #sig {
                #call
            }
        })
    }

    /// Calls the library.
    fn call(&self, anew: bool) -> Result<TokenStream> {
        let Self { krate, function, item, list, .. } = self;
        let keys = self.key_names()?;
        let owner = Home::owner(function, From::Inside);
        let others: Vec<_> = self.others().map(|argument| &argument.name).collect();
        let [key, lifetime, kept, with] = ["key", "lifetime", "kept", "with"].map(|p| self.of(p));
        let body = self.home.part("body", function);
        let marker = self.marker();
        let span = function.returns.ty.span();
        let told = carrier(krate, &marker, span);
        let [items, ids, places, first, settled, created, carrier, error] =
            ["items", "ids", "places", "first", "settled", "created", "carrier", "error"]
                .map(|name| own_at(name, span));
        let (asyncness, awaits) = waits(function);
        let call = |items: &Ident| {
            let arguments = function.arguments.iter().map(|argument| {
                let name = &argument.name;
                match list.form {
                    _ if *name != list.name => quote!(::core::clone::Clone::clone(#name)),
                    Form::Slice => quote!(&#items),
                    Form::Vec | Form::Iterator => quote!(::core::clone::Clone::clone(&#items)),
                }
            });
            quote!(#body(#owner #(#arguments),*) #awaits)
        };
        let (some, all) = (call(&ids), call(&items));
        let moves = asyncness.as_ref().map(|asyncness| quote!(#asyncness move));
        let taken = list.taken(list.form);
        let shown = errors::shown_at(krate, span);
        let item_ty = &list.item;
        let new = quote_spanned!(span=> #marker::NEW);
        let none =
            quote_spanned!(span=> #shown::function::none::<_, #item_ty>(#marker::NEW, #items));

        let settle = quote_spanned!(span=> #shown::function::settled::<_, #item_ty>(#marker::NEW, #items, #settled));
        let checked = self.checked();
        // A wrong type of its items is found where they are handed over.
        let list_span = list.ty.span();
        let text = own("key");
        let key = quote_spanned!(list_span=> #key(#owner #(#keys,)* #text));
        let key = quote!(|#item| #krate::function::written(|#text| #key));
        let made = quote_spanned! {span=>
            #shown::function::made::<_, #item_ty>(#new, #created, #ids, #key, |#created| {
                #kept(#owner #created)
            })
        };
        Ok(quote! {
            #checked
            let #items = #taken;
            #(let #others = &#others;)*
            let #carrier = #told;
            match #items.first().cloned() {
                ::core::option::Option::None => #none,
                ::core::option::Option::Some(#first) => {
                    let #item = &#first;
                    let #settled = #with(
                        #owner
                        #(#keys,)*
                        #krate::function::many(
                            #krate::function::keys(&#items, #key),
                            #lifetime(#owner #(#keys),*),
                            #anew,
                            |#places: ::std::vec::Vec<usize>| {
                                let #ids = #krate::function::picked(&#items, &#places);
                                #moves {
                                    let #created = #some;
                                    #made
                                }
                            },
                            #carrier,
                        ),
                    ) #awaits;
                    match #settled {
                        ::core::result::Result::Ok(#settled) => {
                            match #settle {
                                ::core::result::Result::Ok(#created) => #created,
                                ::core::result::Result::Err(#items) => #all,
                            }
                        }
                        ::core::result::Result::Err(#error) => {
                            #krate::function::no_region(#marker::NEW, #error, #carrier)
                        }
                    }
                }
            }
        })
    }

    /// Asks that what is returned can be cached, before anything else does, in the same words: so a wrong
    /// type is one error.
    pub(super) fn checked(&self) -> TokenStream {
        let Self { krate, function, list, .. } = self;
        let (marker, item) = (self.marker(), &list.item);
        let span = function.returns.ty.span();
        let (shown, item) = (errors::shown_at(krate, span), errors::shown_at(&quote!(#item), span));
        let batches = quote_spanned!(span=> #shown::function::batches::<#marker, #item>(););
        quote!(#krate::function::fails::<#marker>(); #batches)
    }

    pub(super) fn parts(&self) -> Result<TokenStream> {
        let (home, function, quiet) = (self.home, self.function, quiet());
        let vis = &function.vis;
        let own = self.own()?.map(|one| one.key_parts());
        let name = home.part_name("refresh", function);
        let (receiver, arguments) = (Home::receiver(function), self.by_value());
        let generics = home.generics(function, &quote!());
        let bounds = home.bounds(function);
        let (asyncness, _) = waits(function);
        let (returned, anew) = (&function.returns.ty, self.call(true)?);
        Ok(quote! {
            #own
            #[doc(hidden)]
            #quiet
            #vis #asyncness fn #name #generics(#receiver #arguments) -> #returned #bounds { #anew }
        })
    }

    pub(super) fn by_value(&self) -> TokenStream {
        let argument = |Argument { name, ty }: &Argument| quote!(#name: #ty,);
        self.function.arguments.iter().map(argument).collect()
    }
}
