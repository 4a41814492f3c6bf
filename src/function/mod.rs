//! What cached functions stand on.

mod call_key;
mod serializer;
mod through;

pub use self::{
    call_key::CallKey,
    through::{call, call_blocking, created},
};
pub use crate::{key::KeyText, region::Wishes};
