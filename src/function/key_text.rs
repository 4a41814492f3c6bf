use std::fmt;

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
pub struct KeyText {
    room: [u8; ROOM],
    /// How much of the room is taken.
    taken: usize,
    /// All of the text, once the room was too small for it.
    long: String,
}

impl KeyText {
    /// An empty text.
    #[must_use]
    #[inline]
    pub const fn new() -> Self {
        Self { room: [0; ROOM], taken: 0, long: String::new() }
    }

    /// What was written.
    #[must_use]
    #[inline]
    pub fn as_str(&self) -> &str {
        if self.long.is_empty() {
            // Only whole texts were put there, so this cannot fail.
            std::str::from_utf8(&self.room[..self.taken]).unwrap_or_default()
        } else {
            &self.long
        }
    }

    /// Adds `text`.
    #[inline]
    pub fn push_str(&mut self, text: &str) {
        if self.long.is_empty()
            && let Some(place) = self.room.get_mut(self.taken..self.taken + text.len())
        {
            place.copy_from_slice(text.as_bytes());
            self.taken += text.len();
        } else {
            self.push_long(text);
        }
    }

    /// Adds one character.
    #[inline]
    pub fn push(&mut self, c: char) {
        self.push_str(c.encode_utf8(&mut [0; 4]));
    }

    #[cold]
    fn push_long(&mut self, text: &str) {
        if self.long.is_empty() {
            self.long.reserve(2 * ROOM + text.len());
            let begin = std::str::from_utf8(&self.room[..self.taken]).unwrap_or_default();
            self.long.push_str(begin);
        }
        self.long.push_str(text);
    }

    /// Adds `text` with everything percent-encoded that would end it or break a line: white space,
    /// control characters, `%`, and what `also` names.
    pub(super) fn push_escaped(&mut self, text: &str, also: impl Fn(char) -> bool) {
        let escaped = |c: char| c == '%' || c.is_whitespace() || c.is_control() || also(c);
        let mut rest = text;
        while let Some(at) = rest.find(escaped) {
            self.push_str(&rest[..at]);
            let mut after = rest[at..].chars();
            after.next();
            let end = rest.len() - after.as_str().len();
            for byte in rest[at..end].bytes() {
                self.push('%');
                for digit in [byte >> 4, byte & 0xf] {
                    self.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
                }
            }
            rest = &rest[end..];
        }
        self.push_str(rest);
    }

    pub(super) fn len(&self) -> usize {
        if self.long.is_empty() { self.taken } else { self.long.len() }
    }

    /// Takes what was written after the first `len` bytes away.
    pub(super) fn split_off(&mut self, len: usize) -> String {
        let tail = self.as_str()[len..].to_owned();
        // The room still has the beginning, so that a long text may become a short one again.
        self.taken = self.taken.min(len);
        self.long.truncate(len);
        tail
    }
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
                let tail = text.split_off(len);
                assert_eq!(tail, expected.split_off(len));
                assert_eq!(text.as_str(), expected);
            }
        }
    }

    #[test]
    fn escapes() {
        let mut text = KeyText::new();
        text.push_escaped("a b%c\"\u{a0}é\n", |c| c == '"');
        assert_eq!(text.as_str(), "a%20b%25c%22%c2%a0é%0a");
    }
}
