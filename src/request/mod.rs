//! A cache that lives as long as one request, before any stack.

mod notes;
mod scope;
mod scoped;
mod stash;

pub use self::{
    scope::{InRequest, RequestScope},
    scoped::RequestScoped,
    stash::Stash,
};
