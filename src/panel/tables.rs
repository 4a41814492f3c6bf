//! Totals: by kind of call, and by region and tier.

use std::sync::Arc;

use super::{
    html::Html,
    shown::{Count, Share, Size, Time},
};
use crate::{
    Happened, Op,
    observe::recorded::{Figures, Series, Totals},
};

/// The kinds of calls by their names, and how they are called here: what forgets, is `delete` at a region.
const CALLS: [(Op, &str); 6] = [
    (Op::Remove, "delete"),
    (Op::RemoveMulti, "delete_multi"),
    (Op::Get, "get"),
    (Op::GetMulti, "get_multi"),
    (Op::Set, "set"),
    (Op::SetMulti, "set_multi"),
];

/// The name of a kind of call.
pub(super) fn name(op: Op) -> &'static str {
    CALLS.iter().find(|(known, _)| *known == op).map_or("", |(_, name)| name)
}

/// Its colour.
pub(super) const fn class(op: Op) -> &'static str {
    match op {
        Op::Get | Op::GetMulti => "get",
        Op::Set | Op::SetMulti => "set",
        Op::Remove | Op::RemoveMulti => "delete",
    }
}

type Part = (Arc<Series>, Totals);

/// Totals of all kinds of calls, those of single tiers left out.
pub(super) fn calls<'a>(html: &mut Html, parts: impl Iterator<Item = &'a Part>) {
    let mut totals = Totals::default();
    let whole = parts.filter(|(series, _)| series.label().tier.is_none());
    whole.for_each(|(_, part)| totals += *part);
    html.raw(
        "<section><h3>Calls</h3><div class=\"box\"><table class=\"totals\"><thead><tr>\
         <th scope=\"col\">Call<th scope=\"col\" class=\"n\">Total time<th scope=\"col\" class=\"n\">Calls\
         <th scope=\"col\" class=\"n\">Hits<th scope=\"col\" class=\"n\">Misses\
         <th scope=\"col\" class=\"n\">Fractional hits<th scope=\"col\" class=\"n\">Fractional misses\
         <th scope=\"col\" class=\"n\">Size<th scope=\"col\" class=\"n\">Errors</tr></thead><tbody>",
    );
    html.raw("<tr class=\"total\" data-call=\"total\"><th scope=\"row\">Total");
    figures(html, &totals.all(), Some(&totals[Op::Get]), Some(&totals[Op::GetMulti]));
    for (op, name) in CALLS {
        html.raw("<tr data-call=\"").raw(name).raw("\"><th scope=\"row\"><span class=\"chip ");
        html.raw(class(op)).raw("\">").raw(name).raw("</span>");
        let of = &totals[op];
        figures(html, of, (op == Op::Get).then_some(of), (op == Op::GetMulti).then_some(of));
    }
    html.raw("</tbody></table></div></section>");
}

/// A row: hits and misses of single reads, and of the keys of batches.
fn figures(html: &mut Html, all: &Figures, one: Option<&Figures>, many: Option<&Figures>) {
    html.raw("<td class=\"n\">");
    if all.calls > 0 {
        html.text(Time(all.took));
    }
    cell(html, "", Some(all.calls));
    for of in [one, many] {
        cell(html, "hit", of.map(|of| of.hits));
        cell(html, "miss", of.map(|of| of.misses));
    }
    html.raw("<td class=\"n\">");
    if all.bytes > 0 {
        html.text(Size(all.bytes));
    }
    cell(html, "error", Some(all.errors));
    html.raw("</tr>");
}

/// A count, blank if there is none.
fn cell(html: &mut Html, class: &'static str, count: Option<u64>) {
    html.raw("<td class=\"n\">");
    match count {
        None | Some(0) => {}
        Some(count) if class.is_empty() => {
            html.text(Count(count));
        }
        Some(count) => {
            html.raw("<span class=\"").raw(class).raw("-n\">").text(Count(count)).raw("</span>");
        }
    }
}

