//! It keeps the promises of stores, in a request and outside of one.

use larder::{BackendExt, LayerExt, Memo, Memory, PayloadExt, testing};

use crate::request;

#[tokio::test]
async fn outside_of_a_request() {
    testing::store_suite(|| async { Memo::new().request_scoped() }, |n| n).await;
    testing::entry_ttl_suite(|| async { Memo::new().request_scoped() }, |n| n).await;
}

#[tokio::test]
async fn in_a_request() {
    let stack = || async { Memory::new().postcard().framed().request_scoped() };
    request(testing::store_suite(stack, |n| n)).await;
    request(testing::entry_ttl_suite(stack, |n| n)).await;
}
