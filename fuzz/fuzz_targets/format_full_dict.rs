#![no_main]

use larder::FullDictFormat;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    larder_fuzz::formats::format(&FullDictFormat::<1>, bytes);
});
