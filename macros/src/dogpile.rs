//! Keys as dogpile.cache derives them.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Expr, Ident, LitStr, Result, spanned::Spanned};

use crate::{
    attributes::Attributes,
    errors,
    home::plain,
    key::literal,
    signature::{Argument, Function},
};

/// `dogpile = "myapp.tools:one"` or `dogpile_kwargs = "myapp.tools:one"`
#[derive(Clone)]
pub(crate) struct Dogpile {
    pub(crate) function: LitStr,
    /// Arguments by the order of their names.
    by_names: bool,
}

impl Dogpile {
    pub(crate) fn new(function: &Expr, by_names: bool) -> Result<Self> {
        let wrong = || {
            let message = "write the function of Python as keys in the store begin: its module, a \
                           colon, and its name, `\"myapp.tools:one\"`";
            errors::at(function, message)
        };
        let text = literal(function).ok_or_else(wrong)?;
        let name = text.value();
        let part = |part: &str| !part.is_empty() && !part.contains([':', '|', ' ']);
        match name.split_once(':') {
            Some((module, name)) if part(module) && part(name) => {
                Ok(Self { function: text.clone(), by_names })
            }
            _ => Err(wrong()),
        }
    }

    /// Python has batches of a list and nothing else.
    pub(crate) fn check_batch<'a>(
        mut others: impl Iterator<Item = &'a Argument>,
        attributes: &Attributes,
    ) -> Result<()> {
        match others.find(|argument| !attributes.skips(&argument.name)) {
            None => Ok(()),
            Some(Argument { name, ty }) => {
                let message = format!(
                    "the keys of dogpile's batches are made of the items alone: leave this out with \
                     `skip({name})`, or write a `key`"
                );
                Err(errors::at(ty, &message))
            }
        }
    }

    /// What writes it to the key `to`.
    pub(crate) fn write(
        &self,
        to: &Ident,
        function: &Function,
        attributes: &Attributes,
        krate: &TokenStream,
    ) -> TokenStream {
        let name = &self.function;
        let namespace = attributes
            .namespace
            .as_ref()
            .map(|namespace| quote_spanned!(namespace.span()=> .namespace(&#namespace)));
        let own = function.arguments.iter().filter(|argument| !attributes.skips(&argument.name));
        let mut own: Vec<_> = own.collect();
        if self.by_names {
            own.sort_by_key(|argument| plain(&argument.name));
        }
        let arguments = own
            .into_iter()
            .map(|Argument { name, ty }| quote_spanned!(ty.span()=> let #to = #to.arg(&#name);));
        quote! {
            let #to = #krate::DogpileKey::function(#name) #namespace .key();
            #(#arguments)*
        }
    }
}
