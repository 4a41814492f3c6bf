//! What the server says and what happens to connections, in our words.

use std::{borrow::Cow, io, time::Duration};

use super::protocol::Reply;
use crate::{Error, ErrorKind, Key};

pub(super) const LAYER: &str = "memcached";

pub(crate) fn config(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Config, LAYER).with_message(message)
}

pub(super) fn unavailable(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Unavailable, LAYER).with_message(message)
}

pub(super) fn backend(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Backend, LAYER).with_message(message)
}

pub(super) fn late(address: &str, limit: Duration) -> Error {
    Error::new(ErrorKind::Timeout, LAYER)
        .with_message(format!("no answer from {address} within {limit:?}"))
}

/// A connection that broke while it was up.
pub(super) fn lost(error: io::Error) -> Error {
    unavailable(format!("the connection was lost: {error}")).with_source(error)
}

/// Something that is no reply at all.
pub(super) fn garbage(shown: &str) -> Error {
    backend(format!("what answers does not speak memcached's protocol: `{shown}`"))
}

/// A reply that is not one to the command.
#[cold]
pub(crate) fn refused(reply: Reply) -> Error {
    match reply {
        Reply::Refused(said) => refusal(&said),
        _ => backend("the server gave a reply of an unexpected form"),
    }
}

/// The same to a write of `size` bytes.
#[cold]
pub(super) fn unwritten(reply: Reply, size: usize) -> Error {
    match reply {
        Reply::Refused(said) if said.contains("object too large") => too_large(size),
        other => refused(other),
    }
}

pub(super) fn too_large(size: usize) -> Error {
    backend(format!(
        "{size} bytes are more than the server takes for one value, and it has dropped what was \
         under the key: raise its limit with `-I` (1 MiB unless given), or store less"
    ))
}

/// A value that another client has marked as one of another kind.
#[cold]
pub(super) fn flagged(flags: u64, wanted: u32) -> Error {
    Error::new(ErrorKind::Decode, LAYER).with_message(format!(
        "the value has the client flags {flags}, not {wanted} as `flags` says: another program has \
         compressed it, or writes values of another kind"
    ))
}

/// A key that cannot be sent as it is.
#[cold]
pub(super) fn no_name(key: Key<'_>) -> Error {
    let message = "memcached takes keys of 1 to 250 bytes, without spaces, control characters and \
         hashes: leave `exact_keys` away, and keys get names that it takes";
    Error::new(ErrorKind::Unsupported, LAYER).with_message(message).with_key(key)
}

/// The server's words, and what to do about it where we know.
fn refusal(said: &str) -> Error {
    if said.contains("Too many open connections") {
        return unavailable(format!("{said} (raise the server's limit with `-c`)"));
    }
    backend(match hint(said) {
        Some(hint) => format!("{said} ({hint})"),
        None => said.to_owned(),
    })
}

fn hint(said: &str) -> Option<&'static str> {
    Some(match said {
        "ERROR" => "the server does not know the meta commands: memcached 1.6 or later does",
        "CLIENT_ERROR unauthenticated" => {
            "the server wants a user name and a password: \
             `Memcached::builder([url]).username(..).password(..)`"
        }
        "CLIENT_ERROR authentication failure" => "check user name and password",
        _ if said.starts_with("SERVER_ERROR out of memory") => {
            "the server is full: give it more with `-m`, and let it evict, without `-M`"
        }
        _ => return None,
    })
}
