//! What a function says about itself.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Attribute, Block, FnArg, GenericArgument, GenericParam, Ident, Lifetime, Pat, PathArguments,
    Receiver, ReceiverKind, Result, ReturnType, Safety, Signature, Type, Visibility,
    spanned::Spanned,
};

use crate::{attributes::Place, errors};

/// A function that is to be cached.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) block: Block,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) returns: Returns,
}

/// An argument other than `self`.
#[derive(Clone)]
pub(crate) struct Argument {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
}

impl Function {
    pub(crate) fn new(
        attrs: Vec<Attribute>,
        vis: Visibility,
        sig: Signature,
        block: Block,
        place: Place,
    ) -> Result<Self> {
        check_qualifiers(&sig)?;
        if let Some(receiver) = sig.receiver() {
            check_receiver(receiver)?;
        }
        let arguments = sig.inputs.iter().filter_map(|input| match input {
            FnArg::Receiver(_) => None,
            FnArg::Typed(typed) => Some(match &*typed.pat {
                Pat::Ident(pat) if pat.subpat.is_none() && pat.by_ref.is_none() => {
                    Ok(Argument { name: pat.ident.clone(), ty: (*typed.ty).clone() })
                }
                pattern => Err(errors::at(
                    pattern,
                    "an argument of a cached function needs a name: take it apart inside the function",
                )),
            }),
        });
        let arguments = arguments.collect::<Result<_>>()?;
        let returns = Returns::of(&sig, place)?;
        Ok(Self { attrs, vis, sig, block, arguments, returns })
    }

    pub(crate) fn name(&self) -> &Ident {
        &self.sig.ident
    }

    pub(crate) fn is_async(&self) -> bool {
        self.sig.asyncness.is_some()
    }

    pub(crate) fn has_receiver(&self) -> bool {
        self.sig.receiver().is_some()
    }

    /// The attributes of the function itself, and those that go with its body.
    pub(crate) fn attributes(&self) -> (Vec<&Attribute>, Vec<&Attribute>) {
        let stays = ["doc", "must_use", "deprecated", "cfg"];
        self.attrs.iter().partition(|attr| stays.iter().any(|name| attr.path().is_ident(name)))
    }

    /// Type and const parameters.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &GenericParam> {
        let all = self.sig.generics.params.iter();
        all.filter(|param| !matches!(param, GenericParam::Lifetime(_)))
    }

    /// Their names.
    pub(crate) fn parameter_names(&self) -> Vec<&Ident> {
        let names = self.parameters().filter_map(|param| match param {
            GenericParam::Type(param) => Some(&param.ident),
            GenericParam::Const(param) => Some(&param.ident),
            GenericParam::Lifetime(_) => None,
        });
        names.collect()
    }

    pub(crate) fn lifetimes(&self) -> impl Iterator<Item = &GenericParam> {
        let all = self.sig.generics.params.iter();
        all.filter(|param| matches!(param, GenericParam::Lifetime(_)))
    }
}

fn check_qualifiers(sig: &Signature) -> Result<()> {
    if let Some(constness) = &sig.constness {
        return Err(errors::at(constness, "a cached function cannot be `const`"));
    }
    if let Safety::Unsafe(unsafety) = &sig.safety {
        let message = "a cached function cannot be `unsafe`: what its callers have to see to is forgotten \
                       with the first call. Cache a safe function that calls it";
        return Err(errors::at(unsafety, message));
    }
    if let Some(abi) = &sig.abi {
        let message = "a cached function cannot be `extern`: cache one that it calls";
        return Err(errors::at(abi, message));
    }
    Ok(())
}

fn check_receiver(receiver: &Receiver) -> Result<()> {
    match &receiver.kind {
        ReceiverKind::Reference(_, _, None) => Ok(()),
        _ => Err(errors::at(
            receiver,
            "a cached method takes `&self`: its calls are answered without calling it, so it can \
             neither change nor consume anything",
        )),
    }
}

/// How a return type is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Plain,
    Fails,
    Maybe,
    FailsMaybe,
}

/// What a function returns.
pub(crate) struct Returns {
    pub(crate) ty: Type,
    pub(crate) shape: Shape,
}

impl Returns {
    fn of(sig: &Signature, place: Place) -> Result<Self> {
        let ty = match &sig.output {
            ReturnType::Default => syn::parse_quote_spanned!(sig.ident.span()=> ()),
            ReturnType::Type(_, ty) => (**ty).clone(),
        };
        if let Type::ImplTrait(_) = ty {
            return Err(errors::at(
                &ty,
                "a cached value needs a type with a name: write it in place of `impl ..` (collect an \
                 iterator into a `Vec`)",
            ));
        }
        // What a batch returns holds the items, too, and those may borrow.
        if place == Place::Single
            && let Some(borrow) = borrow(ty.to_token_stream())
        {
            let message = "a cached value outlives the arguments, so it cannot borrow from them: return \
                           an owned one (`String` for `&str`, `Vec<T>` for `&[T]`), or an `Arc`";
            return Err(syn::Error::new(borrow, message));
        }
        let shape = match named(&ty).as_deref() {
            Some("Result") => match argument(&ty, 0).as_ref().and_then(named).as_deref() {
                Some("Option") => Shape::FailsMaybe,
                _ => Shape::Fails,
            },
            Some("Option") => Shape::Maybe,
            _ => Shape::Plain,
        };
        Ok(Self { ty, shape })
    }

