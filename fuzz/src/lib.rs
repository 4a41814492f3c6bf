//! What the targets do with an input: one function each, which panics when something is wrong. There is
//! no libFuzzer in it, so `tests/regressions.rs` does the same on any toolchain.

mod calls;
pub mod codecs;
mod config;
pub mod formats;
mod keys;
mod memory;
mod region;
mod tiered;
mod types;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../../tests/support/yielding.rs"]
mod yielding;

use larder::{
    DogpileFormat, FramedFormat, FullDictFormat, IntTimeFormat, JsonCodec, MsgpackCodec,
    MsgpackNamedCodec, NoMetaFormat, PostcardCodec, RawCodec,
};

pub use self::{
    codecs::codec_pickle, config::config_text, keys::keys, region::region, tiered::tiered,
};

/// A target by its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 15] = [
    ("codec_json", codec_json),
    ("codec_msgpack", codec_msgpack),
    ("codec_msgpack_named", codec_msgpack_named),
    ("codec_pickle", codec_pickle),
    ("codec_postcard", codec_postcard),
    ("codec_raw", codec_raw),
    ("config_text", config_text),
    ("format_dogpile", format_dogpile),
    ("format_framed", format_framed),
    ("format_full_dict", format_full_dict),
    ("format_int_time", format_int_time),
    ("format_no_meta", format_no_meta),
    ("keys", keys),
    ("region", region),
    ("tiered", tiered),
];

pub fn codec_json(bytes: &[u8]) {
    codecs::codec(&JsonCodec, bytes);
}

pub fn codec_msgpack(bytes: &[u8]) {
    codecs::codec(&MsgpackCodec, bytes);
}

pub fn codec_msgpack_named(bytes: &[u8]) {
    codecs::codec(&MsgpackNamedCodec, bytes);
}

pub fn codec_postcard(bytes: &[u8]) {
    codecs::codec(&PostcardCodec, bytes);
}

pub fn codec_raw(bytes: &[u8]) {
    codecs::codec(&RawCodec, bytes);
}

pub fn format_dogpile(bytes: &[u8]) {
    formats::format(&DogpileFormat::<2>, bytes);
}

pub fn format_framed(bytes: &[u8]) {
    formats::format(&FramedFormat, bytes);
}

pub fn format_full_dict(bytes: &[u8]) {
    formats::format(&FullDictFormat::<1>, bytes);
}

pub fn format_int_time(bytes: &[u8]) {
    formats::format(&IntTimeFormat, bytes);
}

pub fn format_no_meta(bytes: &[u8]) {
    formats::format(&NoMetaFormat, bytes);
}
