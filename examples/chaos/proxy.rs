//! The way to Redis, which can be slow, or end in the middle of a reply.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream, tcp::OwnedWriteHalf, unix::OwnedReadHalf},
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use crate::workload::Dice;

/// A TCP proxy before the socket of a server. It ends when it is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    ways: Arc<Ways>,
    task: JoinHandle<()>,
}

/// What happens to replies on the way.
#[derive(Debug, Default)]
pub(crate) struct Ways {
    /// How much later they arrive, in milliseconds.
    pub(crate) delay: AtomicU64,
    /// Whether one of some twenty ends in the middle, and the connection with it.
    pub(crate) cuts: AtomicBool,
    /// How often that happened.
    pub(crate) cut: AtomicU64,
}

impl Proxy {
    pub(crate) async fn start(socket: PathBuf, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let ways = Arc::new(Ways::default());
        let mut dice = Dice::new(seed);
        let shared = Arc::clone(&ways);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // Where nobody listens the client is let down at once.
                let Ok(server) = UnixStream::connect(&socket).await else { continue };
                tokio::spawn(carry(client, server, Arc::clone(&shared), Dice::new(dice.roll())));
            }
        });
        Ok(Self { address, ways, task })
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    pub(crate) fn ways(&self) -> &Ways {
        &self.ways
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Carries bytes both ways until one side ends.
async fn carry(client: TcpStream, server: UnixStream, ways: Arc<Ways>, dice: Dice) {
    let _ = client.set_nodelay(true);
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    // Replies are read on while earlier ones are late.
    let (pass, passed) = mpsc::unbounded_channel();
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
        _ = listen(from_server, pass, &ways) => {}
        _ = deliver(passed, to_client, &ways, dice) => {}
    }
}

type Late = (Instant, Vec<u8>);

async fn listen(
    mut server: OwnedReadHalf,
    pass: mpsc::UnboundedSender<Late>,
    ways: &Ways,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = server.read(&mut buffer).await?;
        let due = Instant::now() + Duration::from_millis(ways.delay.load(Relaxed));
        if count == 0 || pass.send((due, buffer[..count].to_vec())).is_err() {
            return Ok(());
        }
    }
}

async fn deliver(
    mut passed: mpsc::UnboundedReceiver<Late>,
    mut client: OwnedWriteHalf,
    ways: &Ways,
    mut dice: Dice,
) -> io::Result<()> {
    while let Some((due, bytes)) = passed.recv().await {
        if due > Instant::now() {
            sleep_until(due).await;
        }
        if ways.cuts.load(Relaxed) && dice.below(20) == 0 {
            client.write_all(&bytes[..bytes.len() / 2]).await?;
            ways.cut.fetch_add(1, Relaxed);
            return Ok(());
        }
        client.write_all(&bytes).await?;
    }
    Ok(())
}
