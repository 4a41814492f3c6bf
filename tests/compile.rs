//! Wrong stacks do not compile, and the compiler says what to write instead.
#![cfg(all(
    feature = "backend-memory",
    feature = "codec-json",
    feature = "codec-msgpack",
    feature = "codec-postcard"
))]

#[test]
fn wrong_stacks_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
