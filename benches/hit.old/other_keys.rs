//! What layers that change keys, and a choice between two stacks, add to a hit.

use std::hint::black_box;

use larder::{Either, LayerExt, Memo, Region, Store};

use crate::{
    USER, User, filled,
    harness::{self, Table, now},
};

pub fn run(keys: &[String]) {
    let mut table = Table::new("Under other keys, one thread", "ns", 20_000);
    row(&mut table, keys, "Region<Memo<T>>: get_or_create", Memo::new().region());
    row(&mut table, keys, "Prefixed", Memo::new().prefixed("application:").region());
    row(&mut table, keys, "Versioned", Memo::new().versioned::<3>().region());
    row(&mut table, keys, "Normalized", Memo::new().normalized().region());
    row(&mut table, keys, "Hashed", Memo::new().hashed().region());
    let either = Either::<Memo<User>, Memo<User>>::First(Memo::new());
    row(&mut table, keys, "no other key, Either<Memo<T>, Memo<T>>", either.region());
    table.print();
}

fn row<'a, S: Store<User> + 'a>(
    table: &mut Table<'a>,
    keys: &'a [String],
    name: &'static str,
    region: Region<S>,
) {
    let (mut turn, region) = (harness::turns(keys), filled(keys, region));
    table.row(name, move || {
        now(region.get_or_create(turn(), async || black_box(USER))).expect("no error")
    });
}
