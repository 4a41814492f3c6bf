//! What the client and the server report, in our words.

use std::time::Duration;

use redis::{ErrorKind as ClientKind, RedisError, ServerError};

use crate::{Error, ErrorKind};

pub(super) const LAYER: &str = "redis";

/// What an error reply to a certain command means.
pub(crate) type Meaning = fn(&ServerError) -> Error;

/// A failed exchange over a connection that was up.
pub(super) fn exchange(error: RedisError, response_timeout: Duration) -> Error {
    if error.is_timeout() {
        return Error::new(ErrorKind::Timeout, LAYER)
            .with_message(format!("no answer within {response_timeout:?}"));
    }
    match error.kind() {
        _ if is_cut_off(&error) => Error::new(ErrorKind::Unavailable, LAYER)
            .with_message("the connection was lost in the middle of an answer")
            .with_source(error),
        ClientKind::Io => Error::new(ErrorKind::Unavailable, LAYER)
            .with_message(format!("the connection was lost: {error}"))
            .with_source(error),
        ClientKind::Parse => unexpected("what answers does not speak the Redis protocol"),
        _ => match ServerError::try_from(error) {
            Ok(error) => refusal(&error),
            Err(error) => Error::new(ErrorKind::Backend, LAYER).with_message(error.to_string()),
        },
    }
}

/// Whether the connection ended in the middle of an answer. To the client that is an answer that cannot be
/// parsed, and only its words tell what is wrong with it.
pub(super) fn is_cut_off(error: &RedisError) -> bool {
    error.kind() == ClientKind::Parse && error.to_string().contains("end of input")
}

/// An answer of a form that the command never has.
pub(super) fn unexpected(message: &'static str) -> Error {
    Error::new(ErrorKind::Backend, LAYER).with_message(message)
}

/// An error reply: the server's words, and what to do about it where we know.
pub(crate) fn refusal(error: &ServerError) -> Error {
    let (code, detail) = (error.code(), error.details().unwrap_or_default());
    let kind = if is_passing(code, detail) { ErrorKind::Unavailable } else { ErrorKind::Backend };
    let said = match detail {
        "" => code.to_owned(),
        _ => format!("{code} {detail}"),
    };
    let message = match hint(code, detail) {
        Some(hint) => format!("{said} ({hint})"),
        None => said,
    };
    Error::new(kind, LAYER).with_message(message)
}

/// An error reply to a read: another type of value under the key is an unreadable entry.
pub(super) fn read_refusal(error: &ServerError) -> Error {
    match error.code() {
        "WRONGTYPE" => Error::new(ErrorKind::Decode, LAYER)
            .with_message("under this key the server holds another type of value"),
        _ => refusal(error),
    }
}

/// An error reply to `PEXPIRE key ms NX`.
pub(super) fn expire_nx_refusal(error: &ServerError) -> Error {
    let detail = error.details().unwrap_or_default();
    if detail.contains("wrong number of arguments") || detail.contains("Unsupported option") {
        return Error::new(ErrorKind::Backend, LAYER).with_message(format!(
            "{} {detail} (`PEXPIRE .. NX` needs Redis 7.0; with an older server use the expiry \
             policy `Always` or `Never`)",
            error.code()
        ));
    }
    refusal(error)
}

/// An error reply while logging in. Some servers and proxies repeat what they did not understand.
pub(super) fn login_refusal(error: &ServerError, password: Option<&str>) -> Error {
    let refused = refusal(error);
    let text = refused.to_string();
    match password {
        Some(password) if text.contains(password) || text.contains("args beginning with") => {
            Error::new(refused.kind(), LAYER)
                .with_message(format!("{} (the server refused the login)", error.code()))
        }
        _ => refused,
    }
}

/// Whether the same command may be accepted later, without anyone's doing.
fn is_passing(code: &str, detail: &str) -> bool {
    matches!(code, "LOADING" | "BUSY" | "TRYAGAIN" | "MASTERDOWN" | "CLUSTERDOWN")
        || detail.starts_with("max number of clients")
}

fn hint(code: &str, detail: &str) -> Option<&'static str> {
    Some(match code {
        "NOAUTH" => "the server wants a password: `Redis::builder(url).password(..)`",
        "WRONGPASS" => "check user name and password",
        "NOPERM" => "the ACL user lacks the right to this command or key",
        "OOM" => "the server is full: raise `maxmemory`, or let `maxmemory-policy` evict",
        "READONLY" => "this is a replica: connect to its master",
        "MISCONF" => "the server cannot save its data to disk, so it takes no writes",
        "WRONGTYPE" => {
            "the key holds another type of value; a space and a plain key may not share \
                        a name"
        }
        "MOVED" | "ASK" | "CROSSSLOT" => {
            "this server is part of a cluster: connect with `Redis::cluster`"
        }
        "ERR" if detail.contains("DB index") => "the server has no database of this number",
        "ERR" if detail.contains("cluster support disabled") => {
            "this server is in no cluster: connect with `Redis::new`"
        }
        "ERR" if detail.contains("without any password") => {
            "the server wants no password: leave it away"
        }
        _ => return None,
    })
}
