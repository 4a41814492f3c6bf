//! Keys that are easily taken for each other.

use std::sync::Arc;

use super::{
    report::{Broken, Outcome, ensure, holds, shown},
    subject::Subject,
};
use crate::{Key, KeyBuf, Put, WriteOpts};

const FOREVER: WriteOpts<'_> = WriteOpts::keep_for(None);

/// No space of these is also the name of a plain one: in Redis those share one set of names.
pub(super) fn tricky() -> Vec<KeyBuf> {
    #[rustfmt::skip]
    let plain = [
        "", " ", "  ", "k", "K", "k ", " k", "k\0", "k\0k", "kk", "k\n", "k\r\n", "k\t", "\u{7f}", "\u{1b}[0m",
        "\0", "\0\0", ".", "..", "../k", "/", "//", "k/k", "k\\k", "C:\\k", "*", "k*", "?", "[k]", "{k}",
        "%", "%00", "%6b", "k%", "'", "\"", "`", "$k", "${k}", ";", "k;k", "k=k", "k,k", "(k, k)", "k:k", "k::k",
        "null", "NaN", "0", "00", "-0", "1", "1.0",
        "\u{e9}", "e\u{301}", "\u{df}", "ss", "\u{131}", "i", "I", "\u{130}", "\u{212a}",
        // The byte 0xff stands between space and name where they are joined; these come near it.
        "\u{ff}", "k\u{ff}k", "\u{fe}", "\u{bf}", "\u{ffff}", "\u{fffd}", "\u{fffe}", "\u{feff}", "\u{feff}k",
        "\u{10ffff}", "\u{1f980}", "\u{1f980}\u{1f980}", "\u{202e}k", "\u{200b}", "\u{4e2d}\u{6587}",
        "_lockk", "__larder", "joinedpair", "joined:pair", "joined/pair", "joined\0pair", "joined,pair", "pair",
        "(joined, pair)", "joined\u{ff}pair",
    ];
    #[rustfmt::skip]
    let pairs = [
        ("joined", "pair"), ("joinedp", "air"), ("joine", "dpair"), ("joined ", "pair"), ("joined", " pair"),
        ("joined", ""), ("joined", "joined"), ("Joined", "pair"), ("pair ", "joined"), ("joined:", "pair"),
        ("joined", ":pair"), ("a", "b,c"), ("a,b", "c"), ("a", "b:c"), ("a:b", "c"), ("a", "b\0c"), ("a\0b", "c"),
        ("a", "b/c"), ("a/b", "c"), ("a", "b\u{ff}c"), ("a\u{ff}b", "c"), ("a", "b"), ("a", "\0"), ("a\0", ""),
        ("a", "\u{10ffff}"), ("a\u{10ffff}", ""), ("e\u{301}n", "k"), ("\u{e9}n", "k"), ("a", "*"), ("a", "../b"),
    ];
    let mut keys: Vec<KeyBuf> = plain.into_iter().map(|name| Key::from(name).to_buf()).collect();
    keys.extend(pairs.into_iter().map(|pair| Key::from((pair.0, pair.1)).to_buf()));
    // Alike but for their last letter, as keys made from paths and queries are.
    for len in [16, 32, 64, 100] {
        let stem = "q".repeat(len);
        keys.extend(["1", "2"].map(|last| Key::from(&(stem.clone() + last)).to_buf()));
        keys.extend(["1", "2"].map(|last| Key::from(("qs", &(stem.clone() + last))).to_buf()));
    }
    keys
}

/// All at once, by themselves and in a batch; then every other one is removed.
pub(super) async fn never_meet<S: Subject>(subject: Arc<S>) -> Outcome {
    let bufs = tricky();
    let keys: Vec<Key<'_>> = bufs.iter().map(KeyBuf::as_key).collect();
    let numbered = || (0..).zip(keys.iter().copied());
    for (number, key) in numbered() {
        subject.set(key, subject.value(number), FOREVER).await?;
    }
    for (number, key) in numbered() {
        holds(key, &subject.get(key).await?, &Some(subject.value(number)))?;
    }
    let puts: Vec<_> =
        numbered().map(|(n, key)| Put::new(key, subject.value(n + 1000), FOREVER)).collect();
    subject.set_multi(&puts).await?;
    for (key, put) in keys.iter().zip(&puts) {
        holds(*key, &subject.get(*key).await?, &Some(put.value.clone()))?;
    }
    let evens: Vec<Key<'_>> = keys.iter().copied().step_by(2).collect();
    let (singly, together) = evens.split_at(evens.len() / 2);
    for key in singly {
        subject.remove(*key).await?;
    }
    subject.remove_multi(together).await?;
    for (at, (key, put)) in keys.iter().zip(puts).enumerate() {
        let wanted = (at % 2 == 1).then_some(put.value);
        holds(*key, &subject.get(*key).await?, &wanted)?;
    }
    Ok(())
}

/// A store may have its limits, if it says so, and says so again for the same key.
pub(super) async fn long_ones_work_or_are_refused<S: Subject>(subject: Arc<S>) -> Outcome {
    let mut bufs = Vec::new();
    for len in [256, 512, 1024, 10 << 10] {
        let stem = "long ".repeat(len / 5);
        for last in ["1", "2"] {
            let long = stem.clone() + last;
            bufs.push(Key::from(&long).to_buf());
            bufs.push(Key::from(("space", &long)).to_buf());
            bufs.push(Key::from((&(long + "space"), "name")).to_buf());
        }
    }
    let mut wanted = Vec::new();
    for (number, key) in (0..).zip(&bufs) {
        let set = subject.set(key.as_key(), subject.value(number), FOREVER).await;
        let stored = accepted(key.as_key(), set)?;
        wanted.push(stored.map(|()| subject.value(number)));
    }
    for (key, wanted) in bufs.iter().zip(wanted) {
        let key = key.as_key();
        match accepted(key, subject.get(key).await)? {
            None if wanted.is_some() => {
                return Err(Broken::new(format!("it was set, but get refuses: {}", shown(key))));
            }
            found => holds(key, &found.flatten(), &wanted)?,
        }
    }
    Ok(())
}

/// Where one set of names serves both, each may put the other away; no one gets the other's value.
pub(super) async fn a_space_may_be_named_like_a_key<S: Subject>(subject: Arc<S>) -> Outcome {
    let plain = ["twice", "twice\u{ff}", "twicename", ""].map(|name| Key::from(name).to_buf());
    let pairs = [("twice", "name"), ("twice", ""), ("", "twice"), ("", "")];
    let pairs = pairs.map(|(space, name)| Key::from((space, name)).to_buf());
    let keys = || (0..).zip(plain.iter().chain(&pairs).map(KeyBuf::as_key));
    for (number, key) in keys() {
        let set = subject.set(key, subject.value(number), FOREVER).await;
        let stored = accepted(key, set)?.map(|()| subject.value(number));
        holds(key, &accepted(key, subject.get(key).await)?.flatten(), &stored)?;
    }
    for (number, key) in keys() {
        if let Some(found) = accepted(key, subject.get(key).await)?.flatten() {
            holds(key, &found, &subject.value(number))?;
        }
    }
    Ok(())
}

/// `None` where the store refused; that must not look as if it could work next time.
fn accepted<V>(key: Key<'_>, answer: crate::Result<V>) -> Result<Option<V>, Broken> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) => {
            let kind = error.kind();
            ensure(!error.is_transient(), || {
                format!("{}: refused with {kind:?}, which says `try again later`", shown(key))
            })?;
            Ok(None)
        }
    }
}
