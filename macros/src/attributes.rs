//! What may stand in `#[cached(..)]` and `#[cached_multi(..)]`: as data, and as parsed.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{
    Expr, Ident, Path, Result, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream, Parser},
    punctuated::Punctuated,
};

use crate::{
    dogpile::Dogpile,
    errors::{self, nearest},
    signature::Function,
};

/// Where attributes stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `#[cached(..)] fn`
    Single,
    /// `#[cached_multi(..)] fn`
    Batch,
    /// `#[cached(..)] impl`
    Impl,
}

impl Place {
    fn describe(self) -> &'static str {
        match self {
            Self::Single => "`#[cached]` on a function",
            Self::Batch => "`#[cached_multi]`",
            Self::Impl => "`#[cached]` on an `impl`",
        }
    }
}

/// One attribute, as the documentation tells it.
pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    pub(crate) form: &'static str,
    pub(crate) places: &'static [Place],
    // Only for the documentation, which a test compares with it.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the test of the documentation"))]
    pub(crate) default: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the test of the documentation"))]
    pub(crate) about: &'static str,
}

use Place::{Batch, Impl, Single};

/// Every attribute there is.
pub(crate) const ATTRIBUTES: &[Attribute] = &[
    Attribute {
        name: "region",
        form: "region = USERS",
        places: &[Single, Batch, Impl],
        default: "required, unless `of` is there",
        about: "where the values are kept: an expression that is a `RegionSource`",
    },
    Attribute {
        name: "key",
        form: "key = \"user:{id}\"",
        places: &[Single, Batch],
        default: "derived from the function and its arguments",
        about: "a template, a pair of templates (space and name), or an expression that is `AsKey`",
    },
    Attribute {
        name: "dogpile",
        form: "dogpile = \"app.users:load\"",
        places: &[Single, Batch],
        default: "none",
        about: "the Python function (module, colon, name) whose keys are derived as dogpile.cache does: from its arguments by position",
    },
    Attribute {
        name: "dogpile_kwargs",
        form: "dogpile_kwargs = \"app.users:load\"",
        places: &[Single],
        default: "none",
        about: "the same with dogpile's `kwarg_function_key_generator`: from the arguments by the order of their names",
    },
    Attribute {
        name: "namespace",
        form: "namespace = \"eu\"",
        places: &[Single, Batch, Impl],
        default: "none",
        about: "a text that is part of derived keys",
    },
    Attribute {
        name: "skip",
        form: "skip(db, self)",
        places: &[Single, Batch, Impl],
        default: "nothing",
        about: "arguments that are no part of derived keys, nor of the methods that need a key only",
    },
    Attribute {
        name: "expire_after",
        form: "expire_after = \"5m\"",
        places: &[Single, Batch, Impl],
        default: "the region's",
        about: "the logical lifetime by which calls judge what is there: a text, an expression, or a closure without parameters",
    },
    Attribute {
        name: "ttl",
        form: "ttl = |user: &User| user.lifetime",
        places: &[Single, Batch, Impl],
        default: "none",
        about: "a lifetime of its own for each entry, stored with it",
    },
    Attribute {
        name: "should_cache",
        form: "should_cache = |user: &User| user.active",
        places: &[Single, Batch, Impl],
        default: "everything",
        about: "which values are stored; the others are only returned",
    },
    Attribute {
        name: "of",
        form: "of = load_user",
        places: &[Batch],
        default: "none",
        about: "the function for one item, whose region, keys and lifetimes the batch has",
    },
    Attribute {
        name: "each",
        form: "each(id in ids)",
        places: &[Batch],
        default: "the one list among the arguments, its item named `item`",
        about: "which argument is the list, and the name of one item in `key`",
    },
    Attribute {
        name: "crate",
        form: "crate = my::larder",
        places: &[Single, Batch, Impl],
        default: "`::larder`",
        about: "where larder is found, if it is re-exported",
    },
];

/// What stood in the parentheses.
#[derive(Clone, Default)]
pub(crate) struct Attributes {
    pub(crate) region: Option<Expr>,
    pub(crate) key: Option<Expr>,
    pub(crate) dogpile: Option<Dogpile>,
    pub(crate) namespace: Option<Expr>,
    pub(crate) skip: Vec<Ident>,
    pub(crate) expire_after: Option<Expr>,
    pub(crate) ttl: Option<Expr>,
    pub(crate) should_cache: Option<Expr>,
    pub(crate) of: Option<Path>,
    pub(crate) each: Option<Each>,
    pub(crate) krate: Option<Path>,
}

/// `each(id in ids)`
#[derive(Clone)]
pub(crate) struct Each {
    pub(crate) item: Ident,
    pub(crate) list: Ident,
}

