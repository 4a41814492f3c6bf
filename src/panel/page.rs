//! The frame of all pages.

use std::{fmt::Display, sync::Arc};

use axum::http::StatusCode;

use super::{
    Panel,
    ask::{Ask, Show},
    html::Html,
    list, overview,
    shown::{Count, Moment, Time},
    tables,
};
use crate::observe::recorded::{Log, Seen};

/// A page; `None` for a request that is not there.
pub(super) fn page(panel: &Panel, ask: &Ask) -> Option<String> {
    let requests = panel.recording.requests();
    let mut html = Html::default();
    match ask.show {
        Show::Overview => {
            head(panel, &mut html, "Overview");
            html.raw("<main id=\"live\" data-live>");
            overview::overview(&mut html, &panel.recording, &requests);
            html.raw("</main>");
        }
        Show::All => {
            let logs: Vec<_> = requests.iter().map(AsRef::as_ref).collect();
            let all = logs.into_iter().chain([panel.recording.outside()]);
            let seen: Vec<(&Log, Seen)> = all.map(|log| (log, log.seen())).collect();
            of_log(panel, &mut html, ask, "All calls", None, &seen, &requests);
        }
        Show::Outside => {
            let log = panel.recording.outside();
            let title = "Outside of requests";
            of_log(panel, &mut html, ask, title, None, &[(log, log.seen())], &requests);
        }
        Show::Request(id) => {
            let log = requests.iter().find(|log| log.id() == Some(id))?;
            let seen = [(&**log, log.seen())];
            of_log(panel, &mut html, ask, log.name(), Some(log), &seen, &requests);
        }
    }
    foot(&mut html);
    Some(html.done())
}

/// What of the overview changes.
pub(super) fn live(panel: &Panel) -> String {
    let mut html = Html::default();
    overview::overview(&mut html, &panel.recording, &panel.recording.requests());
    html.done()
}

pub(super) fn refusal(panel: &Panel, status: StatusCode, why: &'static str) -> String {
    let mut html = Html::default();
    // No links: what they lead to would be refused, too.
    html.raw("<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>").text(&panel.title);
    html.raw("</title><h1>").text(status).raw("</h1><p>").raw(why).raw("</p></html>");
    html.done()
}

/// The page of one request, or of many calls.
fn of_log(
    panel: &Panel,
    html: &mut Html,
    ask: &Ask,
    title: &str,
    request: Option<&Log>,
    seen: &[(&Log, Seen)],
    requests: &[Arc<Log>],
) {
    head(panel, html, title);
    html.raw("<main><h2>").text(title).raw("</h2>");
    if let Some(log) = request {
        about(html, log);
    }
    let totals = || seen.iter().flat_map(|(_, seen)| &seen.totals);
    if totals().next().is_none() {
        html.raw("<p class=\"empty\">No cache was asked.</p>");
    } else {
        tables::calls(html, totals());
        tables::parts(html, totals());
    }
    list::list(html, ask, seen);
    html.raw("</main><aside>");
    overview::requests(html, requests, ask.show);
    html.raw("</aside>");
}

/// When a request began and how it ended.
fn about(html: &mut Html, log: &Log) {
    html.raw("<p class=\"about\">");
    match log.finished() {
        None => html.raw("<span class=\"chip running\">under way</span> "),
        Some(finished) => {
            match finished.status {
                Some(status) => self::status(html, status),
                None => drop(html.raw("<span class=\"chip running\">no answer</span>")),
            }
            html.raw(" took <strong>").text(Time(finished.took)).raw("</strong>")
        }
    };
    html.raw(" since ").text(Moment(log.started_at())).raw("\u{a0}UTC, ");
    calls(html, log);
    html.raw("</p>");
}

/// How many calls there were, and what the application has counted: `7 calls, 3 sql`.
pub(super) fn calls(html: &mut Html, log: &Log) {
    let calls = log.calls();
    html.text(Count(calls)).raw(if calls == 1 { " call" } else { " calls" });
    for (name, count) in log.counters().all() {
        html.raw(", ").text(Count(count)).raw("\u{a0}").text(name);
    }
}

pub(super) fn status(html: &mut Html, status: u16) {
    html.raw("<span class=\"chip status-")
        .text(status / 100)
        .raw("\">")
        .text(status)
        .raw("</span>");
}

fn head(panel: &Panel, html: &mut Html, title: impl Display) {
    let is_on = panel.recording.is_on();
    html.raw(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><meta name=\"robots\" content=\"noindex\">\
         <link rel=\"icon\" href=\"./icon.svg\"><link rel=\"stylesheet\" href=\"./panel.css\">\
         <script src=\"./panel.js\" defer></script><title>",
    );
    html.text(title).raw(" – ").text(&panel.title);
    html.raw("</title></head><body><header><h1><a href=\"./overview\">").text(&panel.title);
    html.raw("</a></h1><nav aria-label=\"Views\"><a href=\"./overview\">Overview</a> ");
    html.raw("<a href=\"./calls?request=all\">All calls</a> ");
    html.raw(
        "<a href=\"./calls?request=outside\">Outside of requests</a></nav><div class=\"switch\">",
    );
    html.raw(if is_on {
        "<span class=\"on\">Recording</span>\
         <form method=\"post\" action=\"./stop\"><button>Stop</button></form>"
    } else {
        "<span class=\"off\">Not recording</span>\
         <form method=\"post\" action=\"./start\"><button class=\"first\">Start</button></form>"
    });
    html.raw(
        "<form method=\"post\" action=\"./clear\"><button>Clear</button></form></div></header>",
    );
}

fn foot(html: &mut Html) {
    html.raw("</body></html>");
}
