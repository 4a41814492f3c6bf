use std::{
    fmt::{self, Write as _},
    num::TryFromIntError,
    str::FromStr,
};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{SeqAccess, Visitor},
};

use super::{token, value::Bytes};

/// As in Python, whose own limit this is: conversions take the square of their time.
const MOST_DIGITS: usize = 4300;
/// What they fit into, with a sign.
const MOST_BYTES: usize = 1787;

/// An `int` of Python: a whole number of any size.
///
/// For fields that may hold more than 128 bits; others read faster into Rust's own integers. Over
/// [`Pickle`](crate::Pickle) it is an `int`. Over other codecs one that has room in 64 bits is a number, and
/// a larger one a byte string, little-endian in two's complement: something that only a `PyInt` reads, and not over
/// [`Postcard`](crate::Postcard), which cannot tell the two apart.
///
/// Shown in decimal up to 4300 digits, beyond that in hexadecimal.
///
/// ```
/// use larder::PyInt;
///
/// let big: PyInt = "-340282366920938463463374607431768211456".parse()?;
/// assert_eq!(big.to_le_bytes().len(), 17);
/// assert!(i128::try_from(&big).is_err());
/// assert_eq!(i64::try_from(&PyInt::from(7))?, 7);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PyInt(Size);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Size {
    Small(i128),
    /// Little-endian two's complement of more than 16 bytes, the fewest that hold it.
    Big(Box<[u8]>),
}

impl PyInt {
    /// The number with these bytes in little-endian two's complement. No bytes are 0.
    #[must_use]
    pub fn from_le_bytes(bytes: &[u8]) -> Self {
        let bytes = shortest(bytes);
        let fill = if is_negative(bytes) { 0xff } else { 0 };
        let mut small = [fill; 16];
        match small.get_mut(..bytes.len()) {
            Some(low) => {
                low.copy_from_slice(bytes);
                Self(Size::Small(i128::from_le_bytes(small)))
            }
            None => Self(Size::Big(bytes.into())),
        }
    }

    /// The fewest bytes that hold it in little-endian two's complement; none for 0.
    #[must_use]
    pub fn to_le_bytes(&self) -> Vec<u8> {
        match &self.0 {
            Size::Small(0) => Vec::new(),
            Size::Small(small) => shortest(&small.to_le_bytes()).to_vec(),
            Size::Big(bytes) => bytes.to_vec(),
        }
    }

    /// Its magnitude, in limbs of 32 bits from the lowest.
    fn magnitude(bytes: &[u8]) -> Vec<u32> {
        let negative = is_negative(bytes);
        let mut carry = negative;
        let limb = |chunk: &[u8]| {
            let mut limb = [if negative { 0xff } else { 0 }; 4];
            limb[..chunk.len()].copy_from_slice(chunk);
            let limb = u32::from_le_bytes(limb);
            if !negative {
                return limb;
            }
            let (limb, overflowed) = (!limb).overflowing_add(u32::from(carry));
            carry = overflowed;
            limb
        };
        let mut limbs: Vec<u32> = bytes.chunks(4).map(limb).collect();
        if carry {
            limbs.push(1);
        }
        limbs
    }
}

/// Without the bytes at the end that only repeat the sign.
pub(super) fn shortest(mut bytes: &[u8]) -> &[u8] {
    loop {
        bytes = match bytes {
            [] | [0] => return &[],
            [rest @ .., 0] if !is_negative(rest) => rest,
            [rest @ .., 0xff] if is_negative(rest) => rest,
            _ => return bytes,
        }
    }
}

fn is_negative(bytes: &[u8]) -> bool {
    bytes.last().is_some_and(|byte| byte & 0x80 != 0)
}

macro_rules! conversions {
    ($($ty:ident)*) => {$(
        impl From<$ty> for PyInt {
            fn from(value: $ty) -> Self {
                Self(Size::Small(value.into()))
            }
        }
    )*};
}

macro_rules! conversions_back {
    ($($ty:ident)*) => {$(
        impl TryFrom<&PyInt> for $ty {
            type Error = TryFromIntError;

            fn try_from(value: &PyInt) -> Result<Self, TryFromIntError> {
                match &value.0 {
                    Size::Small(small) => (*small).try_into(),
                    // There is no other way to have this error.
                    Size::Big(_) => i128::MAX.try_into(),
                }
            }
        }
    )*};
}

conversions! { u8 i8 u16 i16 u32 i32 u64 i64 i128 }
conversions_back! { u8 i8 u16 i16 u32 i32 u64 i64 }

impl TryFrom<&PyInt> for i128 {
    type Error = TryFromIntError;

    fn try_from(value: &PyInt) -> Result<Self, TryFromIntError> {
        match &value.0 {
            Size::Small(small) => Ok(*small),
            Size::Big(_) => u128::MAX.try_into(),
        }
    }
}

impl From<u128> for PyInt {
    fn from(value: u128) -> Self {
        let mut bytes = [0; 17];
        bytes[..16].copy_from_slice(&value.to_le_bytes());
        Self::from_le_bytes(&bytes)
    }
}

