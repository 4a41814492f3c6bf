//! The part that writes the key.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{GenericParam, Ident, spanned::Spanned};

use super::Cached;
use crate::{
    home::{Home, own, plain},
    key::Key,
    signature::Argument,
};

impl Cached<'_> {
    pub(super) fn key_part(&self) -> TokenStream {
        let krate = &self.krate;
        let (declared, seen) = self.taken();
        let (key, text) = (own("key"), own("text"));
        let argument = quote!(#declared #key: &mut #krate::function::FunctionKey,);
        let (header, bounds) = (self.header("key", &quote!(), &argument), self.bounds());
        let written = match &self.key {
            Key::Derived => {
                let derived = self.derived(&text);
                quote! {
                    #derived
                    *#key.text() = #text.end();
                }
            }
            Key::Dogpile(dogpile) => {
                let write = dogpile.write(&text, self.function, self.attributes, krate);
                quote! {
                    #write
                    *#key = #krate::function::FunctionKey::of(&#text);
                }
            }
            Key::Template(template) => {
                let write = template.write(&text, krate);
                quote! {
                    let #text = #key.text();
                    #write
                }
            }
            Key::Pair(space, name) => {
                let (space, name) = (space.write(&text, krate), name.write(&text, krate));
                quote! {
                    let #text = #key.text();
                    #space
                    #key.split();
                    let #text = #key.text();
                    #name
                }
            }
            Key::Other(expression) => quote_spanned! {expression.span()=>
                *#key = #krate::function::FunctionKey::of(&#expression);
            },
        };
        quote! {
            #header -> #krate::Result<()> #bounds {
                #[allow(unused_imports, reason = "where it is not needed")]
                use #krate::function::Show as _;
                #seen
                #written
                ::core::result::Result::Ok(())
            }
        }
    }

    /// Writes a key of everything that makes up a call.
    fn derived(&self, key: &Ident) -> TokenStream {
        let Self { krate, function, .. } = self;
        let mut steps = TokenStream::new();
        if let Some(namespace) = &self.attributes.namespace {
            steps.extend(quote_spanned! {namespace.span()=>
                #key.namespace(::core::convert::AsRef::<str>::as_ref(&#namespace));
            });
        }
        // Parameters of a free function are those of its type.
        let parameters = function.parameters().filter(|_| matches!(self.home, Home::Impl(_)));
        for param in parameters {
            steps.extend(match param {
                GenericParam::Type(param) => {
                    let name = &param.ident;
                    quote!(#key.type_parameter::<#name>();)
                }
                GenericParam::Const(param) => {
                    let name = &param.ident;
                    quote!(#key.const_parameter(#name);)
                }
                GenericParam::Lifetime(_) => continue,
            });
        }
        if function.has_receiver() && !self.attributes.skips_self() {
            let span =
                function.sig.receiver().map_or_else(|| function.name().span(), Spanned::span);
            steps.extend(quote_spanned!(span=> #krate::function::receiver(&mut #key, self)?;));
        }
        let mut own = function.arguments.iter().filter(|a| !self.attributes.skips(&a.name));
        for Argument { name, ty } in own.by_ref() {
            let text = plain(name);
            steps.extend(
                quote_spanned!(ty.span()=> #krate::function::argument(&mut #key, #text, &#name)?;),
            );
        }
        let method = plain(function.name());
        let method = matches!(self.home, Home::Impl(_)).then(|| quote!(#key.method(#method);));
        quote! {
            let mut #key = #krate::function::CallKey::of::<Self>(
                ::core::option_env!("CARGO_BIN_NAME").is_some(),
            );
            #method
            #steps
        }
    }
}
