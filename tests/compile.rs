//! Wrong stacks do not compile, and the compiler says what to write instead.
//! The messages name what there is to choose from, so they are kept for all features together.
#![cfg(all(
    feature = "backend-file",
    feature = "backend-memory",
    feature = "backend-redis",
    feature = "config",
    feature = "codec-json",
    feature = "codec-msgpack",
    feature = "codec-postcard",
    feature = "dates-chrono",
    feature = "dates-time",
    feature = "key-hashed",
    feature = "lock-dbm"
))]

#[test]
fn wrong_stacks_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

#[cfg(feature = "macros")]
#[test]
fn wrong_functions_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/functions/*.rs");
}