impl Parse for Each {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let item = input.parse()?;
        input.parse::<Token![in]>()?;
        let each = Self { item, list: input.parse()? };
        if input.is_empty() { Ok(each) } else { Err(input.error("expected `each(id in ids)`")) }
    }
}

impl Attributes {
    pub(crate) fn parse(tokens: TokenStream, place: Place) -> Result<Self> {
        let parser = |input: ParseStream<'_>| {
            let (mut attributes, mut seen) = (Self::default(), Vec::new());
            while !input.is_empty() {
                let name = input.call(Ident::parse_any)?;
                known(&name, place)?;
                if seen.contains(&name) {
                    return Err(syn::Error::new(name.span(), format!("`{name}` is there twice")));
                }
                attributes.read(&name, input)?;
                seen.push(name);
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(attributes)
        };
        let attributes = parser.parse2(tokens)?;
        attributes.check()?;
        Ok(attributes)
    }

    fn read(&mut self, name: &Ident, input: ParseStream<'_>) -> Result<()> {
        let value = || -> Result<Expr> {
            input.parse::<Token![=]>().map_err(|_wrong| formed(name))?;
            input.parse()
        };
        let path = || -> Result<Path> {
            input.parse::<Token![=]>().map_err(|_wrong| formed(name))?;
            input.parse()
        };
        let inside = || -> Result<_> {
            let inside;
            if !input.peek(syn::token::Paren) {
                return Err(formed(name));
            }
            syn::parenthesized!(inside in input);
            Ok(inside)
        };
        match name.to_string().as_str() {
            "region" => self.region = Some(value()?),
            "key" => self.key = Some(value()?),
            "dogpile" | "dogpile_kwargs" => {
                let dogpile = Dogpile::new(&value()?, name == "dogpile_kwargs")?;
                if self.dogpile.replace(dogpile).is_some() {
                    return Err(syn::Error::new(name.span(), ONE_KIND));
                }
            }
            "namespace" => self.namespace = Some(value()?),
            "expire_after" => self.expire_after = Some(value()?),
            "ttl" => self.ttl = Some(value()?),
            "should_cache" => self.should_cache = Some(value()?),
            "of" => self.of = Some(path()?),
            "crate" => self.krate = Some(path()?),
            "each" => self.each = Some(inside()?.parse()?),
            "skip" => {
                let names = inside()?;
                let names = Punctuated::<Ident, Token![,]>::parse_terminated_with_self(&names)?;
                self.skip = names.into_iter().collect();
            }
            _ => return Err(formed(name)),
        }
        Ok(())
    }

    /// What contradicts itself.
    fn check(&self) -> Result<()> {
        if let (Some(_), Some(namespace)) = (&self.key, &self.namespace) {
            return Err(errors::at(
                namespace,
                "`namespace` belongs to derived keys; beside `key`, write it in there: `key = \"eu:user:{id}\"`",
            ));
        }
        if let (Some(_), Some(skip), None) = (&self.key, self.skip.first(), &self.of) {
            return Err(errors::at(
                skip,
                "`skip` belongs to derived keys; a `key` names the arguments it is made of",
            ));
        }
        if let (Some(_), Some(dogpile)) = (&self.key, &self.dogpile) {
            return Err(errors::at(&dogpile.function, ONE_KIND));
        }
        let Some(of) = &self.of else { return Ok(()) };
        if let Some(dogpile) = &self.dogpile {
            return Err(not_beside_of(&dogpile.function, of));
        }
        let own = [&self.region, &self.key, &self.namespace, &self.expire_after, &self.ttl];
        let own = own.into_iter().chain([&self.should_cache]).flatten().next();
        match own {
            Some(own) => Err(not_beside_of(own, of)),
            None => Ok(()),
        }
    }

    /// What is not there, as the `impl` has it.
    pub(crate) fn or(mut self, defaults: &Self) -> Self {
        self.krate = self.krate.or_else(|| defaults.krate.clone());
        if self.of.is_some() {
            return self;
        }
        self.region = self.region.or_else(|| defaults.region.clone());
        self.expire_after = self.expire_after.or_else(|| defaults.expire_after.clone());
        self.ttl = self.ttl.or_else(|| defaults.ttl.clone());
        self.should_cache = self.should_cache.or_else(|| defaults.should_cache.clone());
        if self.key.is_none() {
            self.namespace = self.namespace.or_else(|| defaults.namespace.clone());
            if self.skip.is_empty() {
                self.skip.clone_from(&defaults.skip);
            }
        }
        self
    }

    /// What an `impl` says about one of its functions.
    pub(crate) fn for_function(&self, function: &Function) -> Self {
        let mut defaults = self.clone();
        let there = |name: &Ident| function.arguments.iter().any(|argument| argument.name == *name);
        defaults.skip.retain(|name| name == "self" || there(name));
        defaults
    }

