#![no_main]

use larder::DogpileFormat;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    larder_fuzz::formats::format(&DogpileFormat::<2>, bytes);
});
