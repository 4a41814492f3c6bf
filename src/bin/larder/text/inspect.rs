//! What `larder inspect` found.

use std::fmt::{self, Write as _};

use super::{ROWS, WIDTH, counted, size, wrapped};
use crate::{
    escape::{self, cut},
    inspect::{Prefix, Report, Shown},
    recognise::Surety,
    time::{span, utc},
    unread::{Reason, Unread},
};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.about)?;
        writeln!(
            f,
            "{:<22} {:<7}{:>9} {:>7} {:>7} {:>6} {:>5} {:>7}  stack",
            "prefix", "type", "entries", "value", "memory", "share", "TTL", "age"
        )?;
        self.prefixes.iter().take(ROWS).try_for_each(|prefix| prefix.fmt(f))?;
        if self.prefixes.len() > ROWS {
            writeln!(f, "and {} more; --json has all", self.prefixes.len() - ROWS)?;
        }
        let legend = "value, memory: bytes an entry, memory as MEMORY USAGE says. TTL: how many of the keys \
                      have one. age: half of the entries are younger. ?: likely, ??: a guess.";
        writeln!(f)?;
        wrapped(f, "", legend)?;
        for prefix in self.prefixes.iter().take(ROWS) {
            // What does not describe itself is marked in the table.
            for Unread { reason, share } in
                prefix.unread.iter().filter(|of| of.reason != Reason::Bare)
            {
                let pattern = cut(&escape::text(&prefix.pattern), 40);
                let reason = escape::text(&reason.to_string());
                let percent = 100.0 * share;
                wrapped(
                    f,
                    "",
                    &format!("{pattern}: {percent:.0}% of the values cannot be read: {reason}"),
                )?;
            }
        }
        self.entries.iter().try_for_each(|entry| write!(f, "\n{entry}"))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |bytes: Option<f64>| bytes.map_or("-".into(), size);
        let memory = self.memory_bytes.map(|memory| memory / self.entries);
        let age = self.age_seconds.as_ref().map_or("-".into(), |ages| span(ages.median));
        write!(
            f,
            "{:<22} {:<7}{:>9.0} {:>7} {:>7} {:>5.1}% {:>4.0}% {:>7}  ",
            cut(&escape::text(&self.pattern), 22),
            cut(&escape::text(&self.kind), 7),
            self.entries,
            bytes(self.value_bytes_per_entry),
            bytes(memory),
            100.0 * self.share,
            100.0 * self.ttl_share,
            age,
        )?;
        let mut stacks = String::new();
        for (at, seen) in self.stacks.iter().enumerate() {
            let mark = mark(seen.surety);
            let comma = if at == 0 { "" } else { ", " };
            let _ = write!(stacks, "{comma}{}{mark}", seen.stack);
            if self.stacks.len() > 1 {
                let _ = write!(stacks, " {:.0}%", 100.0 * seen.share);
            }
        }
        writeln!(f, "{}", if stacks.is_empty() { "-" } else { &stacks })
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            None => write!(f, "{}", cut(&self.key.to_string(), WIDTH))?,
            Some(field) => {
                let (key, field) = (self.key.to_string(), field.to_string());
                write!(f, "{}  field {}", cut(&key, 45), cut(&field, 45))?;
            }
        }
        write!(f, "\n  {}", escape::text(&self.kind))?;
        self.encoding.iter().try_for_each(|kind| write!(f, " ({})", escape::text(kind)))?;
        if let (Some(stack), Some(surety)) = (&self.stack, self.surety) {
            write!(f, ", {stack}{}", mark(surety))?;
        }
        self.stored_bytes
            .iter()
            .try_for_each(|bytes| write!(f, ", {}", counted(*bytes, "byte")))?;
        self.memory_bytes.iter().try_for_each(|bytes| write!(f, ", {bytes:.0} in memory"))?;
        match self.ttl_seconds {
            Some(ttl) => write!(f, ", TTL {}", span(ttl))?,
            None => write!(f, ", no TTL")?,
        }
        if let (Some(created), Some(age)) = (self.created, self.age_seconds) {
            write!(f, "\n  created {}, {} ago", utc(created), span(age))?;
            self.own_ttl_seconds.iter().try_for_each(|ttl| write!(f, ", for {}", span(*ttl)))?;
        }
        match (&self.value, &self.bytes) {
            (Some(value), _) => {
                // Strangers wrote it, and `serde_json` lets through what terminals obey.
                writeln!(f, "\n  {}", cut(&escape::text(&value.to_string()), WIDTH - 2))
            }
            (None, Some(bytes)) => writeln!(f, "\n  {}", cut(bytes, WIDTH - 2)),
            (None, None) if self.stack.is_some() => writeln!(f, "\n  (there is nothing)"),
            (None, None) => writeln!(f),
        }
    }
}

fn mark(surety: Surety) -> &'static str {
    match surety {
        Surety::Certain => "",
        Surety::Likely => " ?",
        Surety::Guess => " ??",
    }
}
