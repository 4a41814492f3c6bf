//! What goes on in the whole process.

use std::{sync::Arc, time::Duration};

use super::{
    ask::Show,
    html::Html,
    page, picture,
    shown::{Count, Moment, Share, Time},
    tables,
};
use crate::{
    Happened, Op, Recording,
    observe::recorded::{Beat, Latency, Log, Series},
};

/// Over how many seconds the live figures go; the one that runs is left out.
const LIVE: usize = 10;

pub(super) fn overview(html: &mut Html, recording: &Recording, logs: &[Arc<Log>]) {
    let series = recording.series();
    let whole: Vec<_> = series.iter().filter(|one| one.label().tier.is_none()).collect();
    html.raw("<h2>Overview</h2>");
    if series.is_empty() {
        html.raw(if recording.is_on() {
            "<p class=\"empty\">Nothing was recorded yet: no recorded region was asked for anything.</p>"
        } else {
            "<p class=\"empty\">Nothing is recorded until you start it.</p>"
        });
    } else {
        live(html, recording, &whole);
        let totals: Vec<_> = series.iter().map(|one| (Arc::clone(one), one.totals())).collect();
        tables::calls(html, totals.iter());
        if whole.is_empty() {
            html.raw(
                "<p class=\"empty\">Only tiers are recorded, and those are not added up here.</p>",
            );
        }
        tables::process(html, &series);
        picture::latency(html, &series);
    }
    requests(html, logs, Show::Overview);
}

/// The figures of the last seconds, and what happened so far.
fn live(html: &mut Html, recording: &Recording, whole: &[&Arc<Series>]) {
    let mut beats: Vec<Beat> = Vec::new();
    let mut reads = Latency::default();
    let (mut created, mut creating) = (0, Latency::default());
    let (mut waited, mut waiting) = (0, Latency::default());
    for one in whole {
        let of_one = recording.beats(one);
        beats.resize(of_one.len().max(beats.len()), Beat::default());
        for (sum, beat) in beats.iter_mut().zip(of_one) {
            sum.calls += beat.calls;
            sum.hits += beat.hits;
            sum.misses += beat.misses;
        }
        reads.add(&one.latency(Op::Get));
        reads.add(&one.latency(Op::GetMulti));
        created += one.told(Happened::Created);
        creating.add(&one.told_latency(Happened::Created));
        waited += one.told(Happened::Waited);
        waiting.add(&one.told_latency(Happened::Waited));
    }
    let last = &beats[beats.len().saturating_sub(LIVE + 1)..beats.len().saturating_sub(1)];
    let sum = |of: fn(&Beat) -> u64| last.iter().map(of).sum::<u64>();
    let (hits, misses) = (sum(|beat| beat.hits), sum(|beat| beat.misses));
    let seconds = last.len().max(1) as u64;
    html.raw("<section class=\"live\" aria-label=\"Live figures\"><div class=\"wide\"><h3>Calls a second</h3>");
    html.raw("<p class=\"figure\" id=\"rate\">")
        .text(Count(sum(|beat| beat.calls).div_ceil(seconds)));
    html.raw("</p>");
    picture::beats(html, &beats);
    html.raw("<p class=\"small\">keys in each second of the last minute: <span class=\"hit-n\">found</span>, \
              <span class=\"miss-n\">missing</span></p></div>");
    card(html, "Hit ratio", &Share(hits, hits + misses), "last 10 seconds");
    let time =
        |time: Option<Duration>| time.map_or("–".to_owned(), |time| Time(time).to_string());
    let p99 = format!("half of them; 99 % within {}", time(reads.quantile(0.99)));
    card(html, "Reads within", &time(reads.quantile(0.5)), &p99);
    let half = format!("values; half of them within {}", time(creating.quantile(0.5)));
    card(html, "Created", &Count(created), &half);
    let half =
        format!("for another caller's value; half of them within {}", time(waiting.quantile(0.5)));
    card(html, "Waited", &Count(waited), &half);
    html.raw("</section>");
}

fn card(html: &mut Html, title: &'static str, figure: &dyn std::fmt::Display, note: &str) {
    html.raw("<div><h3>").raw(title).raw("</h3><p class=\"figure\">").text(figure);
    html.raw("</p><p class=\"small\">").text(note).raw("</p></div>");
}

/// The last requests, to choose from.
pub(super) fn requests(html: &mut Html, logs: &[Arc<Log>], current: Show) {
    html.raw("<section class=\"requests\"><h3>Recent requests</h3>");
    if logs.is_empty() {
        html.raw(
            "<p class=\"empty\">None yet. A RequestLayer, or RequestScope::run, tells what belongs to a \
             request.</p></section>",
        );
        return;
    }
    html.raw("<ol>");
    for log in logs {
        let is_current = log.id().is_some_and(|id| current == Show::Request(id));
        html.raw("<li><a href=\"./calls?request=").text(log.id().unwrap_or_default()).raw("\"");
        html.raw(if is_current { " aria-current=\"page\">" } else { ">" });
        html.raw("<span class=\"name\">").text(log.name()).raw("</span> ");
        html.raw("<span class=\"when\">").text(Moment(log.started_at())).raw("</span> ");
        if let Some(finished) = log.finished() {
            if let Some(status) = finished.status {
                page::status(html, status);
            }
            html.raw(" <span class=\"small\">").text(Time(finished.took)).raw("</span> ");
        }
        html.raw("<span class=\"small calls\">").then(|html| page::calls(html, log));
        html.raw("</span></a></li>");
    }
    html.raw("</ol></section>");
}
