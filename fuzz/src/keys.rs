//! Keys and what becomes of them: two never become one, and what was split can be joined.

use std::{
    collections::{HashMap, HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    sync::{Arc, LazyLock, Mutex},
};

use larder::{
    Backend, Batch, Bytes, DogpileKey, Error, ErrorKind, Hstore, Key, KeyBuf, KeyHash, KeyRules,
    LayerExt, Level, Memcached, MemcachedRules, Memory, Normal, Null, Put, Result, Sha1, WriteOpts,
    function::CallKey,
};

use super::calls::at_once;

/// The most keys of an input.
const MOST: usize = 6;

/// What layers put between parts or look for, and so what keys should be full of.
const ALPHABET: [&str; 16] =
    ["|", "||", ":", ".", "/", "%", "%.", "%~", "~", "0", "9", "10", " ", "é", "\0", "v3:"];

/// The text that bytes stand for: ASCII for itself, the others for parts of the alphabet or long runs.
fn text(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes.iter().take(64) {
        match *byte {
            byte @ 0..0x80 => text.push(byte.into()),
            byte @ 0x80..0xf0 => text.push_str(ALPHABET[usize::from(byte) % ALPHABET.len()]),
            byte => text.push_str(&["x", "é", "9", "%"][usize::from(byte) % 4].repeat(60)),
        }
    }
    text
}

/// The keys of an input, no two alike: `0xff` ends one, `0xfe` ends a space.
fn parsed(bytes: &[u8]) -> Vec<KeyBuf> {
    let mut known = HashSet::new();
    let keys = bytes.split(|byte| *byte == 0xff).take(MOST).map(|key| {
        match key.iter().position(|byte| *byte == 0xfe) {
            Some(at) => Key::from((&text(&key[..at]), &text(&key[at + 1..]))).to_buf(),
            None => Key::from(&text(key)).to_buf(),
        }
    });
    keys.filter(|key| known.insert(key.clone())).collect()
}

/// Checks what is promised of keys, and of the layer that the first byte chooses.
pub fn keys(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let keys = &parsed(rest)[..];
    match choice % 20 {
        0 => plainly(keys),
        1 => apart(keys, |seen| seen.prefixed("app:")),
        2 => apart(keys, LayerExt::versioned::<3>),
        3 => split(keys),
        4 => bucketed::<2>(keys),
        5 => bucketed::<10>(keys),
        6 => bucketed::<{ u32::MAX }>(keys),
        7 => apart(keys, LayerExt::hashed),
        8 => apart(keys, |seen| seen.keyed(KeyHash::new().longer_than(5))),
        9 => apart(keys, |seen| seen.keyed(KeyHash::with(Sha1))),
        10 => normal::<MemcachedRules>(keys),
        11 => normal::<Strict>(keys),
        // The outermost sees a key first.
        12 => apart(keys, |seen| seen.split_at::<':'>().prefixed("v3:").versioned::<3>()),
        13 => apart(keys, |seen| seen.normalized().bucketed::<10>().split_at::<'|'>()),
        14 => memcached(keys),
        15 => stored(keys, &Memory::new()),
        16 => stored(keys, &Hstore::<_>::new(Memory::new()).split_at::<'|'>()),
        17 => stored(keys, &Hstore::<_>::new(Memory::new()).bucketed::<10>()),
        18 => calls(keys),
        _ => dogpile(keys),
    }
}

fn plainly(keys: &[KeyBuf]) {
    let hashed = |key: &dyn Fn(&mut DefaultHasher)| {
        let mut hasher = DefaultHasher::new();
        key(&mut hasher);
        hasher.finish()
    };
    let mut flat = HashSet::new();
    for key in keys {
        let borrowed = key.as_key();
        assert_eq!(borrowed.to_buf(), *key);
        assert_eq!(hashed(&|to| key.hash(to)), hashed(&|to| borrowed.hash(to)));
        assert!(flat.insert(borrowed.flat().into_owned()), "{key:?}: the flat form of another one");
        let shown = borrowed.to_string();
        assert!(!shown.contains(char::is_control), "{shown:?}");
        for other in keys {
            let other = other.as_key();
            assert_eq!(borrowed == other, borrowed.cmp(&other).is_eq());
        }
    }
}

/// What the level below a layer was asked for.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<KeyBuf>>>);

impl Level for Seen {
    async fn remove(&self, _: Key<'_>) -> Result<()> {
        Ok(())
    }
}

impl Backend for Seen {
    async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        Err(Error::new(ErrorKind::Backend, "seen").with_key(key))
    }

    async fn set(&self, _: Key<'_>, _: Bytes, _: WriteOpts<'_>) -> Result<()> {
        Ok(())
    }

    async fn get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        self.0.lock().unwrap().extend(keys.iter().map(|key| key.to_buf()));
        Ok(keys
            .iter()
            .map(|key| Err(Error::new(ErrorKind::Backend, "seen").with_key(*key)))
            .collect())
    }
}

