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

pub use self::{codecs::pickle, config::config, keys::keys, region::region, tiered::tiered};

/// A target by its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 15] = [
    ("codec_json", |bytes| _ = codecs::codec(&JsonCodec, bytes)),
    ("codec_msgpack", |bytes| _ = codecs::codec(&MsgpackCodec, bytes)),
    ("codec_msgpack_named", |bytes| _ = codecs::codec(&MsgpackNamedCodec, bytes)),
    ("codec_pickle", pickle),
    ("codec_postcard", |bytes| _ = codecs::codec(&PostcardCodec, bytes)),
    ("codec_raw", |bytes| _ = codecs::codec(&RawCodec, bytes)),
    ("config_text", config),
    ("format_dogpile", |bytes| _ = formats::format(&DogpileFormat::<2>, bytes)),
    ("format_framed", |bytes| _ = formats::format(&FramedFormat, bytes)),
    ("format_full_dict", |bytes| _ = formats::format(&FullDictFormat::<1>, bytes)),
    ("format_int_time", |bytes| _ = formats::format(&IntTimeFormat, bytes)),
    ("format_no_meta", |bytes| _ = formats::format(&NoMetaFormat, bytes)),
    ("keys", keys),
    ("region", region),
    ("tiered", tiered),
];
