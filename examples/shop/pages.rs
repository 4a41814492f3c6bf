//! The pages.

use std::{error::Error, sync::Arc};

use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use larder::{RequestLayer, RequestScope, template::Fragments};
use minijinja::{Environment, Value, context};
use serde::Deserialize;

use crate::{
    catalog::{Catalog, Product},
    database::Database,
    stacks::Stacks,
};

type Answer = Result<Response, Failed>;

struct Shop {
    catalog: Arc<Catalog>,
    templates: Environment<'static>,
}

/// The shop without the panel and the metrics, which belong to the process.
pub(crate) fn router(database: &Database, stacks: &Stacks<'_>) -> Result<Router, Box<dyn Error>> {
    let catalog = Arc::new(Catalog::new(database.clone(), stacks)?);
    let templates = templates(&catalog, stacks)?;
    Ok(Router::new()
        .route("/", get(home))
        .route("/c/{category}", get(category))
        .route("/p/{id}", get(product))
        .route("/p/{id}/price", post(reprice))
        .with_state(Arc::new(Shop { catalog, templates }))
        .layer(RequestLayer::new()))
}

fn templates(
    catalog: &Arc<Catalog>,
    stacks: &Stacks<'_>,
) -> Result<Environment<'static>, Box<dyn Error>> {
    let mut templates = Environment::new();
    templates.add_template("base.html", include_str!("templates/base.html"))?;
    templates.add_template("home.html", include_str!("templates/home.html"))?;
    templates.add_template("category.html", include_str!("templates/category.html"))?;
    templates.add_template("product.html", include_str!("templates/product.html"))?;
    templates.add_global("categories", Value::from(Database::categories().to_vec()));
    // Called while a page is rendered, and only if its fragment is not in the cache.
    let database = catalog.database.clone();
    templates.add_function("best_of", move |category: usize| {
        let best = database.best_of(category).map_err(|error| {
            minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, error.to_string())
        })?;
        let best = best
            .into_iter()
            .map(|row| context! { id => row.id, name => row.name, price => price(row.cents) });
        Ok(Value::from(best.collect::<Vec<_>>()))
    });
    let fragments = stacks.region::<String>("fragments", 10)?;
    Fragments::new().region("fragments", fragments).install(&mut templates)?;
    Ok(templates)
}

impl Catalog {
    /// Products as templates show them. What belongs to them is loaded in one batch for each relation,
    /// whatever their number.
    async fn show(&self, products: &[Arc<Product>]) -> Result<Vec<Value>, Failed> {
        self.makers.prefetch(products.iter().map(|product| product.maker.id())).await?;
        self.ratings.prefetch(products.iter().map(|product| product.rating.id())).await?;
        let mut shown = Vec::with_capacity(products.len());
        for product in products {
            let maker = product.maker.get(&self.makers).await?;
            let rating = product.rating.get(&self.ratings).await?;
            shown.push(context! {
                id => product.id,
                category => Database::category_of(product.id),
                name => &product.name,
                price => price(product.cents),
                cents => product.cents,
                maker => maker.as_ref().map_or("nobody", |maker| &maker.name),
                town => maker.as_ref().map_or("nowhere", |maker| &maker.town),
                stars => rating.as_ref().map_or(0.0, |rating| rating.stars),
                reviews => rating.as_ref().map_or(0, |rating| rating.reviews),
            });
        }
        Ok(shown)
    }
}

async fn home(State(shop): State<Arc<Shop>>) -> Answer {
    shop.render("home.html", context! { count => Database::PRODUCTS })
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    page: u32,
}

async fn category(
    State(shop): State<Arc<Shop>>,
    Path(category): Path<usize>,
    Query(Page { page }): Query<Page>,
) -> Answer {
    let Some(name) = Database::categories().get(category) else { return Ok(missing()) };
    let products = shop.catalog.page(category, page).await?;
    let products = shop.catalog.show(&products).await?;
    shop.render("category.html", context! { name => *name, page, products })
}

async fn product(State(shop): State<Arc<Shop>>, Path(id): Path<u32>) -> Answer {
    let Some(product) = shop.catalog.products.get(u64::from(id)).await? else {
        return Ok(missing());
    };
    let shown = shop.catalog.show(&[product]).await?.into_iter().next();
    shop.render("product.html", context! { product => shown })
}

#[derive(Deserialize)]
struct Price {
    cents: u32,
}

async fn reprice(
    State(shop): State<Arc<Shop>>,
    Path(id): Path<u32>,
    Form(Price { cents }): Form<Price>,
) -> Answer {
    shop.catalog.reprice(id.into(), cents).await?;
    Ok(Redirect::to(&format!("/p/{id}")).into_response())
}

impl Shop {
    fn render(&self, name: &str, context: Value) -> Answer {
        // Asked for at the end of the page, when all of it has been rendered.
        let request = RequestScope::current();
        let sql = Value::from_function(move || {
            request.as_ref().map_or(0, |request| request.counters().get("sql"))
        });
        let page = self.templates.get_template(name).map_err(Failed::new)?;
        let html = page.render(context! { sql => sql, ..context }).map_err(Failed::new)?;
        let sql = RequestScope::current().map_or(0, |request| request.counters().get("sql"));
        Ok(([("x-sql", sql.to_string())], Html(html)).into_response())
    }
}

fn price(cents: u32) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, Html("<h1>There is nothing here</h1><p><a href=\"/\">Back</a></p>"))
        .into_response()
}

/// What went wrong; told to the log, not to the visitor.
struct Failed(String);

impl Failed {
    fn new(error: impl Error) -> Self {
        Self(error.to_string())
    }
}

impl<E: Error> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        eprintln!("shop: {}", self.0);
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            [(header::RETRY_AFTER, "5")],
            "The shop is closed for a moment.\n",
        )
            .into_response()
    }
}
