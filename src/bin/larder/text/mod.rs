//! Reports for people, in 100 columns.

mod advise;
mod inspect;

use std::fmt;

use crate::{
    escape::{self, cut},
    inspect::About,
};

/// How many prefixes are listed. All of them are in the JSON.
const ROWS: usize = 30;
/// How wide a line may be.
const WIDTH: usize = 98;

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = escape::text(self.server.as_deref().unwrap_or("A server"));
        write!(f, "{server}, database {}: {}", self.database, counted(self.keys, "key"))?;
        if let Some(pattern) = &self.pattern {
            let about = if self.complete { "" } else { " of those walked over" };
            write!(f, ", {} like {}{about}", self.matched, cut(&escape::text(pattern), 40))?;
        }
        if !self.complete {
            write!(f, ", {} walked over", self.scanned)?;
        }
        writeln!(f, ", {} looked at.", self.sampled)?;
        self.notes.iter().try_for_each(|note| writeln!(f, "Note: {}.", escape::text(note)))
    }
}

/// A number of bytes in six columns: from 10000 on in thousands, and so on.
fn size(bytes: f64) -> String {
    let units = [(1e4, 1.0, ""), (1e6, 1e3, "k"), (1e9, 1e6, "M"), (f64::INFINITY, 1e9, "G")];
    let unit = units.into_iter().find(|(limit, ..)| bytes < *limit);
    let (_, unit, letter) = unit.unwrap_or(units[0]);
    format!("{:.1}{letter}", bytes / unit)
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `words` in lines, the first after `head`, the others indented as far.
fn wrapped(f: &mut fmt::Formatter<'_>, head: &str, words: &str) -> fmt::Result {
    let indent = head.chars().count();
    write!(f, "{head}")?;
    let mut column = indent;
    for (at, word) in words.split(' ').enumerate() {
        let len = word.chars().count();
        if at > 0 && column + 1 + len > WIDTH {
            write!(f, "\n{:indent$}", "")?;
            column = indent;
        } else if at > 0 {
            write!(f, " ")?;
            column += 1;
        }
        write!(f, "{word}")?;
        column += len;
    }
    writeln!(f)
}