    /// The marker type by which the library reads it.
    pub(crate) fn marker(&self, krate: &TokenStream, ty: &Type) -> TokenStream {
        let name = match self.shape {
            Shape::Plain => "Plain",
            Shape::Fails => "Fails",
            Shape::Maybe => "Maybe",
            Shape::FailsMaybe => "FailsMaybe",
        };
        let span = ty.span();
        let name = Ident::new(name, span);
        let krate = errors::shown_at(krate, span);
        quote_spanned!(span=> #krate::function::#name::<#ty>)
    }

    /// The type of the values.
    pub(crate) fn value(&self, krate: &TokenStream, ty: &Type) -> TokenStream {
        let spelled = match self.shape {
            Shape::Plain => Some(ty.clone()),
            Shape::Fails | Shape::Maybe => argument(ty, 0),
            Shape::FailsMaybe => argument(ty, 0).and_then(|inner| argument(&inner, 0)),
        };
        spelled.map_or_else(
            || {
                let marker = self.marker(krate, ty);
                quote!(<#marker as #krate::function::Returned>::Value)
            },
            ToTokens::into_token_stream,
        )
    }
}

/// The last part of a path, which is all that is seen of a type.
pub(crate) fn named(ty: &Type) -> Option<String> {
    let Type::Path(path) = ty else { return None };
    Some(path.path.segments.last()?.ident.to_string())
}

/// The type argument of this number.
pub(crate) fn argument(ty: &Type, at: usize) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else {
        return None;
    };
    let mut types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    });
    types.nth(at)
}

/// Where a type borrows for less than `'static`.
fn borrow(tokens: TokenStream) -> Option<Span> {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match &token {
            TokenTree::Group(group) => {
                if let Some(span) = borrow(group.stream()) {
                    return Some(span);
                }
            }
            TokenTree::Punct(punct) if punct.as_char() == '&' => match tokens.peek() {
                Some(TokenTree::Punct(next)) if next.as_char() == '\'' => {}
                _ => return Some(punct.span()),
            },
            TokenTree::Punct(punct) if punct.as_char() == '\'' => match tokens.peek() {
                Some(TokenTree::Ident(name)) if name == "static" => {}
                _ => return Some(punct.span()),
            },
            _ => {}
        }
    }
    None
}

/// How the methods that need only a key take an argument, and what expressions make of it again.
pub(crate) struct Taken {
    pub(crate) ty: TokenStream,
    /// Whether expressions see the value itself.
    pub(crate) copied: bool,
}

impl Taken {
    pub(crate) fn of(ty: &Type) -> Self {
        let shared = |ty| Self { ty, copied: false };
        match ty {
            Type::Reference(reference) => {
                let mut reference = reference.clone();
                // What the function may change is only looked at here, and for less long.
                if reference.mutability.take().is_some() {
                    reference.lifetime = None;
                }
                shared(reference.into_token_stream())
            }
            Type::Path(path) if path.qself.is_none() => {
                let path = &path.path;
                if let Some(name) = path.get_ident() {
                    let name = name.to_string();
                    if name == "String" {
                        return shared(quote!(&str));
                    }
                    return Self { ty: quote!(&#ty), copied: PRIMITIVES.contains(&name.as_str()) };
                }
                match (path.segments.len(), path.segments.last(), argument(ty, 0)) {
                    (1, Some(last), Some(item)) if last.ident == "Vec" => shared(quote!(&[#item])),
                    _ => shared(quote!(&#ty)),
                }
            }
            _ => shared(quote!(&#ty)),
        }
    }
}

const PRIMITIVES: &[&str] = &[
    "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32",
    "f64", "bool", "char",
];

/// The names that an expression uses, fields and methods left out.
pub(crate) fn uses(tokens: TokenStream, name: &Ident) -> bool {
    let mut after_dot = false;
    for token in tokens {
        match &token {
            TokenTree::Group(group) if uses(group.stream(), name) => return true,
            TokenTree::Ident(ident) if !after_dot && ident == name => return true,
            _ => {}
        }
        after_dot = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '.');
    }
    false
}

/// `tokens` with another type in the place of `Self`.
pub(crate) fn without_self(tokens: TokenStream, self_ty: &TokenStream) -> TokenStream {
    let mut all = tokens.into_iter().peekable();
    let mut out = TokenStream::new();
    while let Some(token) = all.next() {
        match token {
            TokenTree::Group(group) => {
                let inside = without_self(group.stream(), self_ty);
                let mut new = proc_macro2::Group::new(group.delimiter(), inside);
                new.set_span(group.span());
                out.extend([TokenTree::Group(new)]);
            }
            TokenTree::Ident(ident) if ident == "Self" => {
                let path = matches!(all.peek(), Some(TokenTree::Punct(p)) if p.as_char() == ':');
                out.extend(if path { quote!(<#self_ty>) } else { self_ty.clone() });
            }
            token => out.extend([token]),
        }
    }
    out
}

/// A lifetime that no user has.
pub(crate) fn own_lifetime() -> Lifetime {
    Lifetime::new("'larder", Span::mixed_site())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_what_borrows() {
        let borrows = |text: &str| borrow(text.parse().expect("tokens")).is_some();
        assert!(borrows("&str") && borrows("Result<&'a str, E>") && borrows("Cow<'_, str>"));
        assert!(!borrows("&'static str") && !borrows("Vec<Cow<'static, str>>"));
    }

    #[test]
    fn sees_what_is_used() {
        let uses =
            |text: &str| uses(text.parse().expect("tokens"), &Ident::new("id", Span::call_site()));
        assert!(uses("f(id)") && uses("id.name") && !uses("user.id") && !uses("f(ids)"));
    }
}
