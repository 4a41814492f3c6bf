//! Round trips to a real server.

use std::sync::Arc;

use larder::{BackendExt, LayerExt, Loader, PayloadExt, Redis};

use crate::{
    Database, Names, request,
    support::{proxy::CountingProxy, redis_server::RedisServer},
    text,
};

#[tokio::test]
async fn a_request_is_as_many_round_trips_as_batches() {
    let server = RedisServer::start();
    let proxy = CountingProxy::start(server.port()).await;
    let redis = Redis::new(proxy.url()).unwrap();
    let region = redis.hstore().postcard().framed().request_scoped().region();
    let database = Arc::new(Database::default());
    let names = Loader::new(region, Names(Arc::clone(&database)));
    names.region().get::<String>("connects").await.unwrap();

    proxy.take();
    request(async {
        names.get_multi(1..=200).await.unwrap();
        assert_eq!(proxy.take(), 2, "one read, one write");
        for id in 1..=200 {
            let name = names.get(id).await.unwrap();
            assert_eq!(name, text(&format!("name {id}")).filter(|_| id < 100));
        }
        names.get_multi([5, 150, 7]).await.unwrap();
    })
    .await;
    assert_eq!(proxy.take(), 0);
    request(names.get_multi(1..=200)).await.unwrap();
    assert_eq!(proxy.take(), 1, "another request reads, absent rows included");
    assert_eq!(database.take().len(), 1);
}
