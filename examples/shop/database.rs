//! `SQLite` with generated rows, behind functions that ask it once for many.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use larder::RequestScope;
use rusqlite::{Connection, OpenFlags, Row, params_from_iter};

/// What a statement may fail with, cheap to hand to everyone who waited for it.
pub(crate) type Result<T> = std::result::Result<T, rusqlite::Error>;

const CATEGORIES: [&str; 8] =
    ["Cellar", "Bakery", "Dairy", "Garden", "Orchard", "Pantry", "Smokehouse", "Spices"];
const KINDS: [&str; 10] =
    ["Jam", "Bread", "Cheese", "Pickles", "Honey", "Oil", "Cider", "Sausage", "Tea", "Salt"];
const MANNERS: [&str; 12] = [
    "Smoked",
    "Old",
    "Wild",
    "Sweet",
    "Sour",
    "Golden",
    "Winter",
    "Summer",
    "Red",
    "Grandmother's",
    "Bitter",
    "Plain",
];
const REVIEWS: u64 = 30_000;

/// A row of the table of products.
pub(crate) struct ProductRow {
    pub id: u64,
    pub name: String,
    pub cents: u32,
    pub maker: u64,
}

/// A row of the table of makers.
pub(crate) struct MakerRow {
    pub id: u64,
    pub name: String,
    pub town: String,
}

/// What all reviews of a product come to.
pub(crate) struct RatingRow {
    pub product: u64,
    pub stars: f64,
    pub reviews: u32,
}

/// The database: connections that are used in turn, on threads where they may block.
#[derive(Clone)]
pub(crate) struct Database(Arc<Inner>);

struct Inner {
    path: Box<Path>,
    idle: Mutex<Vec<Connection>>,
}

impl Database {
    pub(crate) const PRODUCTS: u32 = 4_000;
    const MAKERS: usize = 200;

    /// Makes the file and fills it.
    pub(crate) fn generate(path: &Path) -> Result<Self> {
        let mut db = Connection::open(path)?;
        db.pragma_update(None, "journal_mode", "wal")?;
        db.pragma_update(None, "synchronous", "off")?;
        db.execute_batch(
            "CREATE TABLE product(id INTEGER PRIMARY KEY, name TEXT, category INT, cents INT, maker INT);
             CREATE INDEX product_category ON product(category, id);
             CREATE TABLE maker(id INTEGER PRIMARY KEY, name TEXT, town TEXT);
             CREATE TABLE review(product INT, stars INT);",
        )?;
        let rows = db.transaction()?;
        // The same rows each time, without a generator of random numbers.
        let pick = |n: u64, of: usize| {
            usize::try_from(n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40).unwrap_or(0) % of
        };
        {
            let mut product = rows.prepare("INSERT INTO product VALUES (?, ?, ?, ?, ?)")?;
            for id in 1..=u64::from(Self::PRODUCTS) {
                let kind = KINDS[pick(id, KINDS.len())];
                let name = format!("{} {kind}", MANNERS[pick(id + 7, MANNERS.len())]);
                let (cents, maker) = (190 + pick(id + 3, 4_000), 1 + pick(id, Self::MAKERS));
                let category = id % CATEGORIES.len() as u64;
                product.execute((id, name, category, cents, maker))?;
            }
            let mut maker = rows.prepare("INSERT INTO maker VALUES (?, ?, ?)")?;
            let towns = ["York", "Bath", "Ghent", "Siena", "Graz", "Évora"];
            for id in 1..=Self::MAKERS as u64 {
                maker.execute((
                    id,
                    format!("{} & Daughters", MANNERS[pick(id + 1, MANNERS.len())]),
                    towns[pick(id, towns.len())],
                ))?;
            }
            let mut review = rows.prepare("INSERT INTO review VALUES (?, ?)")?;
            for n in 0..REVIEWS {
                review.execute((1 + pick(n, Self::PRODUCTS as usize), 1 + pick(n + 5, 5)))?;
            }
        }
        rows.commit()?;
        db.execute_batch("CREATE INDEX review_product ON review(product); ANALYZE;")?;
        let (path, idle) = (path.into(), Mutex::default());
        Ok(Self(Arc::new(Inner { path, idle })))
    }

