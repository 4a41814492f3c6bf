//! `#[cached_multi(..)]`: batches.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{
    GenericArgument, Ident, Path, PathArguments, Result, Type, TypeParamBound, spanned::Spanned,
};

use crate::{
    attributes::{Attributes, no_region},
    errors,
    function::{
        Cached, accessor, beside, carrier, check_skipped, declare, plain_names, quiet, signed,
        waits,
    },
    home::{From, Handle, Home, own, plain},
    signature::{Argument, Function, Returns, Shape, Taken, argument},
};

/// A cached batch, ready to be written.
pub(crate) struct Batch<'a> {
    function: &'a Function,
    attributes: &'a Attributes,
    home: &'a Home,
    krate: TokenStream,
    list: List,
    /// The name of one item.
    item: Ident,
    single: Single,
}

/// The list among the arguments.
struct List {
    name: Ident,
    ty: Type,
    item: Type,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Slice,
    Vec,
    Iterator,
}

/// Where the key of one item comes from.
enum Single {
    /// From a function for one item.
    Of(Path),
    /// From here: the function that this would be for one item.
    Own(Box<Function>),
}

impl<'a> Batch<'a> {
    pub(crate) fn new(
        function: &'a Function,
        attributes: &'a Attributes,
        home: &'a Home,
    ) -> Result<Self> {
        check_skipped(&attributes.skip, function)?;
        if matches!(function.returns.shape, Shape::Maybe | Shape::FailsMaybe) {
            return Err(errors::at(
                &function.returns.ty,
                "a batch returns a collection, or a `Result` of one; what it leaves out is not there",
            ));
        }
        let list = List::find(function, attributes)?;
        let krate = attributes.krate();
        let each = attributes.each.as_ref();
        let item = each.map_or_else(|| format_ident!("item"), |each| each.item.clone());
        let single = match &attributes.of {
            Some(path) => Single::Of(path.clone()),
            None if attributes.region.is_none() => return Err(no_region(true)),
            None => Single::Own(Box::new(one(function, &list, &item, &krate))),
        };
        let batch = Self { function, attributes, home, krate, list, item, single };
        batch.own()?;
        Ok(batch)
    }

