//! The meta commands of the text protocol, as far as they are needed: each has exactly one reply.

use std::{fmt, io::Write as _, ops::Range};

use bytes::{Buf, Bytes, BytesMut};

use super::failure;
use crate::{Error, Result};

/// The longest line of a reply. A key and its flags take less than 300 bytes.
const LONGEST_LINE: usize = 2048;
/// The largest value of any server: memcached refuses to run with a larger `-I`.
pub(super) const LARGEST_VALUE: usize = 1 << 30;

/// When a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    /// Where there is nothing.
    Free,
    /// Where the value still is the one that was read with this number.
    Unchanged(u64),
}

impl When {
    /// Where there still is what was seen: the value with this number, or nothing.
    pub(crate) fn seen(number: Option<u64>) -> Self {
        number.map_or(Self::Free, Self::Unchanged)
    }
}

/// Commands, and where each of them belongs.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    text: Vec<u8>,
    each: Vec<Request>,
}

#[derive(Clone, Debug)]
pub(super) struct Request {
    /// Where its key stands in the text.
    pub(super) name: Range<usize>,
    /// Where it ends.
    pub(super) end: usize,
}

impl Requests {
    /// Reads the value under `name`.
    pub(crate) fn get(&mut self, name: &str) {
        self.push("mg", name, 4, format_args!(" v\r\n"));
    }

    /// Reads the value under `name` and the number that says whether it has changed.
    pub(crate) fn get_numbered(&mut self, name: &str) {
        self.push("mg", name, 6, format_args!(" v c\r\n"));
    }

    /// Reads the value under `name` and its client flags.
    pub(crate) fn get_flagged(&mut self, name: &str) {
        self.push("mg", name, 6, format_args!(" v f\r\n"));
    }

    /// Asks whether there is a value under `name`.
    pub(crate) fn look(&mut self, name: &str) {
        self.push("mg", name, 2, format_args!("\r\n"));
    }

    /// Writes `value` under `name`; `ttl` is a time as the server takes it.
    pub(crate) fn set(&mut self, name: &str, value: &[u8], ttl: Option<u32>, when: When) {
        self.set_flagged(name, value, 0, ttl, when);
    }

    /// The same with client flags.
    pub(crate) fn set_flagged(
        &mut self,
        name: &str,
        value: &[u8],
        flags: u32,
        ttl: Option<u32>,
        when: When,
    ) {
        self.push("ms", name, value.len() + 60, format_args!(" {}", value.len()));
        if flags != 0 {
            self.put(format_args!(" F{flags}"));
        }
        if let Some(ttl) = ttl {
            self.put(format_args!(" T{ttl}"));
        }
        match when {
            When::Always => {}
            When::Free => self.put(format_args!(" ME")),
            When::Unchanged(number) => self.put(format_args!(" C{number}")),
        }
        self.put(format_args!("\r\n"));
        self.text.extend_from_slice(value);
        self.put(format_args!("\r\n"));
    }

    /// Removes what is under `name`.
    pub(crate) fn remove(&mut self, name: &str) {
        self.push("md", name, 2, format_args!("\r\n"));
    }

    /// Removes what is under `name` if it still is what was read with this number.
    pub(crate) fn remove_unchanged(&mut self, name: &str, number: u64) {
        self.push("md", name, 24, format_args!(" C{number}\r\n"));
    }

    /// Begins a command with about `room` bytes after the name.
    fn push(&mut self, command: &str, name: &str, room: usize, rest: fmt::Arguments<'_>) {
        self.text.reserve(command.len() + 1 + name.len() + room);
        self.text.extend_from_slice(command.as_bytes());
        self.text.push(b' ');
        let start = self.text.len();
        self.text.extend_from_slice(name.as_bytes());
        self.each.push(Request { name: start..self.text.len(), end: 0 });
        self.put(rest);
    }

    /// Goes on with the command.
    fn put(&mut self, part: fmt::Arguments<'_>) {
        // A vector takes everything.
        let _ = self.text.write_fmt(part);
        if let Some(last) = self.each.last_mut() {
            last.end = self.text.len();
        }
    }

    pub(super) fn into_parts(self) -> (Bytes, Vec<Request>) {
        (self.text.into(), self.each)
    }
}

