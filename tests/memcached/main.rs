//! `Memcached` and `MemcachedLock` on real servers, and on servers that are none.
#![cfg(all(
    unix,
    feature = "backend-memcached",
    feature = "backend-memory",
    feature = "codec-json",
    feature = "codec-postcard"
))]

#[cfg(test)]
mod commands;
#[cfg(test)]
mod entering;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod lock;
#[cfg(test)]
mod several;
#[cfg(test)]
mod stub;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
#[cfg(test)]
mod values;

#[cfg(test)]
mod common {
    use larder::{Bytes, Error, Memcached, MemcachedBuilder, WriteOpts};

    use crate::support::DEADLINE;

    pub(crate) const FOREVER: WriteOpts = WriteOpts::keep_for(None);
    pub(crate) const SECRET: &str = "s3cret";

    pub(crate) fn bytes(text: &str) -> Bytes {
        Bytes::copy_from_slice(text.as_bytes())
    }

    /// Settings for a busy machine.
    pub(crate) fn patient(url: impl Into<String>) -> MemcachedBuilder {
        Memcached::builder([url]).connect_timeout(DEADLINE).response_timeout(DEADLINE)
    }

    pub(crate) fn client(url: impl Into<String>) -> Memcached {
        patient(url).build().unwrap()
    }

    /// Everything an error says, its causes included.
    pub(crate) fn whole(error: &Error) -> String {
        let causes = std::iter::successors(std::error::Error::source(error), |it| it.source());
        let causes: Vec<String> = causes.map(|cause| format!("{cause} {cause:?}")).collect();
        let text = format!("{error} {error:?} {}", causes.join(" "));
        assert!(!text.contains(SECRET), "a secret in {text}");
        text
    }
}