impl TryFrom<&PyInt> for u128 {
    type Error = TryFromIntError;

    fn try_from(value: &PyInt) -> Result<Self, TryFromIntError> {
        match &value.0 {
            Size::Small(small) => (*small).try_into(),
            Size::Big(bytes) => match &**bytes {
                [low @ .., 0] if low.len() == 16 => {
                    let mut value = [0; 16];
                    value.copy_from_slice(low);
                    Ok(Self::from_le_bytes(value))
                }
                _ => (-1_i128).try_into(),
            },
        }
    }
}

/// Why a text is no [`PyInt`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsePyIntError {
    too_long: bool,
}

impl fmt::Display for ParsePyIntError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.too_long {
            "an int of more than 4300 decimal digits"
        } else {
            "not an int in decimal digits"
        })
    }
}

impl std::error::Error for ParsePyIntError {}

impl FromStr for PyInt {
    type Err = ParsePyIntError;

    /// Reads decimal digits, at most 4300, perhaps with `-` before them.
    fn from_str(text: &str) -> Result<Self, ParsePyIntError> {
        if let Ok(small) = text.parse() {
            return Ok(Self(Size::Small(small)));
        }
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(ParsePyIntError { too_long: false });
        }
        if digits.len() > MOST_DIGITS {
            return Err(ParsePyIntError { too_long: true });
        }
        let mut limbs: Vec<u32> = Vec::with_capacity(digits.len() / 9 + 2);
        for digit in digits.bytes() {
            let mut carry = u64::from(digit - b'0');
            for limb in &mut limbs {
                carry += u64::from(*limb) * 10;
                *limb = low(carry);
                carry >>= 32;
            }
            if carry > 0 {
                limbs.push(low(carry));
            }
        }
        // Room for the sign.
        limbs.push(0);
        if negative {
            let mut carry = true;
            for limb in &mut limbs {
                (*limb, carry) = (!*limb).overflowing_add(u32::from(carry));
            }
        }
        let bytes: Vec<u8> = limbs.into_iter().flat_map(u32::to_le_bytes).collect();
        Ok(Self::from_le_bytes(&bytes))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is asked for")]
const fn low(value: u64) -> u32 {
    value as u32
}

impl fmt::Display for PyInt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = match &self.0 {
            Size::Small(small) => return small.fmt(f),
            Size::Big(bytes) => bytes,
        };
        let not_negative = !is_negative(bytes);
        let limbs = Self::magnitude(bytes);
        if bytes.len() <= MOST_BYTES {
            let digits = decimal(limbs.clone())?;
            if digits.len() <= MOST_DIGITS {
                return f.pad_integral(not_negative, "", &digits);
            }
        }
        let mut digits = "0x".to_owned();
        for (at, limb) in limbs.iter().rev().skip_while(|limb| **limb == 0).enumerate() {
            let width = if at == 0 { 0 } else { 8 };
            write!(digits, "{limb:0width$x}")?;
        }
        f.pad_integral(not_negative, "", &digits)
    }
}

/// The decimal digits of a number in limbs.
fn decimal(mut limbs: Vec<u32>) -> Result<String, fmt::Error> {
    let mut groups = Vec::new();
    while !limbs.is_empty() {
        let mut rest = 0;
        for limb in limbs.iter_mut().rev() {
            let part = rest << 32 | u64::from(*limb);
            *limb = low(part / 1_000_000_000);
            rest = part % 1_000_000_000;
        }
        groups.push(rest);
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
    }
    let mut digits = String::new();
    for (at, group) in groups.iter().rev().enumerate() {
        let width = if at == 0 { 0 } else { 9 };
        write!(digits, "{group:0width$}")?;
    }
    Ok(digits)
}

impl fmt::Debug for PyInt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PyInt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Ok(small) = i64::try_from(self) {
            serializer.serialize_i64(small)
        } else if let Ok(small) = u64::try_from(self) {
            serializer.serialize_u64(small)
        } else {
            serializer.serialize_newtype_struct(token::INT, &Bytes(&self.to_le_bytes()))
        }
    }
}

impl<'de> Deserialize<'de> for PyInt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(token::INT, IntVisitor)
    }
}

struct IntVisitor;

macro_rules! visit {
    ($($method:ident($ty:ty))*) => {$(
        fn $method<E>(self, value: $ty) -> Result<PyInt, E> {
            Ok(value.into())
        }
    )*};
}

impl<'de> Visitor<'de> for IntVisitor {
    type Value = PyInt;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer")
    }

    visit! { visit_i64(i64) visit_u64(u64) visit_i128(i128) visit_u128(u128) }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<PyInt, E> {
        Ok(PyInt::from_le_bytes(bytes))
    }

    // JSON has no bytes.
    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<PyInt, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = parts.next_element()? {
            bytes.push(byte);
        }
        Ok(PyInt::from_le_bytes(&bytes))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<PyInt, D::Error> {
        inner.deserialize_any(self)
    }
}
