use std::path::PathBuf;

use super::{
    config::{Login, PORT},
    failure::config,
};
use crate::Result;

const FORMS: &str = "not a memcached URL; expected memcached://[user:password@]host[:port], \
                     memcacheds:// for TLS, or memcached+unix:///path, and after it perhaps ?weight=2";

/// More would say no more, and the sum of weights stays small.
const MOST_WEIGHT: u32 = 1000;

/// What a URL says of a server.
pub(super) struct Server {
    pub(super) place: Place,
    pub(super) tls: bool,
    pub(super) login: Option<Login>,
    pub(super) weight: u32,
}

pub(super) enum Place {
    Tcp(String, u16),
    Unix(PathBuf),
}

/// Reads a URL; the errors hold no part of it.
pub(super) fn parse(url: &str) -> Result<Server> {
    let forms = || config(FORMS);
    let (scheme, rest) = url.split_once("://").ok_or_else(forms)?;
    let (tls, is_path) = match scheme {
        "memcached" => (false, false),
        "memcacheds" => (true, false),
        "memcached+unix" => (false, true),
        _ => return Err(forms()),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    // Such a password would be taken for a host, port or path, and shown.
    if rest.contains('@') {
        return Err(config(
            "an '@' after the host: write '/', '?', '#' and '@' in a user name, a password or a path \
             as %2F, %3F, %23 and %40, or use `.username()` and `.password()`",
        ));
    }
    if rest.contains('#') {
        return Err(config("a memcached URL has no fragment; write '#' as %23"));
    }
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (login, host) = match authority.rsplit_once('@') {
        None => (None, authority),
        Some((login, host)) => {
            let (username, password) = login
                .split_once(':')
                .ok_or_else(|| config("before the '@' come a user name, a ':' and a password"))?;
            (Login::new(decoded(username)?, decoded(password)?)?, host)
        }
    };
    let place = match (is_path, host, path) {
        (true, "", path) if path.len() > 1 => Place::Unix(decoded(path)?.into()),
        (false, host, "" | "/") if !host.is_empty() => tcp(host)?,
        _ => return Err(forms()),
    };
    Ok(Server { place, tls, login, weight: weight(query)? })
}

fn tcp(host: &str) -> Result<Place> {
    let (host, port) = match host.strip_prefix('[') {
        Some(v6) => v6.split_once(']').ok_or_else(|| config(FORMS))?,
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => PORT,
        Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or_else(|| config(FORMS))?,
        None => return Err(config(FORMS)),
    };
    if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(config(FORMS));
    }
    Ok(Place::Tcp(host.to_owned(), port))
}

/// `weight=2`, which is all that may come after a '?'.
fn weight(query: &str) -> Result<u32> {
    if query.is_empty() {
        return Ok(1);
    }
    let weight = query.strip_prefix("weight=").and_then(|weight| weight.parse().ok());
    weight
        .filter(|weight| (1..=MOST_WEIGHT).contains(weight))
        .ok_or_else(|| config("after the '?' comes `weight` only, a whole number from 1 to 1000"))
}

/// Percent-encoded text.
fn decoded(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let code = rest.split_first_chunk::<2>().and_then(|(code, after)| {
            rest = after;
            let digits =
                str::from_utf8(code).ok().filter(|_| code.iter().all(u8::is_ascii_hexdigit));
            u8::from_str_radix(digits?, 16).ok()
        });
        bytes.push(code.ok_or_else(|| config("a '%' that is no code of a byte: write it as %25"))?);
    }
    String::from_utf8(bytes).or(Err(config("what is percent-encoded is not UTF-8")))
}
