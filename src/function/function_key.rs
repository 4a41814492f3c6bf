use super::KeyText;
use crate::{AsKey, Key, KeyBuf};

/// The key of a call, on the stack as long as it is short.
#[derive(Clone, Debug)]
pub struct FunctionKey {
    text: KeyText,
    /// Where the name begins in a `(space, name)` key.
    split: Option<usize>,
}

impl FunctionKey {
    /// A name.
    #[must_use]
    #[inline]
    pub const fn plain(text: KeyText) -> Self {
        Self { text, split: None }
    }

    /// A space, and from `split` on a name in it.
    #[must_use]
    pub const fn pair(text: KeyText, split: usize) -> Self {
        Self { text, split: Some(split) }
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

impl AsKey for FunctionKey {
    fn as_key(&self) -> Key<'_> {
        Self::as_key(self)
    }
}