    pub(crate) fn categories() -> &'static [&'static str] {
        &CATEGORIES
    }

    /// The category of a product.
    pub(crate) fn category_of(product: u64) -> usize {
        usize::try_from(product).unwrap_or(usize::MAX) % CATEGORIES.len()
    }

    /// A page of a category.
    pub(crate) async fn page(
        &self,
        category: usize,
        page: u32,
        size: u32,
    ) -> Result<Vec<ProductRow>> {
        self.ask(
            "SELECT id, name, cents, maker FROM product WHERE category = ? ORDER BY id LIMIT ? OFFSET ?".into(),
            vec![category as u64, size.into(), u64::from(page) * u64::from(size)],
            product,
        )
        .await
    }

    pub(crate) async fn products(&self, ids: Vec<u64>) -> Result<Vec<ProductRow>> {
        let sql =
            format!("SELECT id, name, cents, maker FROM product WHERE id IN ({})", marks(&ids));
        self.ask(sql, ids, product).await
    }

    pub(crate) async fn makers(&self, ids: Vec<u64>) -> Result<Vec<MakerRow>> {
        let sql = format!("SELECT id, name, town FROM maker WHERE id IN ({})", marks(&ids));
        let maker =
            |row: &Row<'_>| Ok(MakerRow { id: row.get(0)?, name: row.get(1)?, town: row.get(2)? });
        self.ask(sql, ids, maker).await
    }

    /// Counts and averages the reviews of products.
    pub(crate) async fn ratings(&self, products: Vec<u64>) -> Result<Vec<RatingRow>> {
        let sql = format!(
            "SELECT product, avg(stars), count(*) FROM review WHERE product IN ({}) GROUP BY product",
            marks(&products)
        );
        let rating = |row: &Row<'_>| {
            Ok(RatingRow { product: row.get(0)?, stars: row.get(1)?, reviews: row.get(2)? })
        };
        self.ask(sql, products, rating).await
    }

    /// The products with the best ratings of a category.
    pub(crate) fn best_of(&self, category: usize) -> Result<Vec<ProductRow>> {
        self.run(
            "SELECT id, name, cents, maker FROM product JOIN review ON product = id WHERE category = ?
             GROUP BY id ORDER BY avg(stars) DESC, count(*) DESC LIMIT 5",
            &[category as u64],
            product,
        )
    }

    pub(crate) async fn reprice(&self, id: u64, cents: u32) -> Result<()> {
        self.ask("UPDATE product SET cents = ? WHERE id = ?".into(), vec![cents.into(), id], |_| {
            Ok(())
        })
        .await
        .map(drop)
    }

    /// Runs a statement on a thread that may block.
    async fn ask<T: Send + 'static>(
        &self,
        sql: String,
        numbers: Vec<u64>,
        read: impl FnMut(&Row<'_>) -> Result<T> + Send + 'static,
    ) -> Result<Vec<T>> {
        // A thread is outside of the request, unless it is carried there.
        let (db, request) = (self.clone(), RequestScope::current());
        let run = move || match request {
            Some(request) => request.run_blocking(|| db.run(&sql, &numbers, read)),
            None => db.run(&sql, &numbers, read),
        };
        tokio::task::spawn_blocking(run).await.expect("a statement panicked")
    }

    fn run<T>(
        &self,
        sql: &str,
        numbers: &[u64],
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        if let Some(request) = RequestScope::current() {
            request.counters().add("sql", 1);
        }
        let idle = || self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let idle_one = idle().pop();
        let db = match idle_one {
            Some(db) => db,
            None => Connection::open_with_flags(&self.0.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?,
        };
        let rows = {
            let mut statement = db.prepare_cached(sql)?;
            statement.query_map(params_from_iter(numbers), read)?.collect()
        };
        idle().push(db);
        rows
    }
}

fn product(row: &Row<'_>) -> Result<ProductRow> {
    Ok(ProductRow { id: row.get(0)?, name: row.get(1)?, cents: row.get(2)?, maker: row.get(3)? })
}

/// `?, ?, ?`.
fn marks(ids: &[u64]) -> String {
    vec!["?"; ids.len()].join(", ")
}