/// What the levels below see for `key`.
fn mapped(level: &impl Level, key: &KeyBuf) -> KeyBuf {
    level.stored_key(key.as_key()).unwrap_or_else(|| key.clone())
}

/// No two keys become one, not even those that were made to meet; a batch is mapped like its keys, and
/// errors name the caller's.
fn apart<L: Backend>(keys: &[KeyBuf], layer: impl Fn(Seen) -> L) {
    let seen = Seen::default();
    let level = layer(seen.clone());
    let mut all: Vec<KeyBuf> = keys.to_vec();
    all.extend(keys.iter().map(|key| mapped(&level, key)));
    let all: HashSet<KeyBuf> = all.into_iter().collect();
    let mut from: HashMap<KeyBuf, &KeyBuf> = HashMap::new();
    for key in &all {
        if let Some(other) = from.insert(mapped(&level, key), key) {
            panic!("{key:?} and {other:?} become {:?}", mapped(&level, key));
        }
    }
    let borrowed: Vec<Key<'_>> = all.iter().map(KeyBuf::as_key).collect();
    let answers = at_once(level.get_multi(&borrowed)).expect("an answer for each");
    let expected: Vec<KeyBuf> = all.iter().map(|key| mapped(&level, key)).collect();
    assert_eq!(*seen.0.lock().unwrap(), expected);
    for (key, answer) in borrowed.iter().zip(answers) {
        assert_eq!(answer.expect_err("it always fails").key(), Some(*key));
    }
}

fn split(keys: &[KeyBuf]) {
    apart(keys, LayerExt::split_at::<'|'>);
    let level = Null.split_at::<'|'>();
    for key in keys {
        let stored = mapped(&level, key);
        let (key, stored) = (key.as_key(), stored.as_key());
        match (key.space(), stored.space()) {
            (None, Some(space)) => {
                assert_eq!(key.name(), [space, "|", stored.name()].concat());
                assert!(!space.contains('|'), "{stored}: the hash of a pair");
            }
            (None, None) => assert_eq!(stored.name().strip_prefix('|'), Some(key.name())),
            (Some(space), _) => {
                assert_eq!(
                    stored.space().and_then(|stored| stored.strip_prefix("||")),
                    Some(space)
                );
                assert_eq!(stored.name(), key.name());
            }
        }
    }
    no_name_is_a_space(keys, &level);
}

fn bucketed<const N: u32>(keys: &[KeyBuf]) {
    apart(keys, LayerExt::bucketed::<N>);
    let level = Null.bucketed::<N>();
    for key in keys {
        let stored = mapped(&level, key);
        let (key, stored) = (key.as_key(), stored.as_key());
        match (key.space(), stored.space()) {
            (None, Some(space)) => assert_eq!(key.name(), joined::<N>(space, stored.name())),
            (None, None) => {
                let name = stored.name();
                assert_eq!(name.strip_suffix('.').unwrap_or(name), key.name());
            }
            (Some(space), stored_space) => {
                let stored_space = stored_space.expect("a pair stays one");
                assert_eq!(stored_space.strip_suffix('/').unwrap_or(stored_space), space);
                assert_eq!(stored.name(), key.name());
            }
        }
    }
    let plain: Vec<KeyBuf> =
        keys.iter().filter(|key| key.as_key().space().is_none()).cloned().collect();
    no_name_is_a_space(&plain, &level);
}

/// The key whose number was split into a bucket and what is left.
fn joined<const N: u32>(bucket: &str, left: &str) -> String {
    let before = bucket.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &bucket[before.len()..];
    let zeros = match digits.trim_start_matches('0').len() {
        0 => digits.len() - 1,
        len => digits.len() - len,
    };
    let number: u64 = digits[zeros..].parse().expect("a bucket has a number");
    let left: u64 = left.parse().expect("a field is a number");
    assert!(left < N.into(), "{left} of {N}");
    format!("{before}{}{}", &digits[..zeros], number * u64::from(N) + left)
}

fn no_name_is_a_space(keys: &[KeyBuf], level: &impl Level) {
    let stored: Vec<KeyBuf> = keys.iter().map(|key| mapped(level, key)).collect();
    let spaces: HashSet<&str> = stored.iter().filter_map(|key| key.as_key().space()).collect();
    for key in stored.iter().map(KeyBuf::as_key).filter(|key| key.space().is_none()) {
        assert!(!spaces.contains(key.name()), "{key}: the name of a hash, too");
    }
}

