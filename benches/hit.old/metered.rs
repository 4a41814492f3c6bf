//! What it costs to be counted.

use std::hint::black_box;

use larder::{BackendExt, IntTime, LayerExt, Memo, Memory, Metered, PayloadExt, Postcard, Region};
use metrics_exporter_prometheus::PrometheusBuilder;

use super::{
    USER, User, filled,
    harness::{Table, now, turns},
};

pub fn run(keys: &[String]) {
    let bare: Region<Memo<User>> = filled(keys, Memo::new().region());
    let logging = filled(keys, Memo::new().logging().region());
    let unheard: Region<Metered<Memo<User>>> = filled(keys, Memo::new().metered("bench").region());
    let exporter = PrometheusBuilder::new().build_recorder();
    // A stack keeps the exporter that is there when it is built.
    let heard = metrics::set_default_local_recorder(&exporter);
    let counted: Region<Metered<Memo<User>>> = filled(keys, Memo::new().metered("bench").region());
    let bytes: Region<Metered<IntTime<Postcard<Memory>>>> =
        filled(keys, Memory::new().postcard().int_time().metered("bytes").region());
    drop(heard);
    let bare_bytes = filled(keys, Memory::new().postcard().int_time().region());

    let mut table = Table::new("Counted hits: get_or_create", "ns", 20_000);
    macro_rules! row {
        ($name:literal, $region:expr) => {
            let (mut turn, region) = (turns(keys), $region);
            table.row($name, move || {
                now(region.get_or_create(turn(), async || black_box(USER))).expect("no error")
            });
        };
    }
    row!("Region<Memo<T>>", bare);
    row!("Region<Logging<Memo<T>>>", logging);
    row!("Region<Metered<Memo<T>>>, no exporter", unheard);
    row!("Region<Metered<Memo<T>>>, metrics-exporter-prometheus", counted);
    row!("Region<IntTime<Postcard<Memory>>>", bare_bytes);
    row!("Region<Metered<IntTime<Postcard<Memory>>>>, the same exporter", bytes);
    table.print();
}
