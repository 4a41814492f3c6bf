//! Requests to the example itself.

use std::{collections::BTreeMap, error::Error, net::SocketAddr, sync::atomic::Ordering::Relaxed};

use larder::Invalidation;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{CALLS, cache::Responses};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Asks for everything, and prints how often the handlers were called.
pub(crate) async fn demo(address: SocketAddr, responses: &Responses) -> Outcome<()> {
    println!("{:<44}requests  calls  answers", "");
    let crowd = async |what: &str, requests, path: &str, header: &str| {
        tell(address, what, requests, path, header).await
    };
    crowd("a report", 100, "/report?year=2026&month=11", "").await?;
    crowd("the same, parameters in another order", 1, "/report?month=11&year=2026", "").await?;
    crowd("another report", 100, "/report?year=2025", "").await?;
    responses.invalidate(Invalidation::Soft).await?;
    crowd("a report that is stale", 100, "/report?year=2026&month=11", "").await?;
    crowd("a report, by who has a cookie", 10, "/report?year=2025", "Cookie: id=7\r\n").await?;
    crowd("Cache-Control: private", 10, "/account", "").await?;
    crowd("Set-Cookie", 10, "/basket", "").await?;
    crowd("160 kB", 10, "/export", "").await?;
    crowd("an error", 10, "/broken", "").await?;
    Ok(())
}

/// Sends many requests at once.
async fn tell(
    address: SocketAddr,
    what: &str,
    requests: usize,
    path: &str,
    header: &str,
) -> Outcome<()> {
    let before = CALLS.load(Relaxed);
    let asked: Vec<_> = (0..requests)
        .map(|_| tokio::spawn(ask(address, format!("GET {path} HTTP/1.1\r\n{header}"))))
        .collect();
    let mut answers = BTreeMap::new();
    for answer in asked {
        *answers.entry(answer.await??).or_insert(0) += 1;
    }
    let calls = CALLS.load(Relaxed) - before;
    let answers: Vec<_> = answers.iter().map(|(answer, n)| format!("{n} {answer}")).collect();
    println!("{what:<44}{requests:>8}{calls:>7}  {}", answers.join(", "));
    Ok(())
}

/// What became of one request: its `X-Cache`, or else its status.
async fn ask(address: SocketAddr, request: String) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("{request}Host: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await?;
    let response = String::from_utf8_lossy(&response);
    let cache = response.lines().find_map(|line| line.strip_prefix("x-cache: "));
    let status = response.split(' ').nth(1).unwrap_or("nothing");
    Ok(cache.unwrap_or(status).to_owned())
}
