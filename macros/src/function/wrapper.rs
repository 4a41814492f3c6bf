//! The function as its callers know it.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::{Cached, carrier, plain_names, waits};
use crate::{
    errors,
    home::{From, Home, own, own_at},
    signature::{Function, Shape},
};

impl Cached<'_> {
    /// The function as its callers know it.
    pub(crate) fn wrapper(&self) -> TokenStream {
        let Function { vis, sig, .. } = self.function;
        let (stays, _) = self.function.attributes();
        let sig = plain_names(sig);
        let (krate, returned) = (&self.krate, self.returned());
        let spelled = (self.function.returns.shape == Shape::Plain).then(|| {
            let shown = errors::shown_at(krate, returned.span());
            quote_spanned! {returned.span()=> {
                #[allow(unused_imports, reason = "where it is not needed")]
                use #krate::function::NeitherResultNorOption as _;
                #shown::function::spelled_out(#shown::function::Spelling::<#returned>::NEW.kind());
            }}
        });
        let answer = self.answer(false);
        quote! {
            #(#stays)*
            #[allow(clippy::used_underscore_binding, reason = "generated")]
            #vis #sig {
                #spelled
                #answer
            }
        }
    }

    /// Calls the library for one call.
    pub(super) fn answer(&self, anew: bool) -> TokenStream {
        let Self { krate, function, region, .. } = self;
        let (names, keys, marker) = (self.names(), self.key_names(), self.marker());
        let owner = Home::owner(function, From::Inside);
        let [key, lifetime, kept, body] =
            ["key", "lifetime", "kept", "body"].map(|part| self.part(part));
        let (_, awaits) = waits(function);
        let span = self.returned().span();
        let how = if function.is_async() { "answer" } else { "answer_blocking" };
        let how = format_ident!("{how}", span = span);
        let shown = errors::shown_at(krate, span);
        let (found, error, created) =
            (own_at("region", region.span()), own("error"), own_at("created", span));
        let carrier = carrier(krate, &marker, span);
        let own_ttl = self.keeps_lifetimes(&found);
        let new = quote_spanned!(span=> #marker::NEW);
        let (text, written) = (own("key"), own("written"));
        let there = quote_spanned!(region.span()=> &*#found);
        let arguments = quote! {
            #new,
            #there,
            #written.map(|()| &#text),
            #lifetime(#owner #(&#keys),*),
            #anew,
            (#(#names,)*),
            |(#(#names,)*)| #body(#owner #(#names),*),
            |#created| #kept(#owner #created),
            #carrier,
        };
        // All of it in one place, where a type that cannot be cached is one error.
        let awaits = awaits.map(|awaits| errors::shown_at(&awaits, span));
        let call = quote_spanned!(span=> #shown::function::#how(#arguments) #awaits);
        // Asked first and by itself, so that a wrong type is one error in the library's words; as generated
        // code, since the compiler would have advice for an expression of the user.
        let checked = quote!(#krate::function::returns::<#marker>(););
        let there = quote! {
            #checked
            #own_ttl
            let mut #text = #krate::function::FunctionKey::new();
            let #written = #key(#owner #(&#keys,)* &mut #text);
            #call
        };
        let none = quote!(#krate::function::no_region(#marker::NEW, #error, #carrier));
        self.with_region(&found, &there, &error, &none)
    }
}
