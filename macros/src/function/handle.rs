//! The type that leads to the cache of a function.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{GenericParam, Ident, Visibility};

use super::{Cached, beside, quiet, waits};
use crate::{
    home::{From, Handle, Home, bounds, own, plain},
    signature::Function,
};

impl Cached<'_> {
    /// The type of the handle, with its methods.
    pub(crate) fn handle(&self) -> TokenStream {
        let Self { function, home, .. } = self;
        let (vis, quiet, name) = (&function.vis, quiet(), home.handle_name(function));
        let handle = home.handle(function);
        let methods = self.methods();
        let declaration = declare(&name, &handle, vis, &self.about());
        let Handle { impl_generics, impl_named, impl_where, .. } = &handle;
        let (inside, body) = match home {
            Home::Free => {
                let (cache, parts) = (self.accessor(), self.parts());
                (quote!(#cache #parts), beside(function, home))
            }
            Home::Impl(owner) => (quote!(), owner.inherent(&self.accessor())),
        };
        quote! {
            #declaration

            #quiet
            impl #impl_generics #name #impl_named #impl_where {
                #inside
                #methods
            }

            #body
        }
    }

    fn about(&self) -> String {
        let name = function_link(self.function, self.home);
        format!("The cache of {name}: looks into it, writes to it, forgets.")
    }

    /// What leads to the handle.
    pub(crate) fn accessor(&self) -> TokenStream {
        accessor(self.function, self.home)
    }

    fn methods(&self) -> TokenStream {
        let Self { krate, function, home, .. } = self;
        let vis = &function.vis;
        let outside = |tokens: TokenStream| home.outside(tokens);
        let lifetimes: Vec<_> = function.lifetimes().collect();
        let generics = quote!(<#(#lifetimes,)*>);
        let bounds = bounds(function);
        let bounds = outside(bounds);
        let (asyncness, awaits) = waits(function);
        let owner = Home::owner(function, From::Handle);
        let (declared, _) = self.taken();
        let declared = outside(declared);
        let (keys, names) = (self.key_names(), self.names());
        let value = outside(self.value());
        let returned = outside(self.returned().to_token_stream());
        let all = outside(self.by_value());
        let [key, lifetime, kept, with, refresh, body] =
            ["key", "lifetime", "kept", "with", "refresh", "body"].map(|part| self.part(part));
        let (new, written) = (own("value"), own("key"));
        let write = quote!(#krate::function::written(|#written| #key(#owner #(#keys,)* #written)));
        let operate = |operation: TokenStream| {
            quote! {
                let #written = #write?;
                #with(#owner #(#keys,)* #operation) #awaits
            }
        };
        let lifetime = quote!(#lifetime(#owner #(#keys),*));
        let get = operate(quote!(#krate::function::Get::new(#written, #lifetime)));
        let created = quote!(#kept(#owner #krate::Created::new(#new)));
        let set = operate(quote!(#krate::function::Set::new(#written, #created, #lifetime)));
        let invalidate = operate(quote!(#krate::function::Invalidate::new(#written)));
        quote! {
            /// The value, if it is there and fresh. Never calls the function.
            ///
            /// # Errors
            ///
            /// When the store fails, or there is no region yet.
            #vis #asyncness fn get #generics(self, #declared)
                -> #krate::Result<::core::option::Option<#value>> #bounds { #get }

            /// Stores a value with the lifetimes of the function, whatever `should_cache` says.
            ///
            /// # Errors
            ///
            /// When the store fails, or there is no region yet.
            #vis #asyncness fn set #generics(self, #new: #value, #declared)
                -> #krate::Result<()> #bounds { #set }

            /// Forgets the value.
            ///
            /// # Errors
            ///
            /// When the store fails, or there is no region yet.
            #vis #asyncness fn invalidate #generics(self, #declared)
                -> #krate::Result<()> #bounds { #invalidate }

            /// Calls the function, whatever is there, and stores what it returns. Of callers that do
            /// this at the same time, one calls it.
            #vis #asyncness fn refresh #generics(self, #all) -> #returned #bounds {
                #refresh(#owner #(#names),*) #awaits
            }

            /// Calls the function, and nothing else.
            #vis #asyncness fn original #generics(self, #all) -> #returned #bounds {
                #body(#owner #(#names),*) #awaits
            }

            /// The key.
            ///
            /// # Errors
            ///
            /// When an argument cannot be written.
            #vis fn key #generics(self, #declared) -> #krate::Result<#krate::KeyBuf> #bounds {
                #write.map(|#written| #written.to_buf())
            }
        }
    }
}

/// The type of a handle.
pub(crate) fn declare(name: &Ident, handle: &Handle, vis: &Visibility, about: &str) -> TokenStream {
    let Handle { declared, named, fields, .. } = handle;
    let (quiet, text) = (quiet(), name.to_string());
    quote! {
        #[doc = #about]
        #quiet
        #vis struct #name #declared { #fields }

        #[automatically_derived]
        impl #declared ::core::clone::Clone for #name #named {
            fn clone(&self) -> Self {
                *self
            }
        }

        #[automatically_derived]
        impl #declared ::core::marker::Copy for #name #named {}

        #[automatically_derived]
        impl #declared ::core::fmt::Debug for #name #named {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(#text)
            }
        }
    }
}

/// What leads to the handle of a function.
pub(crate) fn accessor(function: &Function, home: &Home) -> TokenStream {
    let handle = home.handle(function);
    let Handle { elided, value, .. } = handle;
    let (vis, name, quiet) = (&function.vis, home.handle_name(function), quiet());
    let about = format!("The cache of {}.", function_link(function, home));
    match home {
        Home::Free => quote! {
            #[doc = #about]
            #[must_use]
            #vis const fn cache() -> Self {
                Self { #value }
            }
        },
        Home::Impl(_) => {
            let accessor = format_ident!("{}_cache", plain(function.name()));
            let parameters: Vec<_> = function.parameters().collect();
            let generics = quote!(<#(#parameters,)*>);
            let receiver = Home::receiver(function);
            let clause = where_of_types(function);
            quote! {
                #[doc = #about]
                #[must_use]
                #quiet
                #vis fn #accessor #generics(#receiver) -> #name #elided #clause {
                    #name { #value }
                }
            }
        }
    }
}

/// The bounds that speak of no lifetime of the function.
fn where_of_types(function: &Function) -> TokenStream {
    let clause = function.sig.generics.where_clause.as_ref();
    let predicates = clause.into_iter().flat_map(|clause| &clause.predicates);
    let free = predicates.filter(|predicate| {
        let text = predicate.to_token_stream().to_string();
        !function.lifetimes().any(|lifetime| match lifetime {
            GenericParam::Lifetime(param) => text.contains(&param.lifetime.to_string()),
            _ => false,
        })
    });
    let free: Vec<_> = free.collect();
    if free.is_empty() { quote!() } else { quote!(where #(#free,)*) }
}

fn function_link(function: &Function, home: &Home) -> String {
    let name = plain(function.name());
    match home {
        Home::Free => format!("[`{name}`](fn@{name})"),
        Home::Impl(home) => format!("`{}::{name}`", home.name),
    }
}
