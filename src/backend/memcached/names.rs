//! Keys as the server takes them.

use super::failure;
use crate::{Key, KeyMap, KeyRules as _, KeyWriter, MemcachedRules, Normal, Result};

/// How keys become names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// All of them, no two the same.
    Normal,
    /// Those that the server takes, as they are.
    Exact,
}

impl Names {
    /// What the server knows `key` as.
    pub(super) fn of(self, key: Key<'_>) -> Result<KeyWriter> {
        match self {
            Self::Normal => Ok(normal(key)),
            Self::Exact if key.space().is_none() && obeys(key.name()) => {
                let mut out = KeyWriter::new();
                out.push(key.name());
                Ok(out)
            }
            Self::Exact => Err(failure::no_name(key)),
        }
    }
}

/// `key` as the server takes it.
pub(crate) fn normal(key: Key<'_>) -> KeyWriter {
    let mut out = KeyWriter::new();
    Normal::<MemcachedRules>::new().map(key, &mut out);
    out
}

/// Whether the server takes a key as it is.
pub(crate) fn obeys(name: &str) -> bool {
    (1..=MemcachedRules::MAX_BYTES).contains(&name.len())
        && name.bytes().all(MemcachedRules::allows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorKind, Level as _, Memcached};

    #[test]
    fn keys_that_obey_are_stored_as_they_are() {
        let memcached = Memcached::new("memcached://localhost").unwrap();
        for key in ["user:15", &"x".repeat(250), "\u{e9}"] {
            assert_eq!(memcached.stored_key(key.into()), None);
        }
        let stored = |key: Key<'_>| memcached.stored_key(key).map(|key| key.as_key().to_string());
        assert_eq!(stored("two words".into()).as_deref(), Some("two%20words"));
        assert_eq!(stored(("user-15", "posts").into()).as_deref(), Some("user-15%.posts"));
    }

    #[test]
    fn exact_keys_are_as_they_are_or_refused() {
        let memcached = Memcached::builder(["memcached://localhost"]).exact_keys(true).build();
        let memcached = memcached.unwrap();
        let longest = "x".repeat(250);
        for key in ["user:15", "100%", "two%20words", "a%.b", "\u{e9}", &longest] {
            assert_eq!(memcached.stored_key(key.into()), None);
            assert_eq!(Names::Exact.of(key.into()).unwrap().key(), Key::from(key));
        }
        let long = longest.clone() + "x";
        for key in
            ["".into(), "two words".into(), "a\n".into(), (&long).into(), Key::from(("a", "b"))]
        {
            let error = Names::Exact.of(key).map(|_| ()).unwrap_err();
            assert_eq!((error.kind(), error.layer()), (ErrorKind::Unsupported, "memcached"));
            assert_eq!(error.key(), Some(key));
        }
    }
}
