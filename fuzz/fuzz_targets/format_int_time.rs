#![no_main]

use larder::IntTimeFormat;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    larder_fuzz::formats::format(&IntTimeFormat, bytes);
});
