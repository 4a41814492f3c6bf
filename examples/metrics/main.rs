//! A small service under changing load, and what Prometheus is told of it.
//!
//! ```sh
//! cargo run --release --example metrics -- [ADDRESS]
//! curl http://127.0.0.1:9898/metrics
//! ```
//!
//! Prometheus reads it with `scrape_configs: [{job_name: larder, static_configs: [{targets:
//! ['127.0.0.1:9898']}]}]`; `docs/grafana.json` shows it.

mod load;

use std::{env, error::Error, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{interval, timeout},
};

const WHAT_TO_LOOK_AT: &str = "\
The load changes every ten seconds: calm, a rush on few keys, a failing database, many cold keys.

  hit ratio          sum by (region) (rate(larder_hits_total[1m])) against larder_misses_total
  a rush             larder_hits_total{state=\"stale\"}: those served at once while one creates;
                     larder_waits_total: those who had nothing to be served with
  a failing source   larder_creator_failures_total, and larder_hits_total{state=\"stale\"} for those
                     who got what was there
  a small near tier  larder_evictions_total and larder_tier_misses_total{tier=\"near\"}
  what it costs      larder_creator_seconds, larder_wait_seconds, larder_backend_seconds
";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // First the exporter, then the regions: so that all counters are there from the start.
    let exporter = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &larder::Meter::SECONDS)?
        .install_recorder()?;
    let service = load::Service::new()?;

    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9898".to_owned());
    let listener = TcpListener::bind(&address).await?;
    println!("http://{}/metrics\n\n{WHAT_TO_LOOK_AT}", listener.local_addr()?);

    tokio::spawn(serve(listener, exporter.clone()));
    // Histograms keep every sample until somebody reads them, or this.
    tokio::spawn(async move {
        let mut turns = interval(Duration::from_secs(5));
        loop {
            turns.tick().await;
            exporter.run_upkeep();
        }
    });
    service.run().await;
    Ok(())
}

/// Answers requests one by one, which is enough for Prometheus.
async fn serve(listener: TcpListener, exporter: PrometheusHandle) {
    while let Ok((connection, _)) = listener.accept().await {
        let answer = answer(connection, &exporter);
        // Who is too slow or goes away gets no answer, and that is all.
        let _ = timeout(Duration::from_secs(2), answer).await;
    }
}

async fn answer(mut connection: TcpStream, exporter: &PrometheusHandle) -> std::io::Result<()> {
    let mut request = [0; 1024];
    let length = connection.read(&mut request).await?;
    let (status, body) = if request[..length].starts_with(b"GET /metrics ") {
        ("200 OK", exporter.render())
    } else {
        ("404 Not Found", "the metrics are at /metrics\n".to_owned())
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).await?;
    connection.write_all(body.as_bytes()).await?;
    connection.shutdown().await
}