/// What the server says to one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// There is this value, and this is the number that was asked for: that of its last change, or its
    /// client flags.
    Value(Bytes, u64),
    /// It is done; to [`look`](Requests::look): there is something.
    Done,
    /// There is nothing under the key.
    Missing,
    /// It was not done, because of what is under the key.
    Declined,
    /// The server's words about why it cannot.
    Refused(Box<str>),
}

impl Reply {
    /// Whether the server may have taken a part of a request for another one, so that no later reply
    /// can be trusted.
    pub(super) fn is_confused(&self) -> bool {
        matches!(self, Self::Refused(said) if !said.starts_with("SERVER_ERROR "))
    }
}

/// Takes one reply from what has arrived; `None` while it is not complete.
///
/// # Errors
///
/// When this can never become a reply.
pub(super) fn take(arrived: &mut BytesMut) -> Result<Option<Reply>> {
    let head = &arrived[..arrived.len().min(LONGEST_LINE)];
    let Some(end) = head.iter().position(|byte| *byte == b'\n') else {
        return if head.len() == LONGEST_LINE { Err(garbage(head)) } else { Ok(None) };
    };
    let (line, taken) = (&head[..end], end + 1);
    let line = line.strip_suffix(b"\r").ok_or_else(|| garbage(line))?;
    let reply = match line.get(..2) {
        Some(b"VA") => return take_value(arrived, taken),
        // `c` and other flags may follow.
        Some(b"HD" | b"MN") if is_word(line, 2) => Reply::Done,
        Some(b"EN" | b"NF") if is_word(line, 2) => Reply::Missing,
        Some(b"NS" | b"EX") if is_word(line, 2) => Reply::Declined,
        // To a login.
        _ if line == b"STORED" => Reply::Done,
        _ if is_refusal(line) => Reply::Refused(String::from_utf8_lossy(line).into()),
        _ => return Err(garbage(line)),
    };
    arrived.advance(taken);
    Ok(Some(reply))
}

/// `VA <size> [flags]`, and so many bytes in the lines after it.
fn take_value(arrived: &mut BytesMut, head: usize) -> Result<Option<Reply>> {
    let line = &arrived[..head];
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (tag, size) = (words.next(), words.next().and_then(digits));
    let size = size.and_then(|size| usize::try_from(size).ok());
    let (Some(b"VA"), Some(size @ ..=LARGEST_VALUE)) = (tag, size) else {
        return Err(garbage(line));
    };
    let number =
        words.find_map(|flag| digits(flag.strip_prefix(b"c").or(flag.strip_prefix(b"f"))?));
    let number = number.unwrap_or(0);
    let end = head + size;
    if arrived.len() < end + 2 {
        return Ok(None);
    }
    if arrived[end..end + 2] != *b"\r\n" {
        return Err(garbage(line));
    }
    // Copied, so that no value holds on to the room where replies arrive.
    let value = Bytes::copy_from_slice(&arrived[head..end]);
    arrived.advance(end + 2);
    Ok(Some(Reply::Value(value, number)))
}

fn is_word(line: &[u8], end: usize) -> bool {
    line.get(end).is_none_or(|byte| *byte == b' ')
}

fn is_refusal(line: &[u8]) -> bool {
    let said = |word: &[u8]| line.starts_with(word) && is_word(line, word.len());
    said(b"ERROR") || said(b"CLIENT_ERROR") || said(b"SERVER_ERROR")
}

/// A number of ASCII digits only.
fn digits(word: &[u8]) -> Option<u64> {
    let is_number = word.iter().all(u8::is_ascii_digit);
    str::from_utf8(word).ok().filter(|_| is_number)?.parse().ok()
}

