//! A server that writes down what it is told, or answers nonsense.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Answers `mn`, and to everything else what it was made with.
pub(crate) struct Stub {
    address: SocketAddr,
    told: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Stub {
    /// Gives `answer` to all reads (`mg`), and `HD` to all writes and removals.
    pub(crate) async fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let told = Arc::default();
        let all = Arc::clone(&told);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer, Arc::clone(&all)));
            }
        });
        Self { address, told, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("memcached://{}", self.address)
    }

    /// The lines it was told since this was last asked, those of connecting left away.
    pub(crate) fn told(&self) -> Vec<String> {
        let told = std::mem::take(&mut *self.told.lock().unwrap());
        told.into_iter().filter(|line| line != "mn").collect()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, answer: &str, told: Arc<Mutex<Vec<String>>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let mut line = line.trim_end().to_owned();
        let reply = match line.get(..2) {
            Some("mn") => "MN\r\n",
            Some("mg") => answer,
            Some("ms") => {
                let size: usize = line.split(' ').nth(2)?.parse().ok()?;
                let mut value = vec![0; size + 2];
                stream.read_exact(&mut value).await.ok()?;
                line.push(' ');
                line.push_str(String::from_utf8_lossy(&value).trim_end());
                "HD\r\n"
            }
            _ => "HD\r\n",
        };
        told.lock().unwrap().push(line);
        stream.write_all(reply.as_bytes()).await.ok()?;
    }
}
