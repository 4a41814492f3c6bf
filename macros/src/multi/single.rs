//! What a batch would be for one item.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Ident, Result, Type};

use super::list::List;
use crate::{
    errors,
    signature::{Argument, Function, Returns, Shape, argument, named},
};

/// The same function for one item.
pub(super) fn one(function: &Function, list: &List, item: &Ident, krate: &TokenStream) -> Function {
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
pub(super) fn value_of(returns: &Returns, item: &Type, krate: &TokenStream) -> TokenStream {
    let collection = returns.value(krate, &returns.ty);
    let spelled = syn::parse2::<Type>(collection.clone()).ok().and_then(|ty| spelled(&ty));
    spelled.map_or_else(
        || quote!(<#collection as #krate::function::Batched<#item>>::Value),
        ToTokens::into_token_stream,
    )
}

/// The type of the values, where it can be seen.
fn spelled(ty: &Type) -> Option<Type> {
    match (named(ty)?.as_str(), argument(ty, 0)?) {
        ("HashMap" | "BTreeMap", _) => argument(ty, 1),
        ("Vec", Type::Tuple(pair)) if pair.elems.len() == 2 => pair.elems.last().cloned(),
        ("Vec", optional) if named(&optional).as_deref() == Some("Option") => {
            argument(&optional, 0)
        }
        _ => None,
    }
}

/// Refuses what surely does not tell which value belongs to which item. Of other names, the compiler finds
/// out what they stand for.
pub(super) fn check_collection(returns: &Returns, item: &Type) -> Result<()> {
    let ty = match returns.shape {
        Shape::Fails => argument(&returns.ty, 0),
        _ => Some(returns.ty.clone()),
    };
    let Some(ty) = ty else { return Ok(()) };
    let hopeless = match named(&ty).as_deref() {
        Some("Vec") => argument(&ty, 0).is_some() && spelled(&ty).is_none(),
        Some(name) => HOPELESS.contains(&name),
        None => !matches!(ty, Type::Path(_) | Type::Macro(_)),
    };
    if !hopeless {
        return Ok(());
    }
    let (item, shown) = (errors::text(item), errors::text(&ty));
    Err(errors::at(
        &ty,
        &format!(
            "`{shown}` does not tell which value belongs to which item: return `HashMap<{item}, V>`, \
             `BTreeMap<{item}, V>`, `Vec<({item}, V)>`, or `Vec<Option<V>>` in the order of the list"
        ),
    ))
}

const HOPELESS: &[&str] = &[
    "HashSet",
    "BTreeSet",
    "VecDeque",
    "LinkedList",
    "BinaryHeap",
    "Box",
    "Arc",
    "Rc",
    "Cow",
    "String",
    "bool",
    "char",
    "usize",
    "isize",
    "u8",
    "u16",
    "u32",
    "u64",
    "i8",
    "i16",
    "i32",
    "i64",
    "f32",
    "f64",
];
