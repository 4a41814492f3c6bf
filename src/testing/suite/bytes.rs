//! What only stores of bytes promise.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    report::{Outcome, holds, same},
    subject::{Hashed, Subject},
};
use crate::{HashBackend, Key, Put, WriteOpts};

const FOREVER: WriteOpts<'_> = WriteOpts::keep_for(None);

/// Empty ones, every byte, texts that mean something to somebody, lengths around round numbers.
fn values() -> Vec<Bytes> {
    let mut values: Vec<Bytes> = (0..=u8::MAX).map(|byte| vec![byte].into()).collect();
    values.push(Bytes::new());
    values.push((0..=u8::MAX).collect());
    let texts =
        ["\r\n", "$-1\r\n", "-ERR\r\n", "\0", "nil", "null", "OK", "0", "\u{1f980}", "\0a\0"];
    values.extend(texts.map(Bytes::from));
    for round in [64, 128, 256, 512, 4096, 1 << 16] {
        let value = |len| (0..len).map(|n: u32| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]);
        values.extend([round - 1, round, round + 1].map(|len| value(len).collect::<Bytes>()));
    }
    values
}

pub(super) async fn any_bytes_are_kept<S: Subject<Value = Bytes>>(subject: Arc<S>) -> Outcome {
    for key in [Key::from("any"), ("any-space", "name").into()] {
        for value in values() {
            subject.set(key, value.clone(), FOREVER).await?;
            holds(key, &subject.get(key).await?, &Some(value))?;
        }
    }
    let names: Vec<String> = (0..values().len()).map(|n| format!("any{n}")).collect();
    let keys: Vec<Key<'_>> = names.iter().map(Key::from).collect();
    let puts = keys.iter().zip(values());
    let puts: Vec<_> = puts.map(|(key, value)| Put::new(*key, value, FOREVER)).collect();
    subject.set_multi(&puts).await?;
    for (put, found) in puts.iter().zip(super::basics::get_multi(&*subject, &keys).await?) {
        holds(put.key, &found, &Some(put.value.clone()))?;
    }
    Ok(())
}

pub(super) async fn a_megabyte_is_kept<S: Subject<Value = Bytes>>(subject: Arc<S>) -> Outcome {
    let keys = [Key::from("big"), ("big-space", "name").into()];
    let value: Bytes =
        (0..1_u32 << 20).map(|n| (n.wrapping_mul(n) >> 8).to_le_bytes()[0]).collect();
    for key in keys {
        subject.set(key, value.clone(), FOREVER).await?;
        holds(key, &subject.get(key).await?, &Some(value.clone()))?;
    }
    let found = super::basics::get_multi(&*subject, &keys).await?;
    same("a batch of megabytes", &found, &vec![Some(value.clone()), Some(value)])
}

/// Plain keys are the same by the hash methods and by those of every backend.
pub(super) async fn plain_keys_are_plain<B: HashBackend + 'static>(
    subject: Arc<Hashed<B>>,
) -> Outcome {
    let (key, backend) = (Key::from("plain"), &subject.0);
    let (one, two) = (subject.value(1), subject.value(2));
    subject.set(key, one.clone(), FOREVER).await?;
    same("plain, by `get`", &backend.get(key).await?, &Some(one.clone()))?;
    backend.set(key, two.clone(), FOREVER).await?;
    same("plain, by `hash_get`", &subject.get(key).await?, &Some(two))?;
    subject.remove(key).await?;
    same("plain, by `get`", &backend.get(key).await?, &None)?;
    backend.set(key, one, FOREVER).await?;
    backend.remove(key).await?;
    same("plain, by `hash_get`", &subject.get(key).await?, &None)
}
