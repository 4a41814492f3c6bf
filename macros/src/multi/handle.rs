//! The methods of the handle of a batch.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{Ident, Result, spanned::Spanned};

use super::{Batch, list::Form, single::value_of};
use crate::{
    errors,
    function::waits,
    home::{From, Home, bounds, own_at},
    signature::{Argument, Taken},
};

impl Batch<'_> {
    pub(super) fn methods(&self) -> Result<TokenStream> {
        let Self { krate, function, home, item, list, .. } = self;
        let keys = self.key_names()?;
        let outside = |tokens: TokenStream| home.outside(tokens);
        let lifetimes: Vec<_> = function.lifetimes().collect();
        let generics = quote!(<#(#lifetimes,)*>);
        let bounds = outside(bounds(function));
        let vis = &function.vis;
        let (asyncness, awaits) = waits(function);
        let owner = Home::owner(function, From::Handle);
        let [key, lifetime, kept, with] =
            ["key", "lifetime", "kept", "with"].map(|part| self.of(part));
        let [refresh, body] = ["refresh", "body"].map(|part| home.part(part, function));
        let names: Vec<_> = function.arguments.iter().map(|argument| &argument.name).collect();
        let collection = function.returns.value(krate, &function.returns.ty);
        let value = value_of(&function.returns, &list.item, krate);
        let (value, item_ty) = (outside(value), outside(list.item.to_token_stream()));
        let collection = outside(collection);
        let returned = outside(function.returns.ty.to_token_stream());
        let all = outside(self.by_value());
        let (others, arguments) = self.taken_arguments(&keys);
        let taken = list.taken(if list.form == Form::Vec { Form::Slice } else { list.form });
        let [written, first, made, operation] =
            ["key", "first", "keys", "operation"].map(crate::home::own);
        let span = function.returns.ty.span();
        let [items, values] = ["items", "values"].map(|name| own_at(name, span));
        let make_key = quote! {
            |#item| #krate::function::written(|#written| #key(#owner #(#keys,)* #written))
        };
        let make_keys = quote!(#krate::function::keys(&#items, #make_key));
        let operate = |before: TokenStream, operation: TokenStream| {
            quote! {
                #before
                let ::core::option::Option::Some(#first) = #items.first().cloned() else {
                    return ::core::result::Result::Ok(());
                };
                let #made = #make_keys?;
                let #item = &#first;
                #with(#owner #(#keys,)* #operation) #awaits
            }
        };
        let from_list = quote!(let #items = #taken;);
        let shown = errors::shown_at(krate, span);
        let found = quote_spanned!(span=> #shown::function::found::<_, #item_ty>(#items, #values));
        let checked = outside(self.checked());
        let get = quote! {
            #checked
            let #items = #taken;
            let ::core::option::Option::Some(#first) = #items.first().cloned() else {
                let #values = ::std::vec::Vec::new();
                return ::core::result::Result::Ok(#found);
            };
            let #made = #make_keys?;
            let #item = &#first;
            let #operation = #krate::function::GetMany::new(#made, #lifetime(#owner #(#keys),*));
            let #values = #with(#owner #(#keys,)* #operation) #awaits?;
            ::core::result::Result::Ok(#found)
        };
        let set = operate(
            quote! {
                let (#items, #values): (::std::vec::Vec<_>, ::std::vec::Vec<_>) =
                    ::core::iter::Iterator::unzip(::core::iter::IntoIterator::into_iter(#values));
            },
            quote!(#krate::function::SetMany::new(
                #made,
                ::core::iter::Iterator::collect(::core::iter::Iterator::map(
                    ::core::iter::IntoIterator::into_iter(#values),
                    |#operation| #kept(#owner #krate::Created::new(#operation)),
                )),
                #lifetime(#owner #(#keys),*),
            )),
        );
        let invalidate =
            operate(from_list.clone(), quote!(#krate::function::InvalidateMany::new(#made)));
        Ok(quote! {
            /// The values that are there and fresh. Never calls the function.
            ///
            /// # Errors
            ///
            /// When the store fails, or there is no region yet.
            #vis #asyncness fn get #generics(self, #arguments)
                -> #krate::Result<#collection> #bounds { #get }

            /// Stores values with the lifetimes of the function, whatever `should_cache` says.
            ///
            /// # Errors
            ///
            /// When the store fails, or there is no region yet.
            #vis #asyncness fn set #generics(
                self,
                #values: impl ::core::iter::IntoIterator<Item = (#item_ty, #value)>,
                #others
            ) -> #krate::Result<()> #bounds { #set }

            /// Forgets values.
            ///
            /// # Errors
            ///
            /// When the store fails, or there is no region yet.
            #vis #asyncness fn invalidate #generics(self, #arguments)
                -> #krate::Result<()> #bounds { #invalidate }

            /// Calls the function for all items, whatever is there, and stores what it returns.
            #vis #asyncness fn refresh #generics(self, #all) -> #returned #bounds {
                #refresh(#owner #(#names),*) #awaits
            }

            /// Calls the function, and nothing else.
            #vis #asyncness fn original #generics(self, #all) -> #returned #bounds {
                #body(#owner #(#names),*) #awaits
            }

            /// The keys.
            ///
            /// # Errors
            ///
            /// When an argument cannot be written.
            #vis fn keys #generics(self, #arguments)
                -> #krate::Result<::std::vec::Vec<#krate::KeyBuf>> #bounds
            {
                #from_list
                #make_keys
            }
        })
    }

    /// The arguments that are no list, and all, as the methods for keys take them.
    fn taken_arguments(&self, keys: &[Ident]) -> (TokenStream, TokenStream) {
        let Self { function, home, list, .. } = self;
        let outside = |tokens: TokenStream| home.outside(tokens);
        let item_ty = &list.item;
        let list_ty = match list.form {
            Form::Slice | Form::Iterator => list.ty.to_token_stream(),
            Form::Vec => quote!(&[#item_ty]),
        };
        let needed = |argument: &&Argument| keys.contains(&argument.name);
        let declare = |Argument { name, ty }: &Argument| {
            let Taken { ty, .. } = Taken::of(ty);
            outside(quote!(#name: #ty,))
        };
        let others: TokenStream = self.others().filter(needed).map(declare).collect();
        let arguments = function.arguments.iter().filter(|a| a.name == list.name || needed(a));
        let arguments: TokenStream = arguments
            .map(|argument| match &argument.name {
                name if *name == list.name => outside(quote!(#name: #list_ty,)),
                _ => declare(argument),
            })
            .collect();
        (others, arguments)
    }
}
