//! What the function and its handle are made of.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, spanned::Spanned};

use super::{Cached, quiet, waits};
use crate::{
    errors,
    home::{Home, own, own_at},
    signature::{Argument, Taken},
};

impl Cached<'_> {
    /// What the function and its handle are made of.
    pub(crate) fn parts(&self) -> TokenStream {
        let (keys, refresh) = (self.key_parts(), self.refresh_part());
        let (vis, quiet) = (&self.function.vis, quiet());
        quote! {
            #keys
            #[doc(hidden)] #quiet #vis #refresh
        }
    }

    /// What a batch of the same entries uses, too.
    pub(crate) fn key_parts(&self) -> TokenStream {
        let parts = [self.key_part(), self.lifetime_part(), self.kept_part(), self.with_part()];
        let (quiet, vis) = (quiet(), &self.function.vis);
        quote!(#(#[doc(hidden)] #quiet #vis #parts)*)
    }

    /// The header of a part that takes the arguments of keys.
    pub(super) fn header(
        &self,
        part: &str,
        more: &TokenStream,
        arguments: &TokenStream,
    ) -> TokenStream {
        let part = self.home.part_name(part, self.function);
        let generics = self.home.generics(self.function, more);
        let receiver = Home::receiver(self.function);
        quote!(fn #part #generics(#receiver #arguments))
    }

    pub(super) fn bounds(&self) -> TokenStream {
        self.home.bounds(self.function)
    }

    /// The arguments of keys as they are taken, and as expressions see them.
    pub(super) fn taken(&self) -> (TokenStream, TokenStream) {
        let all = self.key_arguments().map(|Argument { name, ty }| (name, Taken::of(ty)));
        let (mut declared, mut seen) = (TokenStream::new(), TokenStream::new());
        for (name, Taken { ty, copied }) in all {
            declared.extend(quote!(#name: #ty,));
            if copied {
                seen.extend(quote!(let #name = *#name;));
            }
        }
        (declared, seen)
    }

    /// Finds the region, and goes on from there.
    pub(super) fn with_region(
        &self,
        found: &Ident,
        there: &TokenStream,
        error: &Ident,
        none: &TokenStream,
    ) -> TokenStream {
        let Self { krate, region, .. } = self;
        // All of it in one place, where what is no region is one error.
        let shown = errors::shown_at(krate, region.span());
        let (there, none) = (quote!({ #there }), quote!({ #none }));
        quote_spanned! {region.span()=>
            match #shown::RegionSource::region(&#region) {
                ::core::result::Result::Ok(#found) => #there
                ::core::result::Result::Err(#error) => #none
            }
        }
    }

    /// Asks that the stack keeps lifetimes, if the function has some to keep.
    pub(super) fn keeps_lifetimes(&self, region: &Ident) -> Option<TokenStream> {
        let (krate, ttl) = (&self.krate, self.attributes.ttl.as_ref()?);
        let shown = errors::shown_at(krate, ttl.span());
        Some(quote_spanned!(ttl.span()=> #shown::function::keeps_lifetimes(&*#region);))
    }

    fn lifetime_part(&self) -> TokenStream {
        let (declared, seen) = self.taken();
        let (header, bounds) = (self.header("lifetime", &quote!(), &declared), self.bounds());
        let expire_after = &self.expire_after;
        quote! {
            #header -> ::core::option::Option<::core::time::Duration> #bounds {
                #seen
                #expire_after
            }
        }
    }

    /// How a created value is kept.
    fn kept_part(&self) -> TokenStream {
        let (krate, value) = (&self.krate, self.value());
        let created = own("created");
        let argument = quote!(#created: #krate::Created<#value>);
        let (header, bounds) = (self.header("kept", &quote!(), &argument), self.bounds());
        let should_cache = self.attributes.should_cache.as_ref().map(|accepts| {
            quote_spanned! {accepts.span()=>
                let #created = #krate::function::keep_if(#created, #accepts);
            }
        });
        let ttl = self.attributes.ttl.as_ref().map(|ttl| {
            quote_spanned!(ttl.span()=> let #created = #krate::function::keep_for(#created, #ttl);)
        });
        quote! {
            #header -> #krate::Created<#value> #bounds {
                #should_cache
                #ttl
                #created
            }
        }
    }

    /// Does something with the region.
    fn with_part(&self) -> TokenStream {
        let Self { krate, function, region, .. } = self;
        let (declared, seen) = self.taken();
        let (operation, found, error) =
            (own("operation"), own_at("region", region.span()), own("error"));
        let kind = if function.is_async() { "Operation" } else { "BlockingOperation" };
        let kind = format_ident!("{kind}", span = region.span());
        let shown = errors::shown_at(krate, region.span());
        let (asyncness, awaits) = waits(function);
        let (value, own_ttl) = (self.value(), self.keeps_lifetimes(&found));
        let more = quote!(LarderOperation: #krate::function::#kind<#value>,);
        let arguments = quote!(#declared #operation: LarderOperation,);
        let (header, bounds) = (self.header("with", &more, &arguments), self.bounds());
        let awaits = awaits.map(|awaits| errors::shown_at(&awaits, region.span()));
        let there = quote_spanned! {region.span()=>
            #own_ttl
            #shown::function::#kind::run(#operation, &*#found) #awaits
        };
        let none = quote!(::core::result::Result::Err(#error));
        let body = self.with_region(&found, &there, &error, &none);
        quote! {
            #asyncness #header -> #krate::Result<LarderOperation::Output> #bounds {
                #seen
                #body
            }
        }
    }

    fn refresh_part(&self) -> TokenStream {
        let (asyncness, _) = waits(self.function);
        let arguments = self.by_value();
        let (header, bounds) = (self.header("refresh", &quote!(), &arguments), self.bounds());
        let (answer, returned) = (self.answer(true), self.returned());
        quote!(#asyncness #header -> #returned #bounds { #answer })
    }
}
