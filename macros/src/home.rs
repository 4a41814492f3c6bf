//! Where generated items live, and how they are called from there.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{GenericParam, Generics, Ident, TypeParamBound, WherePredicate, parse_quote};

use crate::signature::{Function, own_lifetime};

/// Where a cached function stands.
pub(crate) enum Home {
    /// By itself. Everything belongs to a type of the same name, which is its handle.
    Free,
    /// In an `impl`. What needs `self` stays there, and the handle is a type beside it.
    Impl(Impl),
}

/// An `impl` with cached functions.
pub(crate) struct Impl {
    pub(crate) generics: Generics,
    pub(crate) self_ty: TokenStream,
    /// The name of the type.
    pub(crate) name: Ident,
}

impl Impl {
    /// The same `impl` with other items.
    pub(crate) fn inherent(&self, items: &TokenStream) -> TokenStream {
        let (generics, _, clause) = self.generics.split_for_impl();
        let self_ty = &self.self_ty;
        quote!(impl #generics #self_ty #clause { #items })
    }
}

/// From where something is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// The function itself, and what stands beside its body.
    Inside,
    Handle,
}

impl Home {
    /// Type parameters of the surroundings.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &GenericParam> {
        let generics = match self {
            Self::Free => None,
            Self::Impl(home) => Some(&home.generics),
        };
        generics.into_iter().flat_map(|generics| &generics.params)
    }

    /// The name of a part that belongs to `function`.
    pub(crate) fn part_name(&self, part: &str, function: &Function) -> Ident {
        let name = function.name();
        match self {
            // Tools that look at the body see the name that its author gave it.
            Self::Free if part == "body" && !TAKEN.contains(&name.to_string().as_str()) => {
                name.clone()
            }
            Self::Free => format_ident!("__{part}"),
            Self::Impl(_) => format_ident!("__{}_{part}", plain(name)),
        }
    }

    /// The path by which a part is called.
    pub(crate) fn part(&self, part: &str, function: &Function) -> TokenStream {
        let operates = part == "with";
        let part = self.part_name(part, function);
        let parameters = function.parameter_names();
        if parameters.is_empty() {
            return match self {
                Self::Free => {
                    let name = function.name();
                    quote!(#name::#part)
                }
                Self::Impl(Impl { self_ty, .. }) => quote!(<#self_ty>::#part),
            };
        }
        match self {
            Self::Free => {
                let name = function.name();
                quote!(#name::<#(#parameters),*>::#part)
            }
            Self::Impl(Impl { self_ty, .. }) => {
                // An operation has a type of its own.
                let operation = operates.then(|| quote!(, _));
                quote!(<#self_ty>::#part::<#(#parameters),* #operation>)
            }
        }
    }

    /// What is handed to a part for its `self`.
    pub(crate) fn owner(function: &Function, from: From) -> TokenStream {
        match from {
            _ if !function.has_receiver() => quote!(),
            From::Inside => quote!(self,),
            From::Handle => quote!(self.owner,),
        }
    }

    /// The receiver of a part.
    pub(crate) fn receiver(function: &Function) -> TokenStream {
        if function.has_receiver() { quote!(&self,) } else { quote!() }
    }

    /// The generics of a part and its bounds.
    pub(crate) fn generics(&self, function: &Function, more: &TokenStream) -> TokenStream {
        let lifetimes = function.lifetimes();
        match self {
            Self::Free => quote!(<#(#lifetimes,)* #more>),
            Self::Impl(_) => {
                let parameters = function.parameters();
                quote!(<#(#lifetimes,)* #(#parameters,)* #more>)
            }
        }
    }

    /// The bounds of a part, where they are not said with its generics.
    pub(crate) fn bounds(&self, function: &Function) -> TokenStream {
        match self {
            Self::Free => bounds(function),
            Self::Impl(_) => {
                let clause = &function.sig.generics.where_clause;
                quote!(#clause)
            }
        }
    }

    /// The name of the handle.
    pub(crate) fn handle_name(&self, function: &Function) -> Ident {
        match self {
            Self::Free => function.name().clone(),
            Self::Impl(home) => {
                format_ident!("{}{}Cache", home.name, camel(&plain(function.name())))
            }
        }
    }

    /// The parameters with which the type of the handle is declared, its fields, and their values
    /// (of which `owner` is made from `self`).
    pub(crate) fn handle(&self, function: &Function) -> Handle {
        let declared: Vec<_> = function.parameters().map(declared).collect();
        let names = function.parameter_names();
        let types = types(function);
        let (lifetime, owner, owner_ty) = match self {
            Self::Free => (None, None, quote!()),
            Self::Impl(home) if function.has_receiver() => {
                let ty = &home.self_ty;
                (Some(own_lifetime()), Some(format_ident!("Owner")), quote!(#ty))
            }
            Self::Impl(home) => {
                let ty = &home.self_ty;
                (None, Some(format_ident!("Owner")), quote!(#ty))
            }
        };
        let lifetime = lifetime.into_iter().collect::<Vec<_>>();
        let owners: Vec<_> = owner.iter().collect();
        let owner_field = match (self, function.has_receiver()) {
            (Self::Free, _) => quote!(),
            (_, true) => quote!(owner: &#(#lifetime)* Owner,),
            (_, false) => quote!(owner: ::core::marker::PhantomData<fn(*const Owner)>,),
        };
        let types_field = (!types.is_empty())
            .then(|| quote!(types: ::core::marker::PhantomData<(#(fn(*const #types),)*)>,));
        let owner_value = match (self, function.has_receiver()) {
            (Self::Free, _) => quote!(),
            (_, true) => quote!(owner: self,),
            (_, false) => quote!(owner: ::core::marker::PhantomData,),
        };
        let types_value = (!types.is_empty()).then(|| quote!(types: ::core::marker::PhantomData,));
        let elided: Vec<_> = lifetime.iter().map(|_| quote!('_)).collect();
        let (outer, outer_where) = match self {
            Self::Free => (Vec::new(), quote!()),
            Self::Impl(home) => {
                let clause = &home.generics.where_clause;
                (home.generics.params.iter().collect(), quote!(#clause))
            }
        };
        let own_types: Vec<_> = owner.iter().map(|_| owner_ty.clone()).collect();
        let owner_declared: Vec<_> = owners.iter().map(|owner| quote!(#owner: ?Sized)).collect();
        Handle {
            declared: quote!(<#(#lifetime,)* #(#owner_declared,)* #(#declared,)*>),
            named: quote!(<#(#lifetime,)* #(#owners,)* #(#names,)*>),
            fields: quote!(#owner_field #types_field),
            value: quote!(#owner_value #types_value),
            elided: quote!(<#(#elided,)* #(#own_types,)* #(#names,)*>),
            impl_generics: quote!(<#(#lifetime,)* #(#outer,)* #(#declared,)*>),
            impl_named: quote!(<#(#lifetime,)* #(#own_types,)* #(#names,)*>),
            impl_where: outer_where,
        }
    }
}

/// How the type of a handle is written.
pub(crate) struct Handle {
    pub(crate) declared: TokenStream,
    pub(crate) named: TokenStream,
    pub(crate) fields: TokenStream,
    pub(crate) value: TokenStream,
    /// In the place where it is made.
    pub(crate) elided: TokenStream,
    pub(crate) impl_generics: TokenStream,
    pub(crate) impl_named: TokenStream,
    pub(crate) impl_where: TokenStream,
}

/// What the handle of a free function has itself.
const TAKEN: &[&str] =
    &["cache", "get", "set", "invalidate", "refresh", "original", "key", "keys", "clone", "fmt"];

/// All bounds of a function, as a `where` clause.
pub(crate) fn bounds(function: &Function) -> TokenStream {
    let generics = &function.sig.generics;
    let written = generics.where_clause.iter().flat_map(|clause| &clause.predicates).cloned();
    let inline = generics.params.iter().filter_map(|param| match param {
        GenericParam::Type(param) => {
            let (name, bounds) = (&param.ident, param.bounds.iter().filter(|b| !is_maybe(b)));
            let bounds: Vec<_> = bounds.collect();
            (!bounds.is_empty()).then(|| parse_quote!(#name: #(#bounds)+*))
        }
        _ => None,
    });
    let all: Vec<WherePredicate> = inline.chain(written).collect();
    if all.is_empty() { quote!() } else { quote!(where #(#all,)*) }
}

/// A parameter with nothing but what belongs to its declaration.
fn declared(param: &GenericParam) -> TokenStream {
    match param {
        GenericParam::Type(param) => {
            let name = &param.ident;
            let maybe = param.bounds.iter().find(|bound| is_maybe(bound));
            maybe.map_or_else(|| quote!(#name), |maybe| quote!(#name: #maybe))
        }
        GenericParam::Const(param) => {
            let (name, ty) = (&param.ident, &param.ty);
            quote!(const #name: #ty)
        }
        GenericParam::Lifetime(_) => quote!(),
    }
}

fn is_maybe(bound: &TypeParamBound) -> bool {
    matches!(bound, TypeParamBound::Trait(bound) if bound.maybe.is_some())
}

fn types(function: &Function) -> Vec<&Ident> {
    let names = function.parameters().filter_map(|param| match param {
        GenericParam::Type(param) => Some(&param.ident),
        _ => None,
    });
    names.collect()
}

/// A name without `r#`.
pub(crate) fn plain(name: &Ident) -> String {
    name.to_string().trim_start_matches("r#").to_owned()
}

fn camel(name: &str) -> String {
    let words = name.split('_').filter(|word| !word.is_empty());
    let upper = |word: &str| {
        let mut letters = word.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>()
    };
    words.map(upper).collect()
}

/// A name that no user has.
pub(crate) fn own(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// A name that hardly a user has, as if it stood in the user's code: what the compiler has to say about it
/// is said once, for all functions that are generated.
pub(crate) fn own_at(name: &str, span: Span) -> Ident {
    format_ident!("larder_{name}", span = span)
}

impl Home {
    /// Tokens of the function, as they are written outside of its `impl`.
    pub(crate) fn outside(&self, tokens: TokenStream) -> TokenStream {
        match self {
            Self::Free => tokens,
            Self::Impl(home) => crate::signature::without_self(tokens, &home.self_ty),
        }
    }
}
