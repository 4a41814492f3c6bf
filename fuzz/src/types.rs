//! What bytes are decoded into: recursive types, maps, dates, floats.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use larder::dates::{AsDict, AsExt, East};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use time::{Date, OffsetDateTime};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    id: u64,
    name: String,
    tags: Vec<String>,
    scores: HashMap<String, u64>,
    shape: Expr,
    bytes: ByteBuf,
    pair: (i8, [u16; 3], Option<char>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tree {
    kids: Vec<Tree>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Expr {
    Leaf,
    One(Box<Expr>),
    Pair(Box<Expr>, Box<Expr>),
    Named { left: Option<Box<Expr>>, rest: Vec<Expr> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Dates {
    moments: Vec<AsDict<DateTime<Utc>>>,
    days: BTreeMap<String, AsDict<Date>>,
    span: Option<AsDict<TimeDelta>>,
    east: AsDict<OffsetDateTime, East<20_700>>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Compact {
    moments: Vec<AsExt<DateTime<Utc>>>,
    days: BTreeMap<String, AsExt<Date>>,
    span: Option<AsExt<TimeDelta>>,
}

/// Never reads a byte to get deeper.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bottomless(Option<Box<Bottomless>>);

/// Floats are equal if their bits are, and any NaN is as good as another.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Float<T>(T);

impl<T: Copy + Into<f64>> PartialEq for Float<T> {
    fn eq(&self, other: &Self) -> bool {
        let (a, b): (f64, f64) = (self.0.into(), other.0.into());
        a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
    }
}
