use std::{fmt, str};

/// Bytes that fit without an allocation.
const ROOM: usize = 160;

/// The text of a key while it is written; on the stack as long as it is not longer than 160 bytes.
///
/// ```
/// use std::fmt::Write;
/// use larder::function::KeyText;
///
/// let mut key = KeyText::new();
/// write!(key, "user:{}", 7)?;
/// assert_eq!(key.as_str(), "user:7");
/// # Ok::<_, std::fmt::Error>(())
/// ```
#[derive(Clone)]
pub struct KeyText(Text);

#[derive(Clone)]
enum Text {
    Inline { bytes: [u8; ROOM], len: usize },
    Heap(String),
}

impl KeyText {
    /// An empty text.
    #[must_use]
    #[inline]
    pub const fn new() -> Self {
        Self(Text::Inline { bytes: [0; ROOM], len: 0 })
    }

    /// What was written.
    #[must_use]
    #[inline]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Inline { bytes, len } => whole(&bytes[..*len]),
            Text::Heap(text) => text,
        }
    }

    /// Adds `text`.
    #[inline]
    pub fn push_str(&mut self, text: &str) {
        self.push_bytes(text.as_bytes());
    }

    /// Adds the bytes of a text.
    #[inline]
    fn push_bytes(&mut self, text: &[u8]) {
        match &mut self.0 {
            Text::Inline { bytes, len } => {
                let end = *len + text.len();
                if let Some(room) = bytes.get_mut(*len..end) {
                    room.copy_from_slice(text);
                    *len = end;
                } else {
                    let mut heap = String::with_capacity(2 * end);
                    heap.push_str(whole(&bytes[..*len]));
                    heap.push_str(whole(text));
                    self.0 = Text::Heap(heap);
                }
            }
            Text::Heap(heap) => heap.push_str(whole(text)),
        }
    }

    /// Adds one character.
    #[inline]
    pub fn push(&mut self, c: char) {
        self.push_str(c.encode_utf8(&mut [0; 4]));
    }

    /// Adds a number, without the detour of a formatter.
    #[inline]
    pub(crate) fn push_number(&mut self, mut number: u64) {
        let mut digits = [b'0'; 20];
        let mut at = digits.len() - 1;
        while number > 9 {
            digits[at] += (number % 10) as u8;
            number /= 10;
            at -= 1;
        }
        digits[at] += (number % 10) as u8;
        self.push_bytes(&digits[at..]);
    }

    /// The same for one that may be negative.
    #[inline]
    pub(crate) fn push_signed(&mut self, number: i64) {
        if number < 0 {
            self.push_str("-");
        }
        self.push_number(number.unsigned_abs());
    }

    /// Adds `text` with everything percent-encoded that would end it or break a line: white space,
    /// control characters, `%`, and what `also` names.
    pub(crate) fn push_escaped(&mut self, text: &str, also: impl Fn(char) -> bool) {
        let escaped = |c: char| c == '%' || c.is_whitespace() || c.is_control() || also(c);
        let mut rest = text;
        while let Some(at) = rest.find(escaped) {
            self.push_str(&rest[..at]);
            let mut after = rest[at..].chars();
            after.next();
            let end = rest.len() - after.as_str().len();
            for byte in rest[at..end].bytes() {
                let digit = |half: u8| b"0123456789abcdef"[usize::from(half)];
                self.push_bytes(&[b'%', digit(byte >> 4), digit(byte & 0xf)]);
            }
            rest = &rest[end..];
        }
        self.push_str(rest);
    }

    pub(crate) fn len(&self) -> usize {
        match &self.0 {
            Text::Inline { len, .. } => *len,
            Text::Heap(heap) => heap.len(),
        }
    }

    /// Takes back what was written after the first `end` bytes, which end with a whole character.
    pub(crate) fn truncate(&mut self, end: usize) {
        match &mut self.0 {
            Text::Inline { len, .. } => *len = end.min(*len),
            Text::Heap(heap) => heap.truncate(end),
        }
    }
}

/// The text in the bytes of texts.
#[inline]
fn whole(bytes: &[u8]) -> &str {
    // Only whole texts were put there, so this cannot fail.
    str::from_utf8(bytes).unwrap_or_default()
}

impl Default for KeyText {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Write for KeyText {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_str(text);
        Ok(())
    }
}

impl AsRef<str> for KeyText {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_whole() {
        for step in ["a", "äöü", "0123456789"] {
            let (mut text, mut expected) = (KeyText::new(), String::new());
            for _ in 0..100 {
                text.push_str(step);
                expected.push_str(step);
                assert_eq!(text.as_str(), expected);
                assert_eq!(text.len(), expected.len());
            }
            while let Some((len, _)) = expected.char_indices().next_back() {
                text.truncate(len);
                expected.truncate(len);
                assert_eq!(text.as_str(), expected);
            }
        }
    }

    #[test]
    fn numbers_are_those_of_display() {
        let mut text = KeyText::new();
        for number in [0, 1, 9, 10, 99, 1234, u64::MAX] {
            text.truncate(0);
            text.push_number(number);
            assert_eq!(text.as_str(), number.to_string());
        }
        for number in [0, -1, 7, -10, i64::MIN, i64::MAX] {
            text.truncate(0);
            text.push_signed(number);
            assert_eq!(text.as_str(), number.to_string());
        }
    }

    #[test]
    fn escapes() {
        let mut text = KeyText::new();
        text.push_escaped("a b%c\"\u{a0}é\n", |c| c == '"');
        assert_eq!(text.as_str(), "a%20b%25c%22%c2%a0é%0a");
    }
}
