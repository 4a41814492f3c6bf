//! What cached functions stand on.

mod call_key;
mod key_text;
mod serializer;
mod through;

pub use self::{
    call_key::CallKey,
    key_text::KeyText,
    through::{call, call_blocking, created},
};
pub use crate::region::Wishes;
