//! Bytes become an entry or an error, and an entry comes back from the bytes it becomes.

use std::{any::type_name, fmt::Debug};

use larder::{
    Bytes, Codec, Entry, ErrorKind, Format, JsonCodec, MsgpackCodec, MsgpackNamedCodec,
    PickleCodec, PostcardCodec, RawCodec,
};
use serde::{Serialize, de::DeserializeOwned};

use super::types::{Dates, Expr, Record};

/// Says which codec and type that was.
fn entry_comes_back<C: Codec, T: Serialize + DeserializeOwned + PartialEq + Debug>(
    format: &impl Format,
    codec: &C,
    bytes: &Bytes,
) -> (&'static str, &'static str) {
    let chosen = (type_name::<C>(), type_name::<T>());
    let entry: Entry<T> = match format.decode(codec, bytes) {
        Ok(entry) => entry,
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::Decode | ErrorKind::Version), "{error:?}");
            return chosen;
        }
    };
    let mut out = Vec::new();
    format.encode(codec, &entry, &mut out).expect("what was read");
    let again: Entry<T> = format.decode(codec, &Bytes::from(out)).expect("what was written");
    assert_eq!(again, entry);
    chosen
}

/// How many codecs there are, and how many types for each.
pub const CHOICES: (u8, u8) = (6, 6);

/// Decodes `bytes` as an entry, the first one choosing the codec and the type; says which.
pub fn format(format: &impl Format, bytes: &[u8]) -> (&'static str, &'static str) {
    fn under(
        format: &impl Format,
        codec: &impl Codec,
        choice: u8,
        bytes: &Bytes,
    ) -> (&'static str, &'static str) {
        match choice % CHOICES.1 {
            0 => entry_comes_back::<_, Record>(format, codec, bytes),
            1 => entry_comes_back::<_, Expr>(format, codec, bytes),
            2 => entry_comes_back::<_, Vec<()>>(format, codec, bytes),
            3 => entry_comes_back::<_, String>(format, codec, bytes),
            4 => entry_comes_back::<_, i64>(format, codec, bytes),
            _ => entry_comes_back::<_, Dates>(format, codec, bytes),
        }
    }
    let Some((choice, bytes)) = bytes.split_first() else { return ("", "") };
    let bytes = &Bytes::copy_from_slice(bytes);
    if let Some(meta) = format.decode_nothing(bytes) {
        let mut out = Vec::new();
        format.encode_nothing(&meta, &mut out).expect("what was read");
        assert_eq!(format.decode_nothing(&out), Some(meta));
        // What is nothing is no value, whatever the codec.
        assert!(format.decode::<_, ()>(&PostcardCodec, bytes).is_err());
    }
    let (codec, choice) = (choice % CHOICES.0, choice / CHOICES.0);
    match codec {
        0 => under(format, &MsgpackCodec, choice, bytes),
        1 => under(format, &MsgpackNamedCodec, choice, bytes),
        2 => under(format, &JsonCodec, choice, bytes),
        3 => under(format, &PostcardCodec, choice, bytes),
        4 => under(format, &PickleCodec, choice, bytes),
        _ => under(format, &RawCodec, choice, bytes),
    }
}
