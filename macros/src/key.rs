//! Keys: templates, expressions, and those that are derived.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, GenericParam, Ident, Lit, LitStr, Result};

use crate::{attributes::Attributes, dogpile::Dogpile, errors, signature};

/// What a template may name.
pub(crate) struct Scope<'a> {
    pub(crate) function: &'a Ident,
    pub(crate) arguments: Vec<&'a Ident>,
    pub(crate) parameters: Vec<&'a GenericParam>,
}

/// How a key is written.
pub(crate) enum Key {
    Derived,
    Dogpile(Dogpile),
    Template(Template),
    Pair(Template, Template),
    Other(Expr),
}

impl Key {
    pub(crate) fn new(attributes: &Attributes, scope: &Scope<'_>) -> Result<Self> {
        let Some(key) = &attributes.key else {
            return Ok(attributes.dogpile.clone().map_or(Self::Derived, Self::Dogpile));
        };
        if let Some(text) = literal(key) {
            return Ok(Self::Template(Template::parse(text, scope)?));
        }
        if let Expr::Tuple(pair) = key {
            let texts: Vec<_> = pair.elems.iter().filter_map(literal).collect();
            if let ([space, name], 2) = (texts.as_slice(), pair.elems.len()) {
                return Ok(Self::Pair(
                    Template::parse(space, scope)?,
                    Template::parse(name, scope)?,
                ));
            }
        }
        Ok(Self::Other(key.clone()))
    }

    /// Whether an argument is part of it; of derived ones, all are.
    pub(crate) fn uses(&self, name: &Ident) -> bool {
        match self {
            Self::Derived | Self::Dogpile(_) => true,
            Self::Template(template) => template.uses(name),
            Self::Pair(space, in_space) => space.uses(name) || in_space.uses(name),
            Self::Other(key) => signature::uses(key.to_token_stream(), name),
        }
    }
}

/// A text that stands there.
pub(crate) fn literal(key: &Expr) -> Option<&LitStr> {
    match key {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Str(text) => Some(text),
            _ => None,
        },
        Expr::Group(group) => literal(&group.expr),
        _ => None,
    }
}

/// `user:{id}`
pub(crate) struct Template(Vec<Piece>);

enum Piece {
    Text(String),
    /// The name of a type.
    Type(Ident),
    Value {
        value: Expr,
        spec: Option<LitStr>,
    },
}

impl Template {
    fn parse(text: &LitStr, scope: &Scope<'_>) -> Result<Self> {
        let wrong = |message: String| syn::Error::new(text.span(), message);
        let (mut pieces, mut plain) = (Vec::new(), String::new());
        let (value, mut rest) = (text.value(), 0);
        while let Some(at) = value[rest..].find(['{', '}']).map(|at| at + rest) {
            plain.push_str(&value[rest..at]);
            let brace = &value[at..=at];
            if value[at + 1..].starts_with(brace) {
                plain.push_str(brace);
                rest = at + 2;
                continue;
            }
            let inside = &value[at + 1..];
            let end = if brace == "{" { end_of(inside) } else { None };
            let Some(end) = end else {
                let message = format!("`{brace}` stands alone; write `{brace}{brace}` for itself");
                return Err(wrong(message));
            };
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
            pieces.push(piece(&inside[..end], text, scope)?);
            rest = at + 1 + end + 1;
        }
        plain.push_str(&value[rest..]);
        pieces.push(Piece::Text(plain));
        pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
        Ok(Self(pieces))
    }

    fn uses(&self, name: &Ident) -> bool {
        self.0.iter().any(|piece| match piece {
            Piece::Value { value, .. } => signature::uses(value.to_token_stream(), name),
            Piece::Text(_) | Piece::Type(_) => false,
        })
    }

    /// What writes it to the key `to`.
    pub(crate) fn write(&self, to: &Ident, krate: &TokenStream) -> TokenStream {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => quote!(#to.push_str(#text);),
                Piece::Type(name) => quote!(#to.push_str(::core::any::type_name::<#name>());),
                Piece::Value { value, spec: None } => {
                    let span = syn::spanned::Spanned::span(value);
                    // There are shorter ways than `Display` for numbers and text.
                    quote_spanned!(span=> #krate::function::Shown(&#value).show(#to)?;)
                }
                Piece::Value { value, spec: Some(spec) } => {
                    quote!(#krate::function::Shown(&::core::format_args!(#spec, #value)).show(#to)?;)
                }
            })
            .collect()
    }
}

/// Where an expression in braces ends.
fn end_of(inside: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn piece(inside: &str, text: &LitStr, scope: &Scope<'_>) -> Result<Piece> {
    let wrong = |message: String| syn::Error::new(text.span(), message);
    let (value, spec) = match spec_of(inside) {
        Some(at) => (&inside[..at], Some(&inside[at + 1..])),
        None => (inside, None),
    };
    if value.trim().is_empty() {
        let message = format!("`{{{inside}}}` names nothing; {}", scope.offer());
        return Err(wrong(message));
    }
    let value: Expr = LitStr::new(value, text.span()).parse().map_err(|error| {
        wrong(format!("`{{{inside}}}` is not an expression over the arguments: {error}"))
    })?;
    if let Expr::Path(path) = &value
        && let Some(name) = path.path.get_ident()
    {
        if let Some(GenericParam::Type(_)) = scope.parameter(name) {
            return Ok(Piece::Type(name.clone()));
        }
        let known = scope.parameter(name).is_some() || scope.arguments.contains(&name);
        let constant = name.to_string().chars().all(|c| !c.is_lowercase());
        if !known && !constant && name != "self" {
            let message = format!(
                "`{{{name}}}`: `{}` has no argument `{name}`; {}",
                scope.function,
                scope.offer()
            );
            return Err(wrong(message));
        }
    }
    let spec = spec.map(|spec| LitStr::new(&format!("{{:{spec}}}"), text.span()));
    Ok(Piece::Value { value, spec })
}

/// Where `:spec` begins: at the last colon that is not part of a path and not in brackets.
fn spec_of(inside: &str) -> Option<usize> {
    let bytes = inside.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b':' if bytes.get(at + 1) == Some(&b':') => at += 1,
            b':' if depth == 0 => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

impl Scope<'_> {
    fn parameter(&self, name: &Ident) -> Option<&GenericParam> {
        self.parameters.iter().copied().find(|param| match param {
            GenericParam::Type(param) => param.ident == *name,
            GenericParam::Const(param) => param.ident == *name,
            GenericParam::Lifetime(_) => false,
        })
    }

    fn offer(&self) -> String {
        let names: Vec<_> = self.arguments.iter().map(ToString::to_string).collect();
        if names.is_empty() {
            return "it has none".to_owned();
        }
        format!("there is {}", errors::list(&names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_are_not_paths() {
        assert_eq!(spec_of("id"), None);
        assert_eq!(spec_of("id:04"), Some(2));
        assert_eq!(spec_of("Self::KIND"), None);
        assert_eq!(spec_of("Self::of(a::B{c: 1}):>8"), Some(20));
    }
}
