//! A TCP proxy that counts round trips.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Stands before a server and counts how often a client speaks after the server did: the round
/// trips of a client that does one thing at a time.
pub(crate) struct CountingProxy {
    address: SocketAddr,
    turns: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl CountingProxy {
    /// Starts one before `127.0.0.1:port`.
    pub(crate) async fn start(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let turns = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&turns);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let client_speaks = Arc::new(AtomicBool::new(false));
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let (turns, speaks) = (Arc::clone(&counter), Arc::clone(&client_speaks));
                tokio::spawn(carry(from_client, to_server, move || {
                    if !speaks.swap(true, Ordering::SeqCst) {
                        turns.fetch_add(1, Ordering::SeqCst);
                    }
                }));
                tokio::spawn(carry(from_server, to_client, move || {
                    client_speaks.store(false, Ordering::SeqCst);
                }));
            }
        });
        Self { address, turns, task }
    }

    /// `memcached://127.0.0.1:port` of the proxy.
    pub(crate) fn memcached_url(&self) -> String {
        format!("memcached://{}", self.address)
    }

    /// `redis://127.0.0.1:port` of the proxy.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// How many round trips there were since this was last asked.
    pub(crate) fn take(&self) -> usize {
        self.turns.swap(0, Ordering::SeqCst)
    }
}

impl Drop for CountingProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    spoken: impl Fn(),
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        spoken();
        if to.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}
