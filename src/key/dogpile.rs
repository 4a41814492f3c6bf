use super::{AsKey, Key, KeyText, PyStr};

/// A function of Python, as dogpile.cache names it in keys: the part that is the same for all calls.
#[derive(Clone, Debug)]
pub struct DogpileFunction {
    /// With the bar behind it.
    text: KeyText,
}

impl DogpileFunction {
    /// In a `namespace`, as `cache_on_arguments(namespace=..)`.
    #[must_use]
    pub fn namespace(mut self, namespace: impl AsRef<str>) -> Self {
        self.text.push_str(namespace.as_ref());
        self.text.push_str("|");
        self
    }

    /// The key of a call, so far without arguments.
    #[must_use]
    pub fn key(&self) -> DogpileKey {
        DogpileKey { text: self.text.clone(), first: true }
    }

    /// The key of a call by dogpile's `kwarg_function_key_generator`: the arguments by the names they have
    /// in Python, in any order, those that have a default included.
    ///
    /// ```
    /// use larder::DogpileKey;
    ///
    /// let one = DogpileKey::function("myapp.tools:one");
    /// assert_eq!(one.key_by_names(&[("b", &2), ("a", &"x")]).as_str(), "myapp.tools:one|x 2");
    /// ```
    #[must_use]
    pub fn key_by_names(&self, arguments: &[(&str, &dyn PyStr)]) -> DogpileKey {
        let mut sorted: Vec<_> = arguments.iter().collect();
        sorted.sort_by_key(|(name, _)| *name);
        sorted.into_iter().fold(self.key(), |key, (_, value)| key.arg(value))
    }

    /// The keys of a call of a batch, as dogpile's `function_multi_key_generator` makes them: one for each
    /// argument.
    ///
    /// ```
    /// use larder::DogpileKey;
    ///
    /// let many = DogpileKey::function("myapp.tools:many");
    /// let keys: Vec<_> = many.keys([1, 2]).map(|key| key.as_str().to_owned()).collect();
    /// assert_eq!(keys, ["myapp.tools:many|1", "myapp.tools:many|2"]);
    /// ```
    pub fn keys(
        &self,
        arguments: impl IntoIterator<Item: PyStr>,
    ) -> impl Iterator<Item = DogpileKey> {
        arguments.into_iter().map(|argument| self.key().arg(argument))
    }
}

/// The key that dogpile.cache makes of a call of a Python function, so that both sides name the same entry.
///
/// ```
/// use larder::DogpileKey;
///
/// let one = DogpileKey::function("myapp.tools:one").namespace("foo");
/// assert_eq!(one.key().arg(3).arg("x").as_str(), "myapp.tools:one|foo|3 x");
/// assert_eq!(one.key().arg(None::<u64>).arg(0.5).as_str(), "myapp.tools:one|foo|None 0.5");
/// assert_eq!(one.key().as_str(), "myapp.tools:one|foo|");
/// ```
///
/// It is [`AsKey`], so it can be the `key` of a cached function. That has a shorter way, too
/// ([`cached`](macro@crate::cached)):
///
/// ```
/// # #[cfg(all(feature = "macros", feature = "backend-memory"))] {
/// use std::sync::LazyLock;
/// use larder::{LayerExt, Memo, Region, cached};
///
/// static PAGES: LazyLock<Region<Memo<String>>> = LazyLock::new(|| Memo::new().region());
///
/// #[cached(region = PAGES, dogpile = "myapp.tools:one", namespace = "foo")]
/// async fn one(number: u64, name: &str) -> String {
///     format!("{number} {name}")
/// }
///
/// let key = one::cache().key(&3, "x")?;
/// assert_eq!(key.as_key(), "myapp.tools:one|foo|3 x".into());
/// # }
/// # Ok::<_, larder::Error>(())
/// ```
///
/// | Python | here |
/// |---|---|
/// | `function_key_generator` (default) | [`key`](DogpileFunction::key) and one [`arg`](Self::arg) after the other, but for `self` and `cls` |
/// | `kwarg_function_key_generator` | [`key_by_names`](DogpileFunction::key_by_names) |
/// | `function_multi_key_generator` | [`keys`](DogpileFunction::keys) |
/// | `key_mangler=sha1_mangle_key` | the layer [`Hashed`](crate::Hashed) with [`Sha1`](crate::Sha1) |
/// | `length_conditional_mangler(n, sha1_mangle_key)` | the same with a limit: [`KeyHash::longer_than`](crate::KeyHash::longer_than)`(n - 1)` |
///
/// The key in the store is exactly this text as long as no layer changes it. A [`Prefixed`](crate::Prefixed)
/// does: leave it out, or set its `key_prefix = ""` where the region comes from a configuration, because the
/// default is the name of the region. Prefixes on the side of Python go into it.
///
/// Parameters that have a default in Python are arguments there whether a call names them or not, in both
/// forms: `one(1)` of `def one(a, b=5)` is `myapp.tools:one|1 5`.
///
/// These keys tell calls apart no better than dogpile does: `1` and `"1"` share an entry, as do
/// `("a b", "c")` and `("a", "b c")`. They have spaces in them, which memcached refuses: a
/// [`Normalized`](crate::Normalized) layer, or the mangler that Python has, replaces them.
#[derive(Clone, Debug)]
pub struct DogpileKey {
    text: KeyText,
    /// No argument yet.
    first: bool,
}

impl DogpileKey {
    /// The function `name`, which is `module:function` as in Python's `__module__` and `__name__`.
    #[must_use]
    pub fn function(name: impl AsRef<str>) -> DogpileFunction {
        let mut text = KeyText::new();
        text.push_str(name.as_ref());
        text.push_str("|");
        DogpileFunction { text }
    }

    /// Adds an argument as Python's `str()` writes it.
    #[must_use]
    pub fn arg(mut self, value: impl PyStr) -> Self {
        if !std::mem::take(&mut self.first) {
            self.text.push_str(" ");
        }
        value.py_str(&mut self.text);
        self
    }

    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }
}

impl AsKey for DogpileKey {
    fn as_key(&self) -> Key<'_> {
        self.as_str().into()
    }
}

impl<'a> From<&'a DogpileKey> for Key<'a> {
    fn from(key: &'a DogpileKey) -> Self {
        key.as_key()
    }
}
