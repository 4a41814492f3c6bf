//! The list of calls: a row for each key.

use std::{cmp::Ordering, fmt::Display, time::Duration};

use super::{
    ask::{Ask, By, Show},
    html::Html,
    shown::{Count, Size, Time, Value},
    tables,
};
use crate::{
    Happened, Op,
    observe::recorded::{Call, Line, Log, Seen, What},
};

/// How many rows a page has at most.
const MAX_ROWS: usize = 2_000;

/// One key of one call.
struct Row<'a> {
    call: &'a Call,
    line: &'a Line,
    /// Its place in the call.
    at: usize,
    log: &'a Log,
}

/// The form to search it, and the table.
pub(super) fn list(html: &mut Html, ask: &Ask, seen: &[(&Log, Seen)]) {
    let mut rows: Vec<Row<'_>> = seen.iter().flat_map(|(log, seen)| rows(log, seen)).collect();
    if rows.is_empty() {
        return;
    }
    let words = ask.words();
    let all = rows.len();
    let found = rows.iter().filter(|row| row.has_any(&words)).count();
    if all > MAX_ROWS {
        // What is searched for comes first, then what is new.
        rows.retain(|row| row.has_any(&words));
        rows.sort_by_key(|row| std::cmp::Reverse(row.call.number));
        rows.truncate(MAX_ROWS);
    }
    rows.sort_by(|a, b| {
        let by = a.compare(b, ask.by);
        let by = if ask.descending { by.reverse() } else { by };
        by.then(a.call.number.cmp(&b.call.number))
    });
    let left_out: u64 = seen.iter().map(|(_, seen)| seen.left_out).sum();

    html.raw("<section><h3>Log</h3>");
    form(html, ask);
    html.raw("<p class=\"found\" aria-live=\"polite\"><span id=\"found\">")
        .text(Count(found as u64));
    html.raw("</span> of ").text(Count(all as u64)).raw(" keys");
    if found.min(all) > rows.len() {
        html.raw("; the newest ")
            .text(Count(rows.len() as u64))
            .raw(" are here, Search looks at all");
    }
    if left_out > 0 {
        html.raw("; ").text(Count(left_out)).raw(" more were not kept");
    }
    html.raw("</p>");
    table(html, ask, &rows, &words, all > MAX_ROWS);
    html.raw("</section>");
}

fn form(html: &mut Html, ask: &Ask) {
    html.raw("<form class=\"search\" method=\"get\" action=\"./calls\"><input type=\"hidden\" name=\"request\" value=\"");
    ask.show.name(html);
    html.raw("\">");
    if ask.by != By::Number || ask.descending {
        html.raw("<input type=\"hidden\" name=\"sort\" value=\"").raw(ask.by.name()).raw("\">");
    }
    if ask.descending {
        html.raw("<input type=\"hidden\" name=\"desc\">");
    }
    html.raw(
        "<label for=\"q\">Filter</label> <input type=\"search\" id=\"q\" name=\"q\" autocomplete=\"off\" \
         spellcheck=\"false\" placeholder=\"words of which any will do\" value=\"",
    );
    html.text(&ask.words).raw("\"> <button>Search</button></form>");
}

