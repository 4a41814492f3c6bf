//! What watching costs: the same load on the shop without a recorder and meter in its stacks, with both
//! while recording is off, and while it is on.

use std::{
    error::Error,
    net::SocketAddr,
    time::{Duration, Instant},
};

use axum::Router;
use larder::Recording;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

const CONNECTIONS: usize = 8;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(1);

/// Measures in turns, so that a machine that changes its speed changes it for all, and prints the medians.
pub(crate) async fn compare(bare: Router, seen: Router) -> Result<(), Box<dyn Error>> {
    let (bare, seen) = (serve(bare).await?, serve(seen).await?);
    let (mut plain, mut off, mut on) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let mut rates = Vec::new();
        for (address, recording) in [(bare, false), (seen, false), (seen, true)] {
            if recording {
                Recording::global().start();
            } else {
                Recording::global().stop();
            }
            rates.push(requests_a_second(address).await?);
        }
        // The first round fills the caches.
        if let ([a, b, c], true) = (&rates[..], round > 0) {
            plain.push(*a);
            off.push(b / a);
            on.push(c / a);
        }
    }
    Recording::global().stop();
    println!("A page of 50 products, from the cache, {CONNECTIONS} connections, {ROUNDS} rounds:");
    println!("  bare                              {:8.0} requests/s", median(plain));
    println!("  recorded and metered, not recording  {:5.2} of that", median(off));
    println!("  recorded and metered, recording      {:5.2} of that", median(on));
    Ok(())
}

async fn serve(router: Router) -> Result<SocketAddr, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

/// Asks for pages over connections that are kept, for one round.
async fn requests_a_second(address: SocketAddr) -> Result<f64, Box<dyn Error>> {
    let (mut clients, began) = (JoinSet::new(), Instant::now());
    for client in 0..CONNECTIONS {
        clients.spawn(async move {
            let mut connection = TcpStream::connect(address).await?;
            let (mut count, mut buffer) = (0_u32, Vec::new());
            while began.elapsed() < ROUND {
                let page = (client + count as usize) % 8;
                let request = format!("GET /c/{page} HTTP/1.1\r\nhost: shop\r\n\r\n");
                connection.write_all(request.as_bytes()).await?;
                answer(&mut connection, &mut buffer).await?;
                count += 1;
            }
            Ok::<_, std::io::Error>(count)
        });
    }
    let mut count = 0;
    while let Some(client) = clients.join_next().await {
        count += client??;
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

/// Reads one answer, whose length its head tells.
async fn answer(connection: &mut TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<()> {
    let broken = || std::io::Error::other("not an answer of the shop");
    buffer.clear();
    loop {
        if connection.read_buf(buffer).await? == 0 {
            return Err(broken());
        }
        let Some(head) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&buffer[..head]).map_err(std::io::Error::other)?;
        if !text.starts_with("HTTP/1.1 200") {
            return Err(broken());
        }
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|length| length.parse().ok()).ok_or_else(broken)?;
        while buffer.len() < head + 4 + length {
            if connection.read_buf(buffer).await? == 0 {
                return Err(broken());
            }
        }
        return Ok(());
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
