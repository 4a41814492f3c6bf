//! The texts of protocol 0, which was made to be printed.

use std::{borrow::Cow, fmt::Display};

use serde::de::{Error as _, value::Error};

use super::int::PyInt;

fn wrong(what: impl Display) -> Error {
    Error::custom(format_args!("not {what} as protocol 0 writes it"))
}

/// `I`: a decimal number; `00` and `01` are bools.
pub(super) enum Int {
    Bool(bool),
    Int(PyInt),
}

pub(super) fn int(line: &str) -> Result<Int, Error> {
    match line {
        "00" => Ok(Int::Bool(false)),
        "01" => Ok(Int::Bool(true)),
        _ => long(line).map(Int::Int),
    }
}

/// `L`: a decimal number, with an `L` after it.
pub(super) fn long(line: &str) -> Result<PyInt, Error> {
    line.strip_suffix('L').unwrap_or(line).parse().map_err(Error::custom)
}

/// `F`.
pub(super) fn float(line: &str) -> Result<f64, Error> {
    line.parse().map_err(|_unhelpful| wrong("a float"))
}

/// `S`: a literal of Python 2, in quotes and with escapes.
pub(super) fn string(line: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
    let ([b'\'', content @ .., b'\''] | [b'"', content @ .., b'"']) = line else {
        return Err(wrong("a string in quotes"));
    };
    if !content.contains(&b'\\') {
        return Ok(Cow::Borrowed(content));
    }
    let mut out = Vec::with_capacity(content.len());
    let mut rest = content;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let (&escape, after) = rest.split_first().ok_or_else(|| wrong("a string"))?;
        rest = after;
        out.push(match escape {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'x' => {
                let (digits, after) = rest.split_at_checked(2).ok_or_else(|| wrong("a string"))?;
                rest = after;
                u8::try_from(hexadecimal(digits)?).map_err(|_unhelpful| wrong("a string"))?
            }
            b'\\' | b'\'' | b'"' => escape,
            _ => return Err(wrong("a string: an escape is unknown")),
        });
    }
    Ok(Cow::Owned(out))
}

/// `V`: Latin-1 with `\u` and `\U` escapes.
pub(super) fn unicode(line: &[u8]) -> Result<Cow<'_, str>, Error> {
    if !line.contains(&b'\\')
        && line.is_ascii()
        && let Ok(text) = std::str::from_utf8(line)
    {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    // Python 2 wrote what is beyond 16 bits as two halves.
    let mut high = None;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = match rest {
            [b'\\', b'u', ..] => 4,
            [b'\\', b'U', ..] => 8,
            // Takes the next one along, so that two of them are no escape.
            [b'\\', next, after @ ..] if high.is_none() => {
                out.push('\\');
                out.push(char::from(*next));
                rest = after;
                continue;
            }
            _ => 0,
        };
        let point = if digits == 0 {
            rest = after;
            u32::from(byte)
        } else {
            let (escape, after) =
                rest[2..].split_at_checked(digits).ok_or_else(|| wrong("text"))?;
            rest = after;
            hexadecimal(escape)?
        };
        match (high.take(), point) {
            (None, 0xd800..=0xdbff) => high = Some(point),
            (Some(high), 0xdc00..=0xdfff) => {
                out.push(character(0x1_0000 + ((high - 0xd800) << 10) + (point - 0xdc00))?);
            }
            (None, _) => out.push(character(point)?),
            (Some(_), _) => return Err(wrong("text: half of a character is missing")),
        }
    }
    match high {
        None => Ok(Cow::Owned(out)),
        Some(_) => Err(wrong("text: half of a character is missing")),
    }
}

fn character(point: u32) -> Result<char, Error> {
    char::from_u32(point).ok_or_else(|| wrong("text"))
}

fn hexadecimal(digits: &[u8]) -> Result<u32, Error> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = char::from(*digit).to_digit(16).ok_or_else(|| wrong("an escape"))?;
        Ok(number << 4 | digit)
    })
}
