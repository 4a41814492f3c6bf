//! Exactly which key the levels below see. These are formats on the wire: other versions and other
//! languages look for the same.

use larder::{
    Bucketed, Hashed, Key, KeyHash, LayerExt, Level, Memory, Normalized, Null, Sha1, SplitAt,
};

fn exactly<S: Level>(stack: &S, cases: [(Key<'_>, Key<'_>); 4]) {
    for (key, stored) in cases {
        assert_eq!(stack.stored_key(key), Some(stored.to_buf()), "{key:?}");
    }
}

fn plain(name: &str) -> Key<'_> {
    name.into()
}

fn pair<'k>(space: &'k str, name: &'k str) -> Key<'k> {
    (space, name).into()
}

#[test]
fn a_prefix() {
    exactly(
        &Null.prefixed("app:"),
        [
            (plain("user:15"), plain("app:user:15")),
            (plain(""), plain("app:")),
            (pair("user-15", "posts"), pair("app:user-15", "posts")),
            (pair("", ""), pair("app:", "")),
        ],
    );
}

#[test]
fn a_version() {
    exactly(
        &Null.versioned::<3>(),
        [
            (plain("user:15"), plain("v3:user:15")),
            (plain(""), plain("v3:")),
            (pair("user-15", "posts"), pair("v3:user-15", "posts")),
            (pair("", ""), pair("v3:", "")),
        ],
    );
    assert_eq!(Null.versioned::<0>().stored_key("k".into()), Some(plain("v0:k").to_buf()));
    let last = Null.versioned::<{ u32::MAX }>().stored_key("k".into());
    assert_eq!(last, Some(plain("v4294967295:k").to_buf()));
}

#[test]
fn digests() {
    exactly(
        &Null.hashed(),
        [
            (plain("user:15"), plain("~KFnhREflhc-WupAvDsO39SnuybZ73O3c")),
            (plain(""), plain("~rxNJufX5oaagQE3qNtzJSZvLJcmtwRK3")),
            (
                pair("user-15", "posts"),
                pair("~xXxOoEgkJdIhOMji5BLaipeAmaMIqc7k", "~HXbHOOcKmiFoLl2O7AOrIey62WIrG8kr"),
            ),
            (
                pair("", ""),
                pair("~rxNJufX5oaagQE3qNtzJSZvLJcmtwRK3", "~rxNJufX5oaagQE3qNtzJSZvLJcmtwRK3"),
            ),
        ],
    );
    exactly(
        &Null.keyed(KeyHash::new().longer_than(6)),
        [
            (plain("user:15"), plain("~KFnhREflhc-WupAvDsO39SnuybZ73O3c")),
            (plain("user:1"), plain("user:1")),
            (pair("user-15", "posts"), pair("~xXxOoEgkJdIhOMji5BLaipeAmaMIqc7k", "posts")),
            (pair("user-1", "posts"), pair("user-1", "posts")),
        ],
    );
}

#[test]
fn digests_of_dogpile() {
    let (short, long) = ("some_key", "tests.cache.test_decorator:one|1 2");
    let digests =
        ["53def077a4264bd3183d4eb21b1f56f883e1b572", "aead490a8ace2d69a00160f1fd8fd8a16552c24f"];
    exactly(
        &Null.keyed(KeyHash::with(Sha1)),
        [
            (plain(short), plain(digests[0])),
            (plain(long), plain(digests[1])),
            (pair(short, long), pair(digests[0], digests[1])),
            (plain(""), plain("da39a3ee5e6b4b0d3255bfef95601890afd80709")),
        ],
    );
    // `length_conditional_mangler(9, sha1_mangle_key)`.
    exactly(
        &Null.keyed(KeyHash::with(Sha1).longer_than(9 - 1)),
        [
            (plain(short), plain(short)),
            (plain(long), plain(digests[1])),
            (pair(short, long), pair(short, digests[1])),
            (plain(""), plain("")),
        ],
    );
}

