//! What cached functions stand on: called by the code that [`cached`](macro@crate::cached) generates.
//!
//! [`KeyText`] and [`CallKey`] are for everyone. The rest may change with any version.

mod answer;
mod argument;
mod batched;
mod call_key;
mod function_key;
mod many;
mod operation;
mod returned;
mod serializer;
mod shown;

pub use self::call_key::CallKey;
#[doc(hidden)]
pub use self::{
    answer::{answer, answer_blocking, duration, keep_for, keep_if, keeps_lifetimes, no_region},
    argument::{KeyArgument, KeyReceiver, argument, receiver},
    batched::Batched,
    function_key::{FunctionKey, written},
    many::{
        GetMany, InvalidateMany, Made, Many, Of, SetMany, Settled, batches, found, keys, made,
        many, none, picked, settled,
    },
    operation::{BlockingOperation, Get, Invalidate, Operation, Set},
    returned::{
        Alias, CachedError, CachedValue, Carrier, Carries, CarriesNot, Fails, FailsMaybe, Maybe,
        Neither, NeitherResultNorOption, Plain, Returned, SpelledOut, Spelling, fails, returns,
        spelled_out,
    },
    shown::{Show, Shown},
};
pub use crate::key::KeyText;
