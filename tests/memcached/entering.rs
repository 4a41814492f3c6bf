//! Ways to a server: UNIX sockets, logins, TLS.

use larder::{Backend, ErrorKind, Level};

use crate::{
    common::{FOREVER, SECRET, bytes, client, patient, whole},
    stub::Stub,
    support::memcached_server::MemcachedServer,
};

#[tokio::test]
async fn over_a_unix_socket() {
    let mut server = MemcachedServer::start_unix();
    let memcached = client(server.url());
    memcached.set("k".into(), bytes("v"), FOREVER).await.unwrap();
    assert_eq!(memcached.get("k".into()).await.unwrap(), Some(bytes("v")));
    server.kill();
    let error = memcached.get("k".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(whole(&error).contains(&server.folder().display().to_string()), "{error}");
}

#[tokio::test]
async fn users_have_passwords() {
    let server = MemcachedServer::start_with_users("cache:s3cret");
    for url in [
        server.url().replace("://", "://cache:s3cret@"),
        server.url().replace("://", "://cache:%733cret@"),
    ] {
        let memcached = client(url);
        memcached.set("k".into(), bytes("v"), FOREVER).await.unwrap();
        assert_eq!(memcached.get("k".into()).await.unwrap(), Some(bytes("v")));
        memcached.remove("k".into()).await.unwrap();
    }
    let builder = patient(server.url()).username("cache").password(SECRET);
    builder.build().unwrap().ping().await.unwrap();

    let wrong = patient(server.url()).username("cache").password("s3cret2").build().unwrap();
    let none = client(server.url());
    for (memcached, said) in [(wrong, "authentication failure"), (none, "unauthenticated")] {
        let error = memcached.get("k".into()).await.unwrap_err();
        assert_eq!((error.kind(), error.key()), (ErrorKind::Backend, Some("k".into())));
        assert!(whole(&error).contains(said), "{error}");
        whole(&memcached.ping().await.unwrap_err());
        assert!(!format!("{memcached:?}").contains(SECRET));
    }
}

/// A server without users would take a login for an entry that anybody can read.
#[tokio::test]
async fn a_password_is_not_told_to_those_who_do_not_want_it() {
    let server = MemcachedServer::start();
    let stub = Stub::start("EN\r\n").await;
    for url in [server.url(), stub.url()] {
        let memcached = patient(url).username("cache").password(SECRET).build().unwrap();
        let error = memcached.ping().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Backend);
        assert!(whole(&error).contains("leave them away"), "{error}");
    }
    assert_eq!(server.stat("cmd_set"), 0);
    assert!(stub.told().is_empty());
}

#[cfg(feature = "backend-memcached-tls")]
#[tokio::test]
async fn over_tls() {
    use crate::support::{memcached_server::MemcachedServer, redis_server::certificates};

    let folder = certificates();
    let ca = std::fs::read(folder.path().join("ca.pem")).unwrap();
    let server = MemcachedServer::start_tls(folder);
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("memcacheds://{host}:{}", server.port());
        let memcached = patient(url).ca_certificate(ca.clone()).build().unwrap();
        memcached.set("k".into(), bytes("v"), FOREVER).await.unwrap();
        let large = larder::Bytes::from(vec![b'x'; 900_000]);
        memcached.set("large".into(), large.clone(), FOREVER).await.unwrap();
        assert_eq!(memcached.get("large".into()).await.unwrap(), Some(large));
        assert!(format!("{memcached:?}").contains("(TLS)"));
    }
    // Nobody vouches for it; and it does not speak plainly.
    let unknown = client(format!("memcacheds://localhost:{}", server.port()));
    let error = unknown.get("k".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(whole(&error).contains("certificate"), "{error}");
    let limit = std::time::Duration::from_millis(100);
    let plain = patient(server.url()).connect_timeout(limit).build().unwrap();
    assert_eq!(plain.get("k".into()).await.unwrap_err().kind(), ErrorKind::Unavailable);
}
