use super::KeyText;
use crate::{AsKey, Key, KeyBuf, Result};

/// The key of a call, on the stack as long as it is short.
#[derive(Clone, Debug)]
pub struct FunctionKey {
    text: KeyText,
    /// Where the name begins in a `(space, name)` key.
    split: Option<usize>,
}

impl FunctionKey {
    /// An empty key, to be written in its place.
    #[must_use]
    #[inline]
    pub const fn new() -> Self {
        Self { text: KeyText::new(), split: None }
    }

    /// Where it is written.
    #[inline]
    pub fn text(&mut self) -> &mut KeyText {
        &mut self.text
    }

    /// What was written is the space, what follows is the name in it.
    pub fn split(&mut self) {
        self.split = Some(self.text.as_str().len());
    }

    /// A key from elsewhere.
    #[must_use]
    pub fn of(key: &(impl AsKey + ?Sized)) -> Self {
        let (key, mut text) = (key.as_key(), KeyText::new());
        let split = key.space().map(|space| {
            text.push_str(space);
            space.len()
        });
        text.push_str(key.name());
        Self { text, split }
    }

    /// Borrows it.
    #[must_use]
    #[inline]
    pub fn as_key(&self) -> Key<'_> {
        let text = self.text.as_str();
        match self.split {
            None => text.into(),
            Some(at) => text.split_at(at).into(),
        }
    }

    /// An owned key.
    #[must_use]
    pub fn to_buf(&self) -> KeyBuf {
        self.as_key().to_buf()
    }
}

/// The key that `write` writes.
///
/// # Errors
///
/// When it does not succeed.
pub fn written(write: impl FnOnce(&mut FunctionKey) -> Result<()>) -> Result<FunctionKey> {
    let mut key = FunctionKey::new();
    write(&mut key)?;
    Ok(key)
}

impl Default for FunctionKey {
    fn default() -> Self {
        Self::new()
    }
}

impl AsKey for FunctionKey {
    fn as_key(&self) -> Key<'_> {
        Self::as_key(self)
    }
}
