//! Pictures, drawn on the server.

use std::{sync::Arc, time::Duration};

use super::{
    html::Html,
    shown::{Count, Time},
};
use crate::{
    Happened, Op,
    observe::recorded::{Beat, Latency, Series},
};

/// How many series have a place in the picture.
const MAX_SERIES: usize = 12;
/// Where the scale begins and how many powers of ten it has.
const FROM: f64 = 1e-7;
const DECADES: f64 = 8.0;
/// Sizes, in the units of the picture.
const LEFT: f64 = 190.0;
const WIDTH: f64 = 720.0;
const ROW: f64 = 46.0;

/// Keys found and missing in each second.
pub(super) fn beats(html: &mut Html, beats: &[Beat]) {
    const HEIGHT: f64 = 48.0;
    let most = beats.iter().map(|beat| beat.hits + beat.misses).max().unwrap_or(0).max(1);
    html.raw("<svg class=\"beats\" viewBox=\"0 0 366 48\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"At most ");
    html.text(Count(most)).raw(" keys in a second\">");
    let skipped = 61_usize.saturating_sub(beats.len());
    for (at, beat) in beats.iter().enumerate() {
        let x = number((skipped + at) * 6);
        let height = |keys: u64| float(keys) / float(most) * HEIGHT;
        let (hits, misses) = (height(beat.hits), height(beat.misses));
        bar(html, "hit", x, HEIGHT - hits, hits);
        bar(html, "miss", x, HEIGHT - hits - misses, misses);
    }
    html.raw("</svg>");
}

fn bar(html: &mut Html, class: &'static str, x: f64, y: f64, height: f64) {
    if height > 0.0 {
        html.raw("<rect class=\"").raw(class).raw("\" x=\"").text(x).raw("\" width=\"5\" y=\"");
        html.text(format_args!("{y:.1}")).raw("\" height=\"").text(format_args!("{height:.1}"));
        html.raw("\"/>");
    }
}

/// How long reads, writes and creators take, on a scale of powers of ten.
pub(super) fn latency(html: &mut Html, series: &[Arc<Series>]) {
    let mut busy: Vec<_> = series.iter().collect();
    busy.sort_by_key(|one| std::cmp::Reverse(one.totals().all().calls));
    busy.truncate(MAX_SERIES);
    busy.sort_by_key(|one| one.label().clone());
    let height = ROW * number(busy.len()) + 34.0;
    html.raw(
        "<section><h3>Latency</h3><p class=\"small\">How many operations took how long: \
              <span class=\"key-get\">reads</span>, <span class=\"key-set\">writes</span>, \
              <span class=\"key-created\">creators</span>. The mark is half of them.</p>\
              <div class=\"box\"><svg class=\"latency\" role=\"img\" viewBox=\"0 0 940 ",
    );
    html.text(height)
        .raw("\" aria-label=\"Latency of each region and tier; the table above has the numbers\">");
    let base = height - 24.0;
    for decade in 0..=8_u32 {
        let x = LEFT + WIDTH * f64::from(decade) / DECADES;
        html.raw("<path class=\"grid\" d=\"M").text(x).raw(",4V").text(base).raw("\"/>");
        html.raw("<text class=\"scale\" text-anchor=\"middle\" x=\"").text(x).raw("\" y=\"");
        html.text(base + 18.0).raw("\">");
        html.text(Label(Duration::from_nanos(100 * 10_u64.pow(decade)))).raw("</text>");
    }
    for (at, one) in busy.iter().enumerate() {
        let floor = ROW * number(at + 1) + 4.0;
        html.raw("<path class=\"floor\" d=\"M0,").text(floor).raw("H940\"/>");
        html.raw("<text x=\"4\" y=\"")
            .text(floor - 22.0)
            .raw("\">")
            .text(head(&one.label().region));
        html.raw("</text><text class=\"scale\" x=\"4\" y=\"").text(floor - 7.0).raw("\">");
        html.text(head(&beneath(one))).raw("</text>");
        let both = |a, b| {
            let mut both = one.latency(a);
            both.add(&one.latency(b));
            both
        };
        shape(html, "set", &both(Op::Set, Op::SetMulti), floor, "writes");
        shape(html, "created", &one.told_latency(Happened::Created), floor, "creators");
        shape(html, "get", &both(Op::Get, Op::GetMulti), floor, "reads");
    }
    html.raw("</svg></div></section>");
}

/// The tier and the place of a series.
fn beneath(series: &Series) -> String {
    match &series.label().tier {
        Some(tier) => format!("{tier}, {}", series.place()),
        None => series.place().to_string(),
    }
}

fn head(text: &str) -> String {
    let head: String = text.chars().take(24).collect();
    if head.len() < text.len() { head + "…" } else { head }
}

/// Bars for all steps that have operations, and a mark at the half of them.
fn shape(html: &mut Html, class: &'static str, latency: &Latency, floor: f64, of: &'static str) {
    let Some(half) = latency.quantile(0.5) else { return };
    let most = latency.steps().map(|(_, _, count)| count).max().unwrap_or(1);
    html.raw("<g class=\"")
        .raw(class)
        .raw("\"><title>")
        .text(Count(latency.count()))
        .raw(" ")
        .raw(of);
    html.raw(", half of them within ").text(Time(half)).raw("</title><path d=\"");
    for (from, to, count) in latency.steps() {
        let height = (float(count) / float(most)).sqrt() * (ROW - 12.0);
        html.raw("M").text(format_args!("{:.1},{floor}", x(from)));
        html.text(format_args!("v-{height:.1}H{:.1}V{floor}z", x(to)));
    }
    html.raw("\"/><path class=\"half\" d=\"M").text(format_args!("{:.1},{floor}", x(half)));
    html.raw("v-").text(ROW - 8.0).raw("\"/></g>");
}

fn x(time: Duration) -> f64 {
    let decades = (time.as_secs_f64().max(FROM) / FROM).log10().min(DECADES);
    LEFT + WIDTH * decades / DECADES
}

/// `10 ms`: a power of ten.
struct Label(Duration);

impl std::fmt::Display for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let nanos = self.0.as_nanos();
        match nanos {
            0..1_000 => write!(f, "{nanos} ns"),
            1_000..1_000_000 => write!(f, "{} µs", nanos / 1_000),
            1_000_000..1_000_000_000 => write!(f, "{} ms", nanos / 1_000_000),
            _ => write!(f, "{} s", nanos / 1_000_000_000),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a length in a picture")]
fn float(count: u64) -> f64 {
    count as f64
}

fn number(count: usize) -> f64 {
    float(count as u64)
}
