//! What the shop sells: lookups, which say how to ask the database for many at once, and the loaders that
//! ask it for what neither the request nor the cache has.

use std::sync::Arc;

use larder::{AsKey, Failure, Invalidation, Lazy, Loader, Lookup, Region};
use serde::{Deserialize, Serialize};

use crate::{
    database::{self, Database, ProductRow},
    stacks::{Stack, Stacks},
};

/// How many products are on a page.
pub(crate) const PAGE: u32 = 50;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Product {
    pub id: u64,
    pub name: String,
    pub cents: u32,
    /// Stored as the number of the maker; loaded when it is asked for.
    pub maker: Lazy<Arc<Maker>>,
    /// The number is that of the product.
    pub rating: Lazy<Arc<Rating>>,
}

impl From<ProductRow> for Product {
    fn from(row: ProductRow) -> Self {
        let ProductRow { id, name, cents, maker } = row;
        Self { id, name, cents, maker: Lazy::new(maker), rating: Lazy::new(id) }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Maker {
    pub name: String,
    pub town: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rating {
    pub stars: f64,
    pub reviews: u32,
}

pub(crate) struct Products(Database);
pub(crate) struct Makers(Database);
pub(crate) struct Ratings(Database);

impl Lookup for Products {
    type Id = u64;
    type Value = Arc<Product>;
    type Error = rusqlite::Error;

    fn key(&self, id: &u64) -> impl AsKey + Send {
        id.to_string()
    }

    async fn many(&self, ids: Vec<u64>) -> database::Result<Vec<(u64, Arc<Product>)>> {
        let rows = self.0.products(ids).await?;
        Ok(rows.into_iter().map(|row| (row.id, Arc::new(row.into()))).collect())
    }
}

impl Lookup for Makers {
    type Id = u64;
    type Value = Arc<Maker>;
    type Error = rusqlite::Error;

    fn key(&self, id: &u64) -> impl AsKey + Send {
        id.to_string()
    }

    async fn many(&self, ids: Vec<u64>) -> database::Result<Vec<(u64, Arc<Maker>)>> {
        let rows = self.0.makers(ids).await?;
        let maker = |row: database::MakerRow| Arc::new(Maker { name: row.name, town: row.town });
        Ok(rows.into_iter().map(|row| (row.id, maker(row))).collect())
    }
}

impl Lookup for Ratings {
    type Id = u64;
    type Value = Arc<Rating>;
    type Error = rusqlite::Error;

    fn key(&self, product: &u64) -> impl AsKey + Send {
        product.to_string()
    }

    // A product without reviews has no row: that is remembered, too.
    async fn many(&self, products: Vec<u64>) -> database::Result<Vec<(u64, Arc<Rating>)>> {
        let rows = self.0.ratings(products).await?;
        let rating =
            |row: database::RatingRow| Arc::new(Rating { stars: row.stars, reviews: row.reviews });
        Ok(rows.into_iter().map(|row| (row.product, rating(row))).collect())
    }
}

/// All of it.
pub(crate) struct Catalog {
    pub database: Database,
    pub products: Loader<Products, Stack<Arc<Product>>>,
    pub makers: Loader<Makers, Stack<Arc<Maker>>>,
    pub ratings: Loader<Ratings, Stack<Arc<Rating>>>,
    /// The products on a page of a category.
    pages: Region<Stack<Vec<Arc<Product>>>>,
}

impl Catalog {
    pub(crate) fn new(database: Database, stacks: &Stacks<'_>) -> larder::Result<Self> {
        Ok(Self {
            products: Loader::new(stacks.region("products", 10)?, Products(database.clone())),
            makers: Loader::new(stacks.region("makers", 60)?, Makers(database.clone())),
            ratings: Loader::new(stacks.region("ratings", 5)?, Ratings(database.clone())),
            pages: stacks.region("pages", 10)?,
            database,
        })
    }

    /// A page of a category, in one statement.
    pub(crate) async fn page(
        &self,
        category: usize,
        page: u32,
    ) -> Result<Vec<Arc<Product>>, Failure<rusqlite::Error>> {
        let create = async || {
            let rows = self.database.page(category, page, PAGE).await?;
            Ok(rows.into_iter().map(|row| Arc::new(row.into())).collect())
        };
        self.pages.try_get_or_create(&format!("{category}:{page}"), create).await
    }

    /// Changes the price of a product. It is on some page, so all pages are asked for anew; a page that is
    /// being read at this moment is not kept.
    pub(crate) async fn reprice(
        &self,
        id: u64,
        cents: u32,
    ) -> Result<(), Failure<rusqlite::Error>> {
        self.database
            .reprice(id, cents)
            .await
            .map_err(|error| Failure::Creator(Arc::new(error)))?;
        self.products.delete(id).await?;
        Ok(self.pages.invalidate(Invalidation::Hard).await?)
    }
}
