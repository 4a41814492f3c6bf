//! The list among the arguments.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{GenericArgument, Ident, PathArguments, Result, Type, TypeParamBound};

use crate::{
    attributes::Attributes,
    errors,
    signature::{Argument, Function, argument},
};

/// The list among the arguments.
pub(super) struct List {
    pub(super) name: Ident,
    pub(super) ty: Type,
    pub(super) item: Type,
    pub(super) form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Slice,
    Vec,
    Iterator,
}

impl List {
    pub(super) fn find(function: &Function, attributes: &Attributes) -> Result<Self> {
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
    pub(super) fn taken(&self, form: Form) -> TokenStream {
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