#[test]
fn rules() {
    let long = "https://example.com/".to_owned() + &"a b/".repeat(60);
    let stored = "https://example.com/".to_owned() + &"a%20b/".repeat(32) + "a%20";
    let stored = stored + "%~" + LONG_DIGEST;
    exactly(
        &Null.normalized(),
        [
            (plain("two words, 100%"), plain("two%20words,%20100%25")),
            (plain(""), plain("%~rxNJufX5oaagQE3qNtzJSZvLJcmtwRK3")),
            (pair("user-15", "posts"), plain("user-15%.posts")),
            (plain(&long), plain(&stored)),
        ],
    );
    assert_eq!(stored.len(), 250);
}

/// Of the key itself, not of what it became.
const LONG_DIGEST: &str = "cHZQT3oSqoiJ_gZQQ4ilAjRbqDukeZbv";

#[test]
fn split_keys() {
    let stack = Null.split_at::<'|'>();
    exactly(
        &stack,
        [
            (plain("user-15|posts"), pair("user-15", "posts")),
            (plain("user-15|posts|3"), pair("user-15", "posts|3")),
            (plain("about"), plain("|about")),
            (pair("user-15", "posts"), pair("||user-15", "posts")),
        ],
    );
    exactly(
        &stack,
        [
            (plain(""), plain("|")),
            (plain("|"), pair("", "")),
            (pair("", ""), pair("||", "")),
            (pair("a|b", "c|d"), pair("||a|b", "c|d")),
        ],
    );
    exactly(
        &Null.split_at::<'→'>(),
        [
            (plain("a→b"), pair("a", "b")),
            (plain("a|b"), plain("→a|b")),
            (plain("→→"), pair("", "→")),
            (pair("a", "b"), pair("→→a", "b")),
        ],
    );
}

#[test]
fn buckets() {
    let stack = Null.bucketed::<100>();
    exactly(
        &stack,
        [
            (plain("1234"), pair("12", "34")),
            (plain("user:1234"), pair("user:12", "34")),
            (plain("user:7"), pair("user:0", "7")),
            (plain("-105"), pair("-1", "5")),
        ],
    );
    // Zeros before a number.
    exactly(
        &stack,
        [
            (plain("0"), pair("0", "0")),
            (plain("00"), pair("00", "0")),
            (plain("007"), pair("000", "7")),
            (plain("user:001234"), pair("user:0012", "34")),
        ],
    );
    // No numbers: plain, and marked where they look like something else.
    exactly(
        &stack,
        [
            (plain("about"), plain("about")),
            (plain("v1."), plain("v1..")),
            (plain("18446744073709551616"), plain("18446744073709551616.")),
            (plain("15٣"), plain("15٣")),
        ],
    );
    exactly(
        &stack,
        [
            (plain(""), plain("")),
            (pair("posts", "15"), pair("posts", "15")),
            (pair("user-15", "posts"), pair("user-15/", "posts")),
            (pair("user-15/", "posts"), pair("user-15//", "posts")),
        ],
    );
    exactly(
        &Null.bucketed::<128>(),
        [
            (plain("127"), pair("0", "127")),
            (plain("128"), pair("1", "0")),
            (plain("18446744073709551615"), pair("144115188075855871", "127")),
            (plain("user:1000000"), pair("user:7812", "64")),
        ],
    );
}

#[test]
fn postfix_and_written_out_are_the_same_type() {
    let _: Hashed<Null> = Null.hashed();
    let _: Hashed<Null, Sha1> = Null.keyed(KeyHash::with(Sha1));
    let _: Normalized<Null> = Null.normalized();
    let _: SplitAt<Null, '|'> = Null.split_at::<'|'>();
    let _: Bucketed<Null, 100> = Bucketed::new(Null);
    let _: Hashed<Normalized<Null>> = Hashed::new(Normalized::new(Null));
}

#[test]
fn layers_go_from_the_outside_in_wherever_they_are() {
    let stored = Some(pair("v3:app:user-15", "posts").to_buf());
    let key = pair("user-15", "posts");
    assert_eq!(Null.versioned::<3>().prefixed("app:").stored_key(key), stored);
    let stored = Some(pair("app:v3:user-15", "posts").to_buf());
    assert_eq!(Null.prefixed("app:").versioned::<3>().stored_key(key), stored);
    assert_eq!(Memory::new().logging().stored_key(key), None);
}
