//! The table as a drawing.

use std::fmt::Write;

use crate::report::{Line, Report};

const ROW: usize = 20;
const TOP: usize = 64;
/// Where bars begin, and how long that of 100 percent is.
const LEFT: f64 = 400.0;
const FULL: f64 = 400.0;
const WIDTH: usize = 930;

/// Bars, one for each row; its colours are those of the reader's light or dark mode.
pub(crate) fn svg(report: &Report) -> String {
    let height = TOP + report.rows.len() * ROW + 16;
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-label="Bytes per entry in Redis">
<style>
text {{ font: 12px ui-monospace, Menlo, Consolas, monospace; fill: #24292f }}
.head {{ font: 600 15px system-ui, sans-serif }}
.note {{ font: 12px system-ui, sans-serif; fill: #57606a }}
.end {{ text-anchor: end }}
.timed {{ fill: #0969da }}
.timeless {{ fill: #8250df }}
.dogpile {{ fill: #8c959f }}
@media (prefers-color-scheme: dark) {{
text {{ fill: #e6edf3 }}
.note {{ fill: #8b949e }}
.timed {{ fill: #4493f8 }}
.timeless {{ fill: #ab7df8 }}
.dogpile {{ fill: #6e7681 }}
}}
</style>
<text class="head" x="12" y="24">What an entry takes in {server}: {entries} entries, bytes an entry</text>
<rect class="dogpile" x="12" y="37" width="10" height="10"/><text class="note" x="27" y="46">dogpile.cache</text>
<rect class="timed" x="122" y="37" width="10" height="10"/><text class="note" x="137" y="46">knows when an entry was created</text>
<rect class="timeless" x="372" y="37" width="10" height="10"/><text class="note" x="387" y="46">does not</text>
"#,
        server = escaped(&report.server),
        entries = report.entries,
    );
    for (at, row) in report.rows.iter().enumerate() {
        bar(row, TOP + at * ROW, &mut out);
    }
    out.push_str("</svg>\n");
    out
}

fn bar(row: &Line, top: usize, out: &mut String) {
    let Line { stack, bytes_per_entry, percent, created, .. } = row;
    let kind = match created {
        _ if stack.starts_with("dogpile") => "dogpile",
        Some(_) => "timed",
        None => "timeless",
    };
    let length = percent * FULL / 100.0;
    let (label, text) = (escaped(stack), top + 13);
    let ttl = if row.ttl { ", TTL" } else { "" };
    // Writing to a `String` never fails.
    let _ = writeln!(
        out,
        r#"<text class="end" x="{}" y="{text}">{label}{ttl}</text><rect class="{kind}" x="{LEFT}" y="{}" width="{length:.1}" height="14"/><text x="{:.1}" y="{text}">{bytes_per_entry:.1} ({percent:.1}%)</text>"#,
        LEFT - 8.0,
        top + 2,
        LEFT + length + 6.0,
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
