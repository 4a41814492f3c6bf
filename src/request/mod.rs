//! A cache that lives as long as one request, before any stack; lookups in batches; relations that load on
//! first use.
//!
//! | to | there is |
//! |---|---|
//! | ask for nothing twice in one request | [`RequestScoped`], a layer, postfix `.request_scoped()` |
//! | pair `WHERE id = ?` and `WHERE id IN (..)` | [`Lookup`], and [`Loader`], which has it behind a region |
//! | load relations on first use, or those of many objects at once | [`Lazy`] and [`Loader::prefetch`] |
//! | keep anything else for a request | [`Stash`] |
//! | count what a request does, for the panel | [`Counters`] |
//! | say where a request begins and ends | [`RequestScope`], or `RequestLayer` (feature `request-tower`) |
//!
//! A whole page, with two statements for three products and their makers, however many there are:
//!
//! ```
//! # #[cfg(feature = "backend-memory")] {
//! use larder::{AsKey, Failure, LayerExt, Lazy, Loader, Lookup, Memo, RequestScope, RequestScoped};
//!
//! # #[derive(Debug)] struct DbError;
//! # #[derive(Clone, Default)] struct Database(std::sync::Arc<std::sync::Mutex<Vec<Vec<u64>>>>);
//! # impl Database {
//! #     async fn products(&self, ids: Vec<u64>) -> Result<Vec<(u64, Product)>, DbError> {
//! #         self.0.lock().unwrap().push(ids.clone());
//! #         let product = |id| Product { name: format!("product {id}"), maker: Lazy::new(id % 2) };
//! #         Ok(ids.into_iter().filter(|id| *id < 100).map(|id| (id, product(id))).collect())
//! #     }
//! #     async fn makers(&self, ids: Vec<u64>) -> Result<Vec<(u64, Maker)>, DbError> {
//! #         self.0.lock().unwrap().push(ids.clone());
//! #         Ok(ids.into_iter().map(|id| (id, Maker { name: format!("maker {id}") })).collect())
//! #     }
//! # }
//! #[derive(Clone)]
//! struct Product { name: String, maker: Lazy<Maker> } // in the cache it is the maker's id
//!
//! #[derive(Clone)]
//! struct Maker { name: String }
//!
//! struct Products(Database);
//!
//! impl Lookup for Products {
//!     type Id = u64;
//!     type Value = Product;
//!     type Error = DbError;
//!
//!     fn key(&self, id: &u64) -> impl AsKey + Send {
//!         format!("product:{id}")
//!     }
//!
//!     async fn many(&self, ids: Vec<u64>) -> Result<Vec<(u64, Product)>, DbError> {
//!         self.0.products(ids).await // SELECT .. FROM products WHERE id IN (..)
//!     }
//! }
//!
//! struct Makers(Database); // the same for makers
//! # impl Lookup for Makers {
//! #     type Id = u64;
//! #     type Value = Maker;
//! #     type Error = DbError;
//! #     fn key(&self, id: &u64) -> impl AsKey + Send { format!("maker:{id}") }
//! #     async fn many(&self, ids: Vec<u64>) -> Result<Vec<(u64, Maker)>, DbError> { self.0.makers(ids).await }
//! # }
//!
//! struct App {
//!     products: Loader<Products, RequestScoped<Memo<Product>>>, // or RequestScoped<Framed<Postcard<Redis>>>
//!     makers: Loader<Makers, RequestScoped<Memo<Maker>>>,
//! }
//!
//! async fn page(app: &App, ids: &[u64]) -> Result<Vec<String>, Failure<DbError>> {
//!     let products = app.products.get_multi(ids).await?;                       // one statement
//!     let products: Vec<Product> = products.into_iter().flatten().collect();
//!     app.makers.prefetch(products.iter().map(|product| product.maker.id())).await?; // another one
//!     let mut lines = Vec::new();
//!     for product in products {
//!         let maker = product.maker.get(&app.makers).await?;                   // asks nobody
//!         lines.push(format!("{} by {}", product.name, maker.map_or_else(String::new, |maker| maker.name)));
//!     }
//!     Ok(lines)
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! # let database = Database::default();
//! let app = App {
//!     products: Loader::new(Memo::new().request_scoped().region(), Products(database.clone())),
//!     makers: Loader::new(Memo::new().request_scoped().region(), Makers(database.clone())),
//! };
//! let lines = RequestScope::new("GET /products").run(page(&app, &[1, 2, 3, 404])).await.unwrap();
//! assert_eq!(lines, ["product 1 by maker 1", "product 2 by maker 0", "product 3 by maker 1"]);
//! # assert_eq!(*database.0.lock().unwrap(), [vec![1, 2, 3, 404], vec![1, 0]]);
//! # });
//! # }
//! ```
//!
//! The next request asks the database for nothing: not even for the product 404, since that there is none
//! is kept for everyone.
//!
//! # In a server
//!
//! `RequestLayer` puts a scope in force for each request of a tower service. A handler of axum (feature
//! `request-axum`) needs nothing more, and has the scope as an argument if it wants it:
//!
//! ```
//! # #[cfg(feature = "request-axum")] {
//! use axum::{Router, routing::get};
//! use larder::{RequestLayer, RequestScope};
//!
//! async fn products(scope: RequestScope) -> String {
//!     scope.stash().put("locale", "de".to_owned()); // for who comes later in this request
//!     scope.name().to_owned()                       // "GET /products"
//! }
//!
//! let app: Router = Router::new().route("/products", get(products)).layer(RequestLayer::new());
//! # let _ = app;
//! # }
//! ```
//!
//! Tasks, threads and streamed bodies are outside of the request unless it is carried there: see
//! [`RequestScope`].

mod counters;
#[cfg(feature = "request-axum")]
mod extract;
#[cfg(feature = "request-tower")]
mod layer;
mod lazy;
mod loader;
mod lookup;
mod notes;
mod scope;
mod scoped;
#[cfg(feature = "config")]
mod settings;
mod stash;

#[cfg(feature = "request-axum")]
pub use self::extract::MissingRequestScope;
#[cfg(feature = "request-tower")]
pub use self::layer::{RequestFuture, RequestLayer, RequestService};
pub use self::{
    counters::Counters,
    lazy::Lazy,
    loader::Loader,
    lookup::Lookup,
    scope::{InRequest, RequestScope},
    scoped::RequestScoped,
    stash::Stash,
};
