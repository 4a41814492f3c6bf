//! What is generated for one cached function, wherever it stands: the [`wrapper`] that takes its name, the
//! [`handle`] beside it, the [`parts`] of which both are made (with the [`key`]), and the [`body`] as it was
//! written.

mod body;
mod checks;
mod handle;
mod key;
mod parts;
mod words;
mod wrapper;

pub(crate) use self::{
    body::{beside, signed},
    checks::check_skipped,
    handle::{accessor, declare},
    words::{carrier, plain_names, quiet, waits},
};

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Expr, Ident, Result, Type};

use self::checks::lifetime;
use crate::{
    attributes::{Attributes, no_region},
    errors,
    home::Home,
    key::{Key, Scope},
    signature::{Argument, Function, uses},
};
/// A cached function, ready to be written.
pub(crate) struct Cached<'a> {
    function: &'a Function,
    attributes: &'a Attributes,
    home: &'a Home,
    krate: TokenStream,
    region: &'a Expr,
    key: Key,
    expire_after: TokenStream,
}

impl<'a> Cached<'a> {
    pub(crate) fn new(
        function: &'a Function,
        attributes: &'a Attributes,
        home: &'a Home,
    ) -> Result<Self> {
        let Some(region) = &attributes.region else { return Err(no_region(false)) };
        check_skipped(&attributes.skip, function)?;
        let scope = Scope {
            function: function.name(),
            arguments: function.arguments.iter().map(|argument| &argument.name).collect(),
            parameters: function.parameters().chain(home.parameters()).collect(),
        };
        let key = Key::new(attributes, &scope)?;
        let krate = attributes.krate();
        let expire_after = lifetime(attributes.expire_after.as_ref(), &krate)?;
        let cached = Self { function, attributes, home, krate, region, key, expire_after };
        for Argument { ty, .. } in cached.key_arguments() {
            if let Type::ImplTrait(_) = ty {
                return Err(errors::at(
                    ty,
                    "an argument that is part of the key needs a type with a name: make it a type \
                     parameter (`fn f<T: ..>(x: T)`), or leave it out of the key with `skip(..)`",
                ));
            }
        }
        Ok(cached)
    }

    /// The arguments that the methods for keys take.
    fn key_arguments(&self) -> impl Iterator<Item = &Argument> {
        self.function.arguments.iter().filter(|argument| {
            let name = &argument.name;
            let key = self.key.uses(name) && !self.attributes.skips(name);
            let Attributes { namespace, expire_after, .. } = self.attributes;
            let expressions = [Some(self.region), namespace.as_ref(), expire_after.as_ref()];
            key || expressions.into_iter().flatten().any(|e| uses(e.to_token_stream(), name))
        })
    }

    pub(crate) fn key_names(&self) -> Vec<&Ident> {
        self.key_arguments().map(|argument| &argument.name).collect()
    }

    fn names(&self) -> Vec<&Ident> {
        self.function.arguments.iter().map(|argument| &argument.name).collect()
    }

    fn part(&self, part: &str) -> TokenStream {
        self.home.part(part, self.function)
    }

    fn returned(&self) -> &Type {
        &self.function.returns.ty
    }

    fn marker(&self) -> TokenStream {
        self.function.returns.marker(&self.krate, self.returned())
    }

    fn value(&self) -> TokenStream {
        self.function.returns.value(&self.krate, self.returned())
    }

    fn by_value(&self) -> TokenStream {
        let argument = |Argument { name, ty }: &Argument| quote!(#name: #ty,);
        self.function.arguments.iter().map(argument).collect()
    }
}
