#![no_main]

use larder::MsgpackCodec;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    larder_fuzz::codecs::codec(&MsgpackCodec, bytes);
});
