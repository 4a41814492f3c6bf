//! Defects of dogpile.cache that larder does not have; one row each, and the tests that show it.
//!
//! | id | the defect | what shows its absence |
//! |---|---|---|
//! | D1 | waiters of a batch create everything again | [`creation`]: `d01_*` |
//! | D2 | a lost lock throws the created value away, and leaves other keys locked | [`locks`]: `d02_*`; `tests/processes`: an owner that is stopped or killed |
//! | D3 | values not to be stored, and failures, are made once by each waiter | [`creation`]: `d03_*` |
//! | D4 | a failure reaches the caller although a stale value is at hand | [`creation`]: `d04_*` |
//! | D5 | an expired value is made twice | [`creation`]: `d05_*` |
//! | D6 | a write or invalidation during a creation is lost | [`writes`]: `d06_*`; `tests/processes` |
//! | D7 | soft invalidation forgets a hard one, and needs an expiry | [`writes`]: `d07_*` |
//! | D8 | a wait that ends is an error after all the work | [`locks`]: `d08_*`; `tests/shared`: each `OnTimeout` |
//! | D9 | batches pair values by position | [`creation`]: `d09_*` |
//! | D10 | locks without owners, hours of back-off, short keys, dead servers | [`locks`]: `d10_*` |
//! | D11 | "never expires" means "always missing" | [`entries`]: `d11_*` |
//! | D12 | methods disagree about the form of a key | [`entries`]: `d12_*` |
//! | D13 | `key_is_locked` looks in the wrong place | [`writes`]: `d13_*`; `tests/processes` |
//! | D14 | the stack that is shown is not the one in use | [`entries`]: `d14_*` |
//! | D15 | an empty batch is a server error | [`entries`]: `d15_*` |
//! | D16 | connection settings are ignored; a cluster fails obscurely | [`settings`]: `d16_*` |
//! | D17 | bytes that cannot be decoded are an error, versions unchecked | [`entries`]: `d17_*` |
//! | D18 | proxies are bypassed | [`entries`]: `d18_*` |
//! | D19 | no lifetime for an entry, bounds, wait timeouts, negative entries, statistics, shared invalidation | [`settings`]: `d19_*` |
//! | D20 | decoding runs code | [`entries`]: `d20_*` |
//! | D21 | fractions of seconds are cut, passwords become numbers, unknown settings are ignored | [`settings`]: `d21_*` |
#![cfg(all(
    unix,
    feature = "backend-memory",
    feature = "backend-redis",
    feature = "codec-json",
    feature = "codec-msgpack",
    feature = "codec-postcard"
))]

#[cfg(test)]
mod creation;
#[cfg(test)]
mod entries;
#[cfg(test)]
mod locks;
#[cfg(test)]
mod settings;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
#[cfg(test)]
mod writes;