/// The fewest bytes that keys can be encoded with, and hardly room for a beginning.
struct Strict;

impl KeyRules for Strict {
    const MAX_BYTES: usize = 40;

    fn allows(byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || b"%.~-_".contains(&byte)
    }
}

fn normal<R: KeyRules + 'static>(keys: &[KeyBuf]) {
    apart(keys, |seen| seen.keyed(Normal::<R>::new()));
    let level = Null.keyed(Normal::<R>::new());
    for key in keys {
        obeys::<R>(key, &mapped(&level, key));
    }
}

/// It is allowed, and unless it was shortened, says which key it is.
fn obeys<R: KeyRules>(key: &KeyBuf, stored: &KeyBuf) {
    let (key, stored) = (key.as_key(), stored.as_key());
    assert_eq!(stored.space(), None);
    assert!((1..=R::MAX_BYTES).contains(&stored.name().len()), "{key:?}: {stored}");
    assert!(stored.name().bytes().all(R::allows), "{key:?}: {stored}");
    if !stored.name().contains("%~") {
        let (space, name) = match stored.name().split_once("%.") {
            Some((space, name)) => (Some(decoded(space)), decoded(name)),
            None => (None, decoded(stored.name())),
        };
        assert_eq!((key.space(), key.name()), (space.as_deref(), name.as_str()));
    }
}

fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(code, 16).expect("two hexadecimal digits"));
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).expect("whole characters are encoded")
}

fn memcached(keys: &[KeyBuf]) {
    static CLIENT: LazyLock<Memcached> =
        LazyLock::new(|| Memcached::new("memcached://localhost").expect("an address"));
    let names: HashSet<KeyBuf> = keys.iter().map(|key| mapped(&*CLIENT, key)).collect();
    assert_eq!(names.len(), keys.len());
    for key in keys {
        obeys::<MemcachedRules>(key, &mapped(&*CLIENT, key));
    }
}

/// Each key has its own value, and goes alone.
fn stored(keys: &[KeyBuf], level: &impl Backend) {
    let borrowed: Vec<Key<'_>> = keys.iter().map(KeyBuf::as_key).collect();
    let value = |at: usize| Bytes::from(vec![u8::try_from(at).expect("few keys")]);
    let puts: Vec<Put<'_, Bytes>> = borrowed
        .iter()
        .enumerate()
        .map(|(at, key)| Put::new(*key, value(at), WriteOpts::default()))
        .collect();
    at_once(level.set_multi(&puts)).expect("it is written");
    for gone in 0..=keys.len() {
        let found = at_once(level.get_multi(&borrowed)).expect("an answer for each");
        for (at, found) in found.into_iter().enumerate() {
            assert_eq!(found.expect("a value"), (at >= gone).then(|| value(at)), "{:?}", keys[at]);
            assert_eq!(at_once(level.get(borrowed[at])).expect("the same").is_some(), at >= gone);
        }
        if let Some(key) = borrowed.get(gone) {
            at_once(level.remove(*key)).expect("it is removed");
        }
    }
}

/// Calls with different arguments have different keys, without white space.
fn calls(keys: &[KeyBuf]) {
    let mut known: HashMap<String, (bool, &KeyBuf)> = HashMap::new();
    for key in keys {
        let (space, name) = (key.as_key().space(), key.as_key().name());
        for listed in [false, true] {
            let mut call = CallKey::new("app::load");
            if listed {
                call.argument("all", &[space, Some(name)]).expect("texts are written");
            } else {
                call.argument("space", &space).expect("texts are written");
                call.argument("name", name).expect("texts are written");
            }
            let call = call.end().as_str().to_owned();
            assert!(!call.contains(|c: char| c.is_whitespace() || c.is_control()), "{call:?}");
            if let Some(other) = known.insert(call, (listed, key)) {
                panic!("{other:?} and {:?} have the same key", (listed, key));
            }
        }
    }
    for key in keys {
        let mut in_namespace = CallKey::new("app::load");
        in_namespace.namespace(key.as_key().name());
        let in_namespace = in_namespace.end().as_str().to_owned();
        assert!(!known.contains_key(&in_namespace), "{in_namespace}");
    }
}

/// Python's keys are what Python makes of the texts: joined by spaces.
fn dogpile(keys: &[KeyBuf]) {
    let function = DogpileKey::function("app:load");
    let names: Vec<&str> = keys.iter().map(|key| key.as_key().name()).collect();
    let key = names.iter().fold(function.key(), |key, name| key.arg(*name));
    assert_eq!(key.as_str(), format!("app:load|{}", names.join(" ")));
}