/// A row for each region, tier and place of some calls.
pub(super) fn parts<'a>(html: &mut Html, parts: impl Iterator<Item = &'a Part>) {
    let mut sums: Vec<Part> = Vec::new();
    for (series, totals) in parts {
        match sums.iter_mut().find(|(known, _)| Arc::ptr_eq(known, series)) {
            Some((_, sum)) => *sum += *totals,
            None => sums.push((Arc::clone(series), *totals)),
        }
    }
    sums.sort_by(|(a, _), (b, _)| a.label().cmp(b.label()));
    html.raw(
        "<section><h3>Regions and tiers</h3><div class=\"box\"><table class=\"parts\"><thead><tr>",
    );
    where_head(html);
    html.raw(
        "<th scope=\"col\" class=\"n\">Time<th scope=\"col\" class=\"n\">Calls\
         <th scope=\"col\" class=\"n\">Hit ratio<th scope=\"col\" class=\"n\">Hits\
         <th scope=\"col\" class=\"n\">Misses<th scope=\"col\" class=\"n\">Size</tr></thead><tbody>",
    );
    for (series, totals) in &sums {
        let all = totals.all();
        where_cells(html, series);
        html.raw("<td class=\"n\">").text(Time(all.took));
        cell(html, "", Some(all.calls));
        ratio(html, &all);
        cell(html, "hit", Some(all.hits));
        cell(html, "miss", Some(all.misses));
        html.raw("<td class=\"n\">");
        if all.bytes > 0 {
            html.text(Size(all.bytes));
        }
        html.raw("</tr>");
    }
    html.raw("</tbody></table></div></section>");
}

/// The same of the whole process, with latencies and the story.
pub(super) fn process(html: &mut Html, series: &[Arc<Series>]) {
    html.raw(
        "<section><h3>Regions and tiers</h3><div class=\"box\"><table class=\"parts\"><thead><tr>",
    );
    where_head(html);
    for title in ["Calls", "Hit ratio", "Hits", "Misses", "Read p50", "p99", "Size"] {
        html.raw("<th scope=\"col\" class=\"n\">").raw(title);
    }
    for title in ["Created", "p50", "Waited", "Stale", "Errors", "Evicted"] {
        html.raw("<th scope=\"col\" class=\"n\">").raw(title);
    }
    html.raw("</tr></thead><tbody>");
    for one in series {
        let all = one.totals().all();
        where_cells(html, one);
        cell(html, "", Some(all.calls));
        ratio(html, &all);
        cell(html, "hit", Some(all.hits));
        cell(html, "miss", Some(all.misses));
        let mut reads = one.latency(Op::Get);
        reads.add(&one.latency(Op::GetMulti));
        let created = one.told_latency(Happened::Created);
        for part in [0.5, 0.99] {
            time(html, reads.quantile(part));
        }
        html.raw("<td class=\"n\">");
        if all.bytes > 0 {
            html.text(Size(all.bytes));
        }
        cell(html, "created", Some(one.told(Happened::Created)));
        time(html, created.quantile(0.5));
        cell(html, "waited", Some(one.told(Happened::Waited)));
        cell(html, "stale", Some(one.told(Happened::Stale)));
        let bad = [Happened::CreatorFailed, Happened::Undecodable, Happened::Bypassed];
        let bad: u64 = bad.into_iter().map(|what| one.told(what)).sum();
        cell(html, "error", Some(all.errors + bad));
        cell(html, "", Some(one.evicted()));
        html.raw("</tr>");
    }
    html.raw("</tbody></table></div></section>");
}

fn time(html: &mut Html, time: Option<std::time::Duration>) {
    html.raw("<td class=\"n\">");
    if let Some(time) = time {
        html.text(Time(time));
    }
}

fn ratio(html: &mut Html, all: &Figures) {
    let asked = all.hits + all.misses;
    html.raw("<td class=\"n\">");
    if asked > 0 {
        html.text(Share(all.hits, asked));
        html.raw(" <meter min=\"0\" max=\"").text(asked).raw("\" value=\"").text(all.hits);
        html.raw("\"></meter>");
    }
}

fn where_head(html: &mut Html) {
    html.raw("<th scope=\"col\">Region<th scope=\"col\">Tier<th scope=\"col\">Place");
}

fn where_cells(html: &mut Html, series: &Series) {
    html.raw("<tr><th scope=\"row\">").text(&series.label().region).raw("<td>");
    html.text(series.label().tier.as_deref().unwrap_or_default());
    html.raw("<td><span class=\"place\">").text(series.place()).raw("</span>");
}