fn table(html: &mut Html, ask: &Ask, rows: &[Row<'_>], words: &[String], is_partial: bool) {
    let shows_request = ask.show == Show::All;
    let is_in_order = ask.by == By::Number;
    html.raw("<div class=\"box\"><table id=\"log\"");
    html.raw(if is_in_order { " class=\"ordered\"" } else { "" });
    html.raw(if is_partial { " data-partial" } else { "" }).raw("><thead><tr>");
    for by in By::ALL {
        html.raw("<th scope=\"col\"").raw(if by.is_number() { " class=\"n\"" } else { "" });
        if by == ask.by {
            html.raw(" aria-sort=\"");
            html.raw(if ask.descending { "descending" } else { "ascending" }).raw("\"");
        }
        html.raw("><a href=\"");
        ask.sorted(by).link(html);
        html.raw("\">").raw(by.title()).raw("</a></th>");
    }
    html.raw(if shows_request { "<th scope=\"col\">Request</th>" } else { "" });
    html.raw("</tr></thead><tbody>");
    for row in rows {
        row.show(html, shows_request, row.has_any(words));
    }
    html.raw("</tbody></table></div>");
}

fn rows<'a>(log: &'a Log, seen: &'a Seen) -> impl Iterator<Item = Row<'a>> {
    seen.calls.iter().flat_map(move |call| {
        let lines = call.lines.iter().enumerate();
        lines.map(move |(at, line)| Row { call, line, at, log })
    })
}

impl Row<'_> {
    fn key(&self) -> String {
        let key = self.line.key.as_ref().map(|key| key.as_key().to_string()).unwrap_or_default();
        if self.line.is_cut { key + "…" } else { key }
    }

    /// Whether it is the first one of its call.
    const fn is_first(&self) -> bool {
        self.at == 0
    }

    fn tier(&self) -> &str {
        self.call.label().tier.as_deref().unwrap_or_default()
    }

    /// Its name and colour.
    fn call(&self) -> (&'static str, &'static str) {
        match self.call.what {
            What::Op(op) => (tables::name(op), tables::class(op)),
            What::Region(what) => match what {
                Happened::Created => ("created", "created"),
                Happened::CreatorFailed => ("creator failed", "failed"),
                Happened::Stale => ("served stale", "stale"),
                Happened::Waited => ("waited", "waited"),
                Happened::Undecodable => ("undecodable", "failed"),
                Happened::Bypassed => ("bypassed", "failed"),
                Happened::Voided => ("voided", "stale"),
                other => (other.name(), "delete"),
            },
        }
    }

    /// What came of it, and its colour.
    fn result(&self) -> (String, &'static str) {
        let text = |text: &str| text.to_owned();
        if let Some(error) = &self.call.error {
            return (format!("error: {error}"), "error");
        }
        match (self.call.what, self.line.hit) {
            (_, Some(true)) => (text("hit"), "hit"),
            (_, Some(false)) => (text("miss"), "miss"),
            (What::Op(Op::Get | Op::GetMulti), None) => (text("error: unreadable"), "error"),
            (What::Op(Op::Set | Op::SetMulti), None) => (text("stored"), "quiet"),
            (What::Op(Op::Remove | Op::RemoveMulti), None) => (text("removed"), "quiet"),
            (What::Region(Happened::Created), None) if self.is_first() => match self.call.count {
                1 => (text("1 value"), "quiet"),
                many => (format!("{many} values"), "quiet"),
            },
            (What::Region(_), None) => (String::new(), "quiet"),
        }
    }

    /// The time of its call; once for each call, unless it stands alone.
    fn took(&self) -> Duration {
        self.call.took.unwrap_or_default()
    }

    fn has_any(&self, words: &[String]) -> bool {
        if words.is_empty() {
            return true;
        }
        let text = self.words();
        words.iter().any(|word| text.contains(word.as_str()))
    }

    /// All that it can be found by.
    fn words(&self) -> String {
        let (region, place) = (&self.call.label().region, self.call.place());
        let ((call, _), (result, _)) = (self.call(), self.result());
        format!("{} {region} {} {place} {call} {result}", self.key(), self.tier()).to_lowercase()
    }

    fn compare(&self, other: &Self, by: By) -> Ordering {
        match by {
            By::Number => self.call.number.cmp(&other.call.number),
            By::At => self.call.at.cmp(&other.call.at),
            By::Region => self.call.label().region.cmp(&other.call.label().region),
            By::Tier => self.tier().cmp(other.tier()),
            By::Place => self.call.place().to_string().cmp(&other.call.place().to_string()),
            By::Call => self.call().0.cmp(other.call().0),
            By::Key => self.key().cmp(&other.key()),
            By::Result => self.result().0.cmp(&other.result().0),
            By::Bytes => self.line.bytes.cmp(&other.line.bytes),
            By::Time => self.took().cmp(&other.took()),
        }
    }

    fn show(&self, html: &mut Html, shows_request: bool, is_found: bool) {
        let (call, class) = self.call();
        let (result, result_class) = self.result();
        html.raw("<tr data-words=\"").text(self.words()).raw("\"");
        html.raw(if matches!(self.call.what, What::Region(_)) { " class=\"story\"" } else { "" });
        html.raw(if is_found { ">" } else { " hidden>" });
        let place = format_args!("{}.{:06}", self.call.number, self.at);
        number(html, place, true, self.call.number);
        html.raw("<td><span class=\"chip ").raw(class);
        html.raw(if self.is_first() { "\">" } else { " again\">" }).raw(call).raw("</span>");
        html.raw("<td class=\"key\"><code>").text(self.key()).raw("</code>");
        if let Some(value) = &self.line.value {
            let is_cut = self.line.bytes.is_some_and(|bytes| bytes > value.len());
            html.raw("<code class=\"value\">").text(Value(value, is_cut)).raw("</code>");
        }
        html.raw("<td class=\"result\"><span class=\"").raw(result_class).raw("\">").text(result);
        html.raw("</span>");
        let bytes = self.line.bytes.map(|bytes| bytes as u64);
        number(html, bytes.unwrap_or(0), bytes.is_some(), Size(bytes.unwrap_or(0)));
        let took = self.took();
        html.raw("<td class=\"n\" data-by=\"").text(took.as_nanos()).raw("\">");
        if self.call.took.is_some() {
            html.raw(if self.is_first() { "<span>" } else { "<span class=\"again\">" });
            html.text(Time(took)).raw("</span>");
        }
        html.raw("<td>").text(&self.call.label().region);
        html.raw("<td>").text(self.tier());
        html.raw("<td><span class=\"place\">").text(self.call.place()).raw("</span>");
        number(html, self.call.at.as_nanos(), true, Time(self.call.at));
        if shows_request {
            html.raw("<td>");
            match self.log.id() {
                Some(id) => html
                    .raw("<a href=\"./calls?request=")
                    .text(id)
                    .raw("\">")
                    .text(self.log.name())
                    .raw("</a>"),
                None => html.raw("<a href=\"./calls?request=outside\">outside</a>"),
            };
        }
        html.raw("</tr>");
    }
}

/// A cell that is sorted by a number.
fn number(html: &mut Html, by: impl Display, is_shown: bool, shown: impl Display) {
    html.raw("<td class=\"n\" data-by=\"").text(by).raw("\">");
    if is_shown {
        html.text(shown);
    }
}
