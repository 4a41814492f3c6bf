//! `#[cached_multi(..)]`: batches. The [`list`] among the arguments, what it would be for a [`single`] item,
//! the [`call`], and the [`handle`].

mod call;
mod handle;
mod list;
mod single;

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Ident, Path, Result, spanned::Spanned};

use self::{
    list::List,
    single::{check_collection, one},
};
use crate::{
    attributes::{Attributes, no_region},
    dogpile::Dogpile,
    errors,
    function::{Cached, accessor, beside, check_skipped, declare, quiet, signed},
    home::{Handle, Home, plain},
    signature::{Argument, Function, Shape},
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
        check_collection(&function.returns, &list.item)?;
        let krate = attributes.krate();
        let each = attributes.each.as_ref();
        let item = each.map_or_else(
            || {
                // Another argument may be called so.
                let taken = function.arguments.iter().any(|argument| argument.name == "item");
                let context = if taken { Span::mixed_site() } else { Span::call_site() };
                Ident::new("item", context.located_at(list.ty.span()))
            },
            |each| each.item.clone(),
        );
        let single = match &attributes.of {
            Some(path) => Single::Of(path.clone()),
            None if attributes.region.is_none() => return Err(no_region(true)),
            None => Single::Own(Box::new(one(function, &list, &item, &krate))),
        };
        if attributes.dogpile.is_some() {
            let others = function.arguments.iter().filter(|argument| argument.name != list.name);
            Dogpile::check_batch(others, attributes)?;
        }
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
            Home::Impl(owner) => {
                (quote!(#wrapper #parts #body), quote!(), owner.inherent(&accessor))
            }
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
}
