//! Relations that load on first use, through the store of the request.

use std::{collections::HashSet, sync::Arc};

use larder::{
    AsKey, BackendExt, LayerExt, Lazy, Loader, Lookup, Memo, Memory, PayloadExt, Region,
    RequestScoped,
};
use serde::{Deserialize, Serialize};

use crate::{Database, Down, Names, names, request, text};

type Name = String;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Product {
    id: u64,
    maker: Lazy<Name>,
    reviews: Lazy<Arc<[Review]>>,
    country: Lazy<u32, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Review {
    stars: u8,
    author: Lazy<Name>,
}

fn product(id: u64) -> Product {
    let country = Lazy::new(["de", "fr"][usize::from(id > 1)].to_owned());
    Product { id, maker: Lazy::new(id % 3 + 1), reviews: Lazy::new(id), country }
}

/// The reviews of products, by the id of the product.
struct Reviews(Arc<Database>);

impl Lookup for Reviews {
    type Id = u64;
    type Value = Arc<[Review]>;
    type Error = Down;

    fn key(&self, id: &u64) -> impl AsKey + Send {
        format!("reviews:{id}")
    }

    async fn many(&self, ids: Vec<u64>) -> Result<Vec<(u64, Self::Value)>, Down> {
        let rows = self.0.select(ids).await?;
        let review = |id| Review { stars: 5, author: Lazy::new(id + 10) };
        Ok(rows.into_iter().map(|(id, _)| (id, Arc::from([review(id), review(id)]))).collect())
    }
}

struct Countries;

impl Lookup for Countries {
    type Id = String;
    type Value = u32;
    type Error = Down;

    fn key(&self, id: &String) -> impl AsKey + Send {
        id.clone()
    }

    async fn many(&self, ids: Vec<String>) -> Result<Vec<(String, u32)>, Down> {
        Ok(ids.into_iter().map(|id| (id.clone(), u32::from(id.as_bytes()[0]))).collect())
    }
}

#[tokio::test]
async fn many_relations_are_one_statement() {
    let (names, database, world) = names();
    let products: Vec<Product> = (1..=30).map(product).collect();
    request(async {
        names.prefetch(products.iter().map(|product| product.maker.id())).await.unwrap();
        for product in &products {
            let maker = product.maker.get(&names).await.unwrap();
            assert_eq!(maker, Some(format!("name {}", product.id % 3 + 1)));
        }
    })
    .await;
    assert_eq!(database.take(), [[2, 3, 1]]);
    assert_eq!((world.reads(), world.writes()), (1, 1));
}

#[tokio::test]
async fn relations_of_relations() {
    let database = Arc::new(Database::default());
    let reviews: Region<RequestScoped<Memo<Arc<[Review]>>>> = Memo::new().request_scoped().region();
    let reviews = Loader::new(reviews, Reviews(Arc::clone(&database)));
    let authors = Loader::new(Memo::new().request_scoped().region(), Names(Arc::clone(&database)));
    let countries = Loader::new(Memo::new().request_scoped().region(), Countries);
    let products: Vec<Product> = (1..=3).map(product).collect();
    request(async {
        reviews.prefetch(products.iter().map(|product| product.reviews.id())).await.unwrap();
        let mut written = Vec::new();
        for product in &products {
            written.extend(product.reviews.get(&reviews).await.unwrap().unwrap().iter().cloned());
        }
        authors.prefetch(written.iter().map(|review| *review.author.id())).await.unwrap();
        for review in &written {
            let name = review.author.get(&authors).await.unwrap();
            assert_eq!(name, Some(format!("name {}", review.author.id())));
        }
        assert_eq!(products[0].country.get(&countries).await.unwrap(), Some(u32::from(b'd')));
    })
    .await;
    assert_eq!(database.take(), [[1, 2, 3], [11, 12, 13]]);
}

#[tokio::test]
async fn it_has_no_copy_that_grows_old() {
    let (names, ..) = names();
    let product = product(1);
    request(async {
        assert_eq!(product.maker.get(&names).await.unwrap(), text("name 2"));
        names.set(product.maker.id(), "new".to_owned()).await.unwrap();
        assert_eq!(product.maker.get(&names).await.unwrap(), text("new"));
        names.delete(product.maker.id()).await.unwrap();
        assert_eq!(product.clone().maker.get(&names).await.unwrap(), text("name 2"));
        assert_eq!(Lazy::<Name>::new(200).get(&names).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn it_is_stored_as_the_id() {
    let json = serde_json::to_string(&product(7)).unwrap();
    assert_eq!(json, r#"{"id":7,"maker":2,"reviews":7,"country":"fr"}"#);
    assert_eq!(serde_json::from_str::<Product>(&json).unwrap(), product(7));
    let products = Memory::new().postcard().framed().request_scoped().region();
    products.set("7", product(7)).await.unwrap();
    assert_eq!(products.get("7").await.unwrap(), Some(product(7)));
}

#[test]
fn it_is_what_its_id_is() {
    let (one, two) = (Lazy::<Name>::new(1), Lazy::<Name>::from(2));
    assert!(one < two && one == Lazy::new(1));
    assert_eq!(HashSet::from([one, two, one]).len(), 2);
    assert_eq!(format!("{one:?}"), "Lazy(1)");
    assert_eq!(format!("{:?}", Lazy::<u8, String>::new("de".to_owned())), "Lazy(\"de\")");
}