#[cold]
fn garbage(line: &[u8]) -> Error {
    let shown = &line[..line.len().min(40)];
    failure::garbage(&shown.escape_ascii().to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ErrorKind;

    /// All replies in `text`, which arrives in pieces of `size`; the error that ends it.
    fn replies(text: &[u8], size: usize) -> (Vec<Reply>, Option<Error>) {
        let (mut arrived, mut replies) = (BytesMut::new(), Vec::new());
        for piece in text.chunks(size.max(1)) {
            arrived.extend_from_slice(piece);
            loop {
                match take(&mut arrived) {
                    Ok(Some(reply)) => replies.push(reply),
                    Ok(None) => break,
                    Err(error) => return (replies, Some(error)),
                }
            }
        }
        (replies, None)
    }

    fn value(text: &'static str, number: u64) -> Reply {
        Reply::Value(Bytes::from_static(text.as_bytes()), number)
    }

    #[test]
    fn replies_come_out_whole_however_they_arrive() {
        let text = b"MN\r\nEN\r\nVA 3\r\nabc\r\nVA 0 c7\r\n\r\nVA 5  t10 c18446744073709551615 \r\na\r\nb!\r\n\
            VA 1 f16\r\nt\r\n\
            HD\r\nHD c3\r\nNS\r\nEX\r\nNF\r\nSTORED\r\nERROR\r\nCLIENT_ERROR a b\r\nSERVER_ERROR c\r\n";
        let refused = |said: &str| Reply::Refused(said.into());
        let wanted = [
            Reply::Done,
            Reply::Missing,
            value("abc", 0),
            value("", 7),
            value("a\r\nb!", u64::MAX),
            value("t", 16),
            Reply::Done,
            Reply::Done,
            Reply::Declined,
            Reply::Declined,
            Reply::Missing,
            Reply::Done,
            refused("ERROR"),
            refused("CLIENT_ERROR a b"),
            refused("SERVER_ERROR c"),
        ];
        for size in 1..=text.len() {
            let (replies, error) = replies(text, size);
            assert_eq!(replies, wanted, "in pieces of {size}");
            assert!(error.is_none(), "{error:?}");
        }
        let confused: Vec<bool> = wanted.iter().map(Reply::is_confused).collect();
        assert_eq!(confused.iter().filter(|confused| **confused).count(), 2, "{confused:?}");
        assert!(confused[12] && confused[13]);
    }

    #[test]
    fn what_is_no_reply_is_an_error() {
        for text in [
            "\n",
            "\r\n",
            "hello\r\n",
            "HD\n",
            "HDX\r\n",
            "HTTP/1.1 400 Bad Request\r\n",
            "VA\r\n",
            "VA x\r\n",
            "VA -1\r\n",
            "VA +1\r\na\r\n",
            "VALUE k 0 1\r\na\r\nEND\r\n",
            "VA 1\r\nabc\r\n",
            "VA 1073741825\r\n",
            "VA 99999999999999999999999999\r\n",
            "ERRORS\r\n",
            "\u{0}\u{1}\u{2}\r\n",
            &"x".repeat(LONGEST_LINE),
        ] {
            let (replies, error) = replies(text.as_bytes(), usize::MAX);
            assert_eq!(replies, [], "{text:?}");
            let error = error.expect(text);
            assert_eq!((error.kind(), error.layer()), (ErrorKind::Backend, "memcached"));
            assert!(error.to_string().len() < 300, "{error}");
        }
    }

    #[test]
    fn a_promised_length_takes_no_memory() {
        let mut arrived = BytesMut::from("VA 1073741824\r\nabc");
        assert!(take(&mut arrived).unwrap().is_none());
        assert!(arrived.capacity() < 1000, "{}", arrived.capacity());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn values_come_back(values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8), size in 1_usize..40) {
            let mut text = Vec::new();
            for value in &values {
                write!(text, "VA {}\r\n", value.len()).unwrap();
                text.extend_from_slice(value);
                text.extend_from_slice(b"\r\n");
            }
            let (replies, error) = replies(&text, size);
            prop_assert!(error.is_none());
            let wanted: Vec<Reply> = values.into_iter().map(|value| Reply::Value(value.into(), 0)).collect();
            prop_assert_eq!(replies, wanted);
        }

        /// Whatever arrives, in whatever pieces, it is the same replies and the same end.
        #[test]
        fn garbage_is_told_from_replies(
            parts in prop::collection::vec(prop_oneof![
                prop::collection::vec(any::<u8>(), 0..20),
                prop::sample::select(vec!["VA ", "3", "\r\n", "HD", "EN\r\n", "abc", " c1", "\n", "SERVER_ERROR "])
                    .prop_map(|text| text.as_bytes().to_vec()),
            ], 0..20),
            size in 1_usize..20,
        ) {
            let text = parts.concat();
            let (whole, whole_error) = replies(&text, usize::MAX);
            let (pieces, pieces_error) = replies(&text, size);
            prop_assert_eq!(whole, pieces);
            prop_assert_eq!(whole_error.is_some(), pieces_error.is_some());
        }
    }
}