    /// The function that this would be for one item.
    fn own(&self) -> Result<Option<Cached<'_>>> {
        match &self.single {
            Single::Of(_) => Ok(None),
            Single::Own(one) => Cached::new(one, self.attributes, self.home).map(Some),
        }
    }

    /// A part of the function for one item.
    fn of(&self, part: &str) -> TokenStream {
        let path = match &self.single {
            Single::Own(one) => return self.home.part(part, one),
            Single::Of(path) => path,
        };
        let method = path.segments.len() == 1 || path.segments[0].ident == "Self";
        match (self.home, path.segments.last()) {
            (Home::Impl(home), Some(last)) if method => {
                let ty = &home.self_ty;
                let part =
                    format_ident!("__{}_{part}", plain(&last.ident), span = last.ident.span());
                quote!(<#ty>::#part)
            }
            _ => {
                let part = format_ident!("__{part}", span = path.span());
                quote!(#path::#part)
            }
        }
    }

    /// What it takes to make the key of an item, in the order of the function for one.
    fn key_names(&self) -> Result<Vec<Ident>> {
        if let Some(one) = self.own()? {
            return Ok(one.key_names().into_iter().cloned().collect());
        }
        let names = self.function.arguments.iter().map(|argument| &argument.name);
        let names = names.filter(|name| !self.attributes.skips(name));
        Ok(names
            .map(|name| if *name == self.list.name { self.item.clone() } else { name.clone() })
            .collect())
    }

    fn others(&self) -> impl Iterator<Item = &Argument> {
        self.function.arguments.iter().filter(|argument| argument.name != self.list.name)
    }

    fn marker(&self) -> TokenStream {
        self.function.returns.marker(&self.krate, &self.function.returns.ty)
    }

    /// The batch as its callers know it, what it is made of, and its handle.
    pub(crate) fn expand(&self) -> Result<(TokenStream, TokenStream)> {
        let (home, function) = (self.home, self.function);
        let (wrapper, parts) = (self.wrapper()?, self.parts()?);
        let name = home.handle_name(function);
        let handle = home.handle(function);
        let about = format!("The cache of the batch `{}`.", plain(function.name()));
        let declaration = declare(&name, &handle, &function.vis, &about);
        let (methods, accessor, quiet) = (self.methods()?, accessor(function, home), quiet());
        let Handle { impl_generics, impl_named, impl_where, .. } = &handle;
        let body = signed(function, home);
        let (inside, parts, body) = match home {
            Home::Free => (wrapper, quote!(#accessor #parts), beside(function, home)),
            Home::Impl(_) => (quote!(#wrapper #accessor #parts #body), quote!(), quote!()),
        };
        let outside = quote! {
            #declaration

            #quiet
            impl #impl_generics #name #impl_named #impl_where {
                #parts
                #methods
            }

            #body
        };
        Ok((inside, outside))
    }

    fn wrapper(&self) -> Result<TokenStream> {
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
        let told = carrier(krate, &marker);
        let [items, ids, places, first, settled, created, carrier, error] =
            ["items", "ids", "places", "first", "settled", "created", "carrier", "error"].map(own);
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
        let span = function.returns.ty.span();
        let shown = errors::shown_at(krate, span);
        let none = quote_spanned!(span=> #shown::function::none);
        let made = quote_spanned!(span=> #shown::function::made);
        // A wrong type of its items is found where they are handed over.
        let list_span = list.ty.span();
        let text = own("key");
        let key = quote_spanned!(list_span=> #key(#owner #(#keys,)* #text));
        let key = quote!(|#item| #krate::function::written(|#text| #key));
        Ok(quote! {
            let #items = #taken;
            #(let #others = &#others;)*
            let #carrier = #told;
            match #items.first().cloned() {
                ::core::option::Option::None => #none(#marker::NEW, #items),
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
                                    #made(#marker::NEW, #created, #ids, #key, |#created| {
                                        #kept(#owner #created)
                                    })
                                }
                            },
                            #carrier,
                        ),
                    ) #awaits;
                    match #settled {
                        ::core::result::Result::Ok(#settled) => {
                            match #krate::function::settled(#marker::NEW, #items, #settled) {
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

    fn parts(&self) -> Result<TokenStream> {
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

    fn by_value(&self) -> TokenStream {
        let argument = |Argument { name, ty }: &Argument| quote!(#name: #ty,);
        self.function.arguments.iter().map(argument).collect()
    }

    fn methods(&self) -> Result<TokenStream> {
        let Self { krate, function, home, item, list, .. } = self;
        let keys = self.key_names()?;
        let outside = |tokens: TokenStream| home.outside(tokens);
        let lifetimes: Vec<_> = function.lifetimes().collect();
        let generics = quote!(<#(#lifetimes,)*>);
        let bounds = outside(crate::home::bounds(function));
        let vis = &function.vis;
        let (asyncness, awaits) = waits(function);
        let owner = Home::owner(function, From::Handle);
        let [key, lifetime, with] = ["key", "lifetime", "with"].map(|part| self.of(part));
        let [refresh, body] = ["refresh", "body"].map(|part| home.part(part, function));
        let names: Vec<_> = function.arguments.iter().map(|argument| &argument.name).collect();
        let collection = function.returns.value(krate, &function.returns.ty);
        let value = value_of(&function.returns, &list.item, krate);
        let (value, item_ty) = (outside(value), outside(list.item.to_token_stream()));
        let collection = outside(collection);
        let returned = outside(function.returns.ty.to_token_stream());
        let all = outside(self.by_value());
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
        let taken = list.taken(if list.form == Form::Vec { Form::Slice } else { list.form });
        let make_keys = quote!(#krate::function::keys(&items, |#item| #krate::function::written(|key| #key(#owner #(#keys,)* key)))?);
        let operate = |before: TokenStream, operation: TokenStream| {
            quote! {
                #before
                let ::core::option::Option::Some(first) = items.first().cloned() else {
                    return ::core::result::Result::Ok(());
                };
                let keys = #make_keys;
                let #item = &first;
                #with(#owner #(#keys,)* #operation) #awaits
            }
        };
        let from_list = quote!(let items = #taken;);
        let get = quote! {
            #from_list
            let ::core::option::Option::Some(first) = items.first().cloned() else {
                return ::core::result::Result::Ok(
                    #krate::function::found(items, ::std::vec::Vec::new())
                );
            };
            let keys = #make_keys;
            let #item = &first;
            let operation = #krate::function::GetMany::new(keys, #lifetime(#owner #(#keys),*));
            let values = #with(#owner #(#keys,)* operation) #awaits?;
            ::core::result::Result::Ok(#krate::function::found(items, values))
        };
        let set = operate(
            quote! {
                let (items, values): (::std::vec::Vec<_>, ::std::vec::Vec<_>) =
                    ::core::iter::Iterator::unzip(::core::iter::IntoIterator::into_iter(values));
            },
            quote!(#krate::function::SetMany::new(
                ::core::iter::Iterator::collect(::core::iter::zip(keys, values))
            )),
        );
        let invalidate =
            operate(from_list.clone(), quote!(#krate::function::InvalidateMany::new(keys)));
        Ok(quote! {
            /// The values that are there and fresh. Never calls the function.
            ///
            /// # Errors
            ///
            /// When the store fails, or there is no region yet.
            #vis #asyncness fn get #generics(self, #arguments)
                -> #krate::Result<#collection> #bounds { #get }

            /// Stores values.
            ///
            /// # Errors
            ///
            /// When the store fails, or there is no region yet.
            #vis #asyncness fn set #generics(
                self,
                values: impl ::core::iter::IntoIterator<Item = (#item_ty, #value)>,
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
                #krate::function::keys(&items, |#item| #krate::function::written(|key| #key(#owner #(#keys,)* key)))
            }
        })
    }
}

impl List {
    fn find(function: &Function, attributes: &Attributes) -> Result<Self> {
        let lists = function.arguments.iter().filter_map(Self::of);
        let mut lists: Vec<_> = lists.collect();
        if let Some(each) = &attributes.each {
            let Some(at) = lists.iter().position(|list| list.name == each.list) else {
                return Err(errors::at(
                    &each.list,
                    &format!(
                        "`{}` is no list among the arguments of `{}`: a slice, a `Vec`, or an `impl \
                         IntoIterator`",
                        each.list,
                        function.name()
                    ),
                ));
            };
            return Ok(lists.swap_remove(at));
        }
        match lists.len() {
            1 => Ok(lists.remove(0)),
            0 => Err(errors::at(
                &function.sig.inputs,
                "a batch takes a list: a slice (`ids: &[u64]`), a `Vec<u64>`, or an \
                 `impl IntoIterator<Item = u64>`",
            )),
            _ => Err(errors::at(
                &function.sig.inputs,
                &format!(
                    "which of these is the list? Write `each(item in {})`",
                    lists[lists.len() - 1].name
                ),
            )),
        }
    }

    fn of(argument_of: &Argument) -> Option<Self> {
        let Argument { name, ty } = argument_of;
        let (item, form) = match ty {
            Type::Reference(reference) => match &*reference.elem {
                Type::Slice(slice) => ((*slice.elem).clone(), Form::Slice),
                _ => return None,
            },
            Type::Path(path) if path.path.segments.last()?.ident == "Vec" => {
                (argument(ty, 0)?, Form::Vec)
            }
            Type::ImplTrait(bounds) => (bounds.bounds.iter().find_map(item_of)?, Form::Iterator),
            _ => return None,
        };
        Some(Self { name: name.clone(), ty: ty.clone(), item, form })
    }

    /// Its items, owned.
    fn taken(&self, form: Form) -> TokenStream {
        let name = &self.name;
        match form {
            Form::Slice => quote!(<[_]>::to_vec(#name)),
            Form::Vec => quote!(#name),
            Form::Iterator => quote!(::core::iter::Iterator::collect::<::std::vec::Vec<_>>(
                ::core::iter::IntoIterator::into_iter(#name)
            )),
        }
    }
}

/// The items of `IntoIterator<Item = T>`.
fn item_of(bound: &TypeParamBound) -> Option<Type> {
    let TypeParamBound::Trait(bound) = bound else { return None };
    let last = bound.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(assoc) if assoc.ident == "Item" => Some(assoc.ty.clone()),
        _ => None,
    })
}

/// The same function for one item.
fn one(function: &Function, list: &List, item: &Ident, krate: &TokenStream) -> Function {
    let one = |argument: &Argument| {
        if argument.name == list.name {
            Argument { name: item.clone(), ty: list.item.clone() }
        } else {
            argument.clone()
        }
    };
    let value = value_of(&function.returns, &list.item, krate);
    let ty = syn::parse_quote!(#value);
    Function {
        attrs: Vec::new(),
        vis: function.vis.clone(),
        sig: function.sig.clone(),
        block: function.block.clone(),
        arguments: function.arguments.iter().map(one).collect(),
        returns: Returns { ty, shape: Shape::Plain },
    }
}

/// The type of the values of a batch.
fn value_of(returns: &Returns, item: &Type, krate: &TokenStream) -> TokenStream {
    let collection = returns.value(krate, &returns.ty);
    let spelled = syn::parse2::<Type>(collection.clone()).ok().and_then(|ty| spelled(&ty));
    spelled.map_or_else(
        || quote!(<#collection as #krate::function::Batched<#item>>::Value),
        ToTokens::into_token_stream,
    )
}

/// The type of the values, where it can be seen.
fn spelled(ty: &Type) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let name = path.path.segments.last()?.ident.to_string();
    match (name.as_str(), argument(ty, 0)?) {
        ("HashMap" | "BTreeMap", _) => argument(ty, 1),
        ("Vec", Type::Tuple(pair)) if pair.elems.len() == 2 => pair.elems.last().cloned(),
        ("Vec", optional) if crate::signature::named(&optional) == Some("Option") => {
            argument(&optional, 0)
        }
        _ => None,
    }
}
