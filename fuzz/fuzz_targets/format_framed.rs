#![no_main]

use larder::FramedFormat;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    larder_fuzz::formats::format(&FramedFormat, bytes);
});
