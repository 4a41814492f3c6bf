#![no_main]

use larder::RawCodec;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    larder_fuzz::codecs::codec(&RawCodec, bytes);
});
