//! A cache that lives as long as one request, before any stack; lookups in batches; relations that load on
//! first use.

#[cfg(feature = "request-axum")]
mod extract;
#[cfg(feature = "request-tower")]
mod layer;
mod lazy;
mod loader;
mod lookup;
mod notes;
mod scope;
mod scoped;
#[cfg(feature = "config")]
mod settings;
mod stash;

#[cfg(feature = "request-axum")]
pub use self::extract::MissingRequestScope;
#[cfg(feature = "request-tower")]
pub use self::layer::{RequestFuture, RequestLayer, RequestService};
pub use self::{
    lazy::Lazy,
    loader::Loader,
    lookup::Lookup,
    scope::{InRequest, RequestScope},
    scoped::RequestScoped,
    stash::Stash,
};
