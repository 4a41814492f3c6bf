use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

#[derive(Serialize, Deserialize)]
pub(crate) struct Node {
    pub id: u8,
    pub next: Option<Box<Node>>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Tree {
    pub kids: Vec<Tree>,
}

#[derive(Serialize, Deserialize)]
pub(crate) enum Expr {
    Leaf,
    One(Box<Expr>),
    Pair(Box<Expr>, Box<Expr>),
    Named { left: Option<Box<Expr>>, rest: Vec<Expr> },
}

/// Never reads a byte to get deeper.
#[derive(Serialize, Deserialize)]
pub(crate) struct Bottomless(Option<Box<Bottomless>>);

#[derive(Serialize, Deserialize)]
pub(crate) struct Maps(HashMap<String, Maps>);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Untagged {
    Number(i64),
    List(Vec<Untagged>),
    Map(BTreeMap<String, Untagged>),
}

#[derive(Serialize, Deserialize, PartialEq, Eq, Hash)]
pub(crate) struct Unit;

/// Eight bytes in memory, none on the wire.
#[derive(Serialize, Deserialize)]
pub(crate) struct Phantom {
    #[serde(skip)]
    pub _nothing: u64,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Record {
    pub id: u64,
    pub name: String,
    pub tags: Vec<String>,
    pub scores: HashMap<String, f64>,
    pub shape: Expr,
    pub bytes: ByteBuf,
    pub pair: (i8, [u16; 3], Option<char>),
}
