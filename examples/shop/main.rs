//! A small shop: axum, `SQLite`, minijinja, and a cache that can be looked into.
//!
//! ```sh
//! cargo run --release --example shop                                # memory over a file
//! cargo run --release --example shop -- --redis redis://localhost   # memory over Redis
//! cargo run --release --example shop -- --load                      # what watching costs
//! ```
//!
//! It makes a database of some thousand rows, needs no server, and says where to look.

mod catalog;
mod database;
mod load;
mod options;
mod pages;
mod stacks;

use std::{error::Error, net::SocketAddr, process::ExitCode, time::Duration};

use axum::{Router, routing::get};
use larder::{Meter, Recording};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use tokio::net::TcpListener;

use crate::{database::Database, options::Options, stacks::Stacks};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shop: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let Some(options) = Options::parse()? else { return Ok(()) };
    // Before the first stack is used: counters go where they were made.
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let metrics = PrometheusBuilder::new().set_buckets_for_metric(seconds, &Meter::SECONDS)?;
    let metrics = metrics.install_recorder()?;
    // What is timed waits to be summed up, also while nobody asks for it.
    let upkeep = metrics.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            upkeep.run_upkeep();
        }
    });
    let folder = tempfile::tempdir()?;
    let database = Database::generate(&folder.path().join("shop.sqlite"))?;
    let file = folder.path().join("cache");
    let stacks = |bare| Stacks { file: &file, redis: options.redis.as_deref(), bare };
    if options.load {
        let bare = pages::router(&database, &stacks(true))?;
        return load::compare(bare, pages::router(&database, &stacks(false))?).await;
    }

    // Off unless started: here, or in the panel.
    Recording::global().start();
    let router = pages::router(&database, &stacks(options.bare))?;
    let router = Router::new()
        .route("/metrics", get(async move || metrics.render()))
        .nest("/cache", larder::panel())
        .merge(router);
    let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
    let at = listener.local_addr()?;
    println!("The shop is open at http://{at}/ and has pages such as http://{at}/c/1");
    println!("Look into its cache at http://{at}/cache and at its metrics at http://{at}/metrics");
    println!("Ctrl-C closes it.");
    // The panel wants to know who asks.
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(async {
            tokio::signal::ctrl_c().await.ok();
        })
        .await?;
    Ok(())
}