    pub(crate) fn krate(&self) -> TokenStream {
        self.krate.as_ref().map_or_else(|| quote!(::larder), ToTokens::to_token_stream)
    }

    pub(crate) fn skips(&self, name: &Ident) -> bool {
        self.skip.contains(name)
    }

    /// Whether `self` is no part of derived keys.
    pub(crate) fn skips_self(&self) -> bool {
        self.skip.iter().any(|skipped| skipped == "self")
    }
}

/// `self` is a name here, too.
trait ParseNames: Sized {
    fn parse_terminated_with_self(input: ParseStream<'_>) -> Result<Self>;
}

impl ParseNames for Punctuated<Ident, Token![,]> {
    fn parse_terminated_with_self(input: ParseStream<'_>) -> Result<Self> {
        Self::parse_terminated_with(input, Ident::parse_any)
    }
}

fn known(name: &Ident, place: Place) -> Result<()> {
    let text = name.to_string();
    match ATTRIBUTES.iter().find(|attribute| attribute.name == text) {
        Some(attribute) if attribute.places.contains(&place) => Ok(()),
        Some(attribute) => {
            let places: Vec<_> = attribute.places.iter().map(|place| place.describe()).collect();
            let message = format!("`{text}` belongs to {}", places.join(" or "));
            Err(syn::Error::new(name.span(), message))
        }
        None => {
            let names = ATTRIBUTES.iter().filter(|attribute| attribute.places.contains(&place));
            let names: Vec<_> = names.map(|attribute| attribute.name).collect();
            let message = match nearest(&text, &names) {
                Some(near) => format!("there is no attribute `{text}`; did you mean `{near}`?"),
                None => format!("there is no attribute `{text}`, only {}", errors::list(&names)),
            };
            Err(syn::Error::new(name.span(), message))
        }
    }
}

const ONE_KIND: &str = "a function has one kind of keys: write only one of `key`, `dogpile` and \
                        `dogpile_kwargs`";

/// An attribute in the wrong form.
fn formed(name: &Ident) -> syn::Error {
    let text = name.to_string();
    let form = ATTRIBUTES.iter().find(|attribute| attribute.name == text);
    let form = form.map_or("", |attribute| attribute.form);
    syn::Error::new(name.span(), format!("write `{form}`"))
}

/// What a batch with the keys of another function has of that one.
fn not_beside_of(own: &impl ToTokens, of: &Path) -> syn::Error {
    let message = format!(
        "with `of = {of}` the batch has the region, the keys and the lifetimes of that function; leave \
         this out, or leave `of` out",
        of = errors::text(of)
    );
    errors::at(own, &message)
}

/// A required attribute that is not there.
pub(crate) fn no_region(of: bool) -> syn::Error {
    let message = if of {
        "where are the values kept? Write `#[cached_multi(of = load_user)]` with the function for one \
         item, or `#[cached_multi(region = USERS)]`"
    } else {
        "where are the values kept? Write `#[cached(region = USERS)]` with a static that holds a region, \
         or any other expression for one"
    };
    syn::Error::new(Span::call_site(), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The documentation is written by people; this sees that it says the same.
    #[test]
    fn are_documented() {
        let text = include_str!("../../docs/settings.md");
        let section = text.split("## Attributes of cached functions").nth(1).unwrap_or_default();
        let section = section.split("\n## ").next().unwrap_or_default();
        let rows: Vec<_> = section.lines().filter(|line| line.starts_with("| `")).collect();
        let expected: Vec<_> = ATTRIBUTES.iter().map(row).collect();
        assert_eq!(rows, expected);

        let macros = include_str!("../../src/macros.rs");
        for Attribute { name, .. } in ATTRIBUTES {
            assert!(
                macros.contains(&format!("`{name} = ")) || macros.contains(&format!("`{name}(")),
                "{name}"
            );
        }
    }

    fn row(attribute: &Attribute) -> String {
        let Attribute { form, places, default, about, .. } = attribute;
        let mark = |place| if places.contains(&place) { "yes" } else { "" };
        let row = [Single, Batch, Impl].map(mark).join(" | ");
        format!("| `{}` | {row} | {default} | {about} |", form.replace('|', "\\|"))
    }

    #[test]
    fn forms_are_what_is_parsed() {
        for attribute in ATTRIBUTES {
            let tokens = attribute.form.parse().expect("tokens");
            let parsed = Attributes::parse(tokens, attribute.places[0]);
            assert!(parsed.is_ok(), "{}: {:?}", attribute.form, parsed.err());
        }
    }
}
