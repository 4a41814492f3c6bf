//! A shop with visitors, and the panel that shows what its caches do.
//!
//! `cargo run --example panel --features panel`, then `http://localhost:3000/cache`. An address of your own:
//! `... -- 127.0.0.1:4000`. With a Redis: `REDIS=redis://localhost cargo run ...`; without, memory stands in
//! for it, some tenths of a millisecond away.

#![expect(clippy::unwrap_used, reason = "a program to look at")]

use std::{env, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{Request, StatusCode},
    routing::get,
};
use larder::{
    BackendExt, Either, Failure, Framed, Label, LayerExt, Memo, Memory, PayloadExt, Postcard,
    Recorded, Recording, Redis, Region, RequestLayer, Tiered,
};
use tower::ServiceExt;

type Server = Arc<Either<Redis, Memory>>;
type Products =
    Region<Recorded<Tiered<Recorded<Memo<String>>, Framed<Postcard<Recorded<Server>>>>>>;
type Prices = Region<Framed<Postcard<Recorded<Server>>>>;
type Sessions = Region<Recorded<Memo<String>>>;

struct Shop {
    products: Products,
    prices: Prices,
    sessions: Sessions,
}

impl Shop {
    fn new(server: &Server) -> larder::Result<Self> {
        let tier = |name: &str| Label::new("products").tier(name);
        let far = Arc::clone(server).recorded(tier("server")).postcard().framed();
        let near = Memo::with_capacity(150).recorded(tier("near"));
        let products = far.behind(near).recorded("products");
        Ok(Self {
            products: Region::builder(products).expire_after(Duration::from_secs(20)).build()?,
            prices: Region::builder(Arc::clone(server).recorded("prices").postcard().framed())
                .expire_after(Duration::from_secs(2))
                .build()?,
            sessions: Memo::new().recorded("sessions").region(),
        })
    }

    async fn product(&self, id: u64) -> Result<String, Failure<NoProduct>> {
        let key = format!("product:{id}");
        let product = self.products.try_get_or_create(&key, async || {
            tokio::time::sleep(Duration::from_millis(4 + id % 30)).await;
            if id == 13 { Err(NoProduct) } else { Ok(format!("Product {id}")) }
        });
        product.await
    }

    async fn prices(&self, ids: &[u64]) -> larder::Result<usize> {
        let keys: Vec<_> = ids.iter().map(|id| format!("price:{id}")).collect();
        let prices = self.prices.get_or_create_multi(keys, async |missing| {
            tokio::time::sleep(Duration::from_millis(8)).await;
            missing.into_iter().map(|key| (key, 999_u64)).collect::<Vec<_>>()
        });
        Ok(prices.await?.len())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("there is no such product")]
struct NoProduct;

async fn product(State(shop): State<Arc<Shop>>, Path(id): Path<u64>) -> (StatusCode, String) {
    let near: Vec<_> = (id..id + 4).collect();
    let visitor = shop.sessions.get_or_create(("visitor", "7"), async || "ann".to_owned());
    let (_, prices, product) = tokio::join!(visitor, shop.prices(&near), shop.product(id));
    match (product, prices) {
        (Ok(product), Ok(prices)) => (StatusCode::OK, format!("{product}, {prices} prices")),
        (Err(error), _) => (StatusCode::NOT_FOUND, error.to_string()),
        (_, Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

async fn change(State(shop): State<Arc<Shop>>, Path(id): Path<u64>) -> StatusCode {
    let gone = shop.products.delete(&format!("product:{id}")).await;
    let (this, next) = (format!("price:{id}"), format!("price:{}", id + 1));
    let set = shop.prices.set_multi([(&this, 899_u64), (&next, 949)]).await;
    if gone.and(set).is_ok() { StatusCode::NO_CONTENT } else { StatusCode::BAD_GATEWAY }
}

/// Some like one product, some another; few like the last ones.
async fn visitors(shop: Router) {
    let mut dice = 0x9e37_79b9_u64;
    loop {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (a, b) = ((dice >> 33) % 300, (dice >> 45) % 300);
        let (id, is_change) = (a * b / 300, dice >> 59 == 3);
        let (method, path) = if is_change { ("PUT", "products") } else { ("GET", "products") };
        let request = Request::builder().method(method).uri(format!("/{path}/{id}"));
        let shop = shop.clone();
        tokio::spawn(async move { shop.oneshot(request.body(Body::empty()).unwrap()).await });
        tokio::time::sleep(Duration::from_millis(2 + (dice >> 40) % 40)).await;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = match env::var("REDIS") {
        Ok(url) => Arc::new(Either::First(Redis::new(&url)?)),
        Err(_) => Arc::new(Either::Second(Memory::new())),
    };
    let shop = Arc::new(Shop::new(&server)?);
    Recording::global().start();
    let app = Router::new()
        .route("/products/{id}", get(product).put(change))
        .with_state(shop)
        .nest("/cache", larder::panel())
        .layer(RequestLayer::new());
    tokio::spawn(visitors(app.clone()));
    let address = env::args().nth(1).unwrap_or("127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("http://{}/cache", listener.local_addr()?);
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
