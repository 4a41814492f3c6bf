//! Dates in the forms of Python's serializers.
#![cfg(all(
    unix,
    feature = "backend-memory",
    feature = "codec-json",
    feature = "codec-msgpack",
    feature = "codec-postcard",
    feature = "dates-chrono",
    feature = "dates-time"
))]

#[cfg(test)]
mod forms;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod libraries;
#[cfg(test)]
mod live;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
#[cfg(test)]
mod zones;
