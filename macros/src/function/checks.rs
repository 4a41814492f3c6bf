//! What a function may not be, and what its attributes may not say.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Expr, ExprLit, Ident, Lit, Result, spanned::Spanned};

use crate::{errors, signature::Function, units};

/// Skipped arguments must be there.
pub(crate) fn check_skipped(skipped: &[Ident], function: &Function) -> Result<()> {
    for name in skipped {
        let known = name == "self" || function.arguments.iter().any(|a| a.name == *name);
        if !known {
            let names: Vec<_> = function.arguments.iter().map(|a| a.name.to_string()).collect();
            let message = format!(
                "`{}` has no argument `{name}`; there is {}",
                function.name(),
                errors::list(&names)
            );
            return Err(syn::Error::new(name.span(), message));
        }
    }
    Ok(())
}

/// The logical lifetime as an expression for an `Option<Duration>`.
pub(super) fn lifetime(expire_after: Option<&Expr>, krate: &TokenStream) -> Result<TokenStream> {
    match expire_after {
        None => Ok(quote!(::core::option::Option::None)),
        Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => {
            let lifetime = units::parse_time(text.value().trim()).ok_or_else(|| {
                let message = format!(
                    "`{}` is no time; write `\"90s\"`, `\"5m\"`, `\"1h 30m\"` or `\"7d\"`",
                    text.value()
                );
                errors::at(text, &message)
            })?;
            let (secs, nanos) = (lifetime.as_secs(), lifetime.subsec_nanos());
            Ok(quote!(::core::option::Option::Some(::core::time::Duration::new(#secs, #nanos))))
        }
        Some(Expr::Lit(lit)) => Err(errors::at(
            lit,
            "a lifetime has a unit: write `\"90s\"`, `\"5m\"`, or an expression of type `Duration`",
        )),
        Some(Expr::Closure(closure)) if closure.inputs.is_empty() => {
            let body = &closure.body;
            Ok(quote_spanned!(body.span()=> #krate::function::duration(#body)))
        }
        Some(Expr::Closure(closure)) => Err(errors::at(
            closure,
            "a closure for `expire_after` has no parameters; arguments can be used by their names. A \
             lifetime that depends on the value is `ttl = |value| ..`",
        )),
        Some(expression) => {
            Ok(quote_spanned!(expression.span()=> #krate::function::duration(#expression)))
        }
    }
}
