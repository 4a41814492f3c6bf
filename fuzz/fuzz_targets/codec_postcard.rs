#![no_main]

use larder::PostcardCodec;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    larder_fuzz::codecs::codec(&PostcardCodec, bytes);
});
