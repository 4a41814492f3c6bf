//! What a recorder adds to a hit, while nothing is recorded and while everything is.

use std::{hint::black_box, sync::Arc};

use larder::{LayerExt, Memo, Observed, Recorder, Recording, Region, RequestScope};

use crate::{
    USER, User, filled,
    harness::{self, Table, now},
};

pub fn run(keys: &[String]) {
    let (off, on) = (Recording::builder().build(), Recording::builder().build());
    let recorded = |recording: &Arc<Recording>| {
        let recorder = Recorder::new("users").to(recording);
        filled(keys, Observed::with(recorder, Memo::new()).region())
    };
    let bare: Region<Memo<User>> = filled(keys, Memo::new().region());
    let (off_region, outside, inside) = (recorded(&off), recorded(&on), recorded(&on));
    on.start();

    let mut table = Table::new("Recorded, one thread", "ns", 20_000);
    let mut turn = harness::turns(keys);
    table.row("Region<Memo<T>>: get_or_create", move || {
        now(bare.get_or_create(turn(), async || black_box(USER))).expect("no error")
    });
    let mut turn = harness::turns(keys);
    table.row("Recorded, off", move || {
        now(off_region.get_or_create(turn(), async || black_box(USER))).expect("no error")
    });
    let mut turn = harness::turns(keys);
    table.row("Recorded, on, outside of requests", move || {
        now(outside.get_or_create(turn(), async || black_box(USER))).expect("no error")
    });
    // A request of a hundred calls at a time, which is what some are like.
    let (mut turn, mut scope, mut calls) = (harness::turns(keys), RequestScope::new("GET /"), 0);
    table.row("Recorded, on, in a request", move || {
        calls += 1;
        if calls % 100 == 0 {
            scope = RequestScope::new("GET /");
        }
        let key = turn();
        scope.run_blocking(|| {
            now(inside.get_or_create(key, async || black_box(USER))).expect("no error")
        })
    });
    table.print();
}
