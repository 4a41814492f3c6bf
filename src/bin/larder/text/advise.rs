//! What `larder advise` says.

use std::fmt;

use super::{ROWS, size, wrapped};
use crate::{
    advise::{Advice, Now, Pick, Row},
    escape::{cut, text},
    unread::Unread,
};

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.about)?;
        let some = if self.read < 0.999 * self.entries {
            let because = |Unread { reason, share }: &Unread| {
                format!("{:.0}%: {}", 100.0 * share, text(&reason.to_string()))
            };
            let because = self.unread.iter().map(because).collect::<Vec<_>>().join("; ");
            format!("of which {:.0} can be read (not {because}), ", self.read)
        } else {
            String::new()
        };
        wrapped(f, "", &format!("{:.0} entries, {some}now {}.", self.entries, self.now))?;
        writeln!(f)?;
        writeln!(
            f,
            "{:<26}{:>5} {:>10} {:>10} {:>10}",
            "stack", "age", "key, TTL", "key", "in hashes"
        )?;
        self.stacks.iter().try_for_each(|row| row.fmt(f))?;
        let legend = "Bytes an entry, by a model of Redis's memory. age: how exactly it is known. in hashes: \
                      where the keys allow it, with TTLs as they are now; see below.";
        writeln!(f)?;
        wrapped(f, "", legend)?;
        // What is given up is said once, and referred to by a letter.
        let mut losses: Vec<&str> = Vec::new();
        for prefix in self.prefixes.iter().take(ROWS) {
            writeln!(f)?;
            let words = format!("{:.0} entries, now {}", prefix.entries, prefix.now);
            wrapped(f, &(cut(&text(&prefix.pattern), 40) + "  "), &words)?;
            for pick in &prefix.picks {
                let mut letters = String::new();
                for loss in &pick.gives_up {
                    let known = losses.iter().position(|known| known == loss);
                    let at = known.unwrap_or_else(|| {
                        losses.push(loss);
                        losses.len() - 1
                    });
                    letters.push(' ');
                    letters.extend(('a'..='z').nth(at));
                }
                let Pick { what, stack, bytes, .. } = pick;
                writeln!(f, "  {what:<28}{:>6}  {stack:<51}{letters}", size(*bytes))?;
            }
        }
        if self.prefixes.len() > ROWS {
            writeln!(f, "\nand {} more; --json has all", self.prefixes.len() - ROWS)?;
        }
        writeln!(f, "\nWhat one gives up:")?;
        for (letter, loss) in ('a'..='z').zip(losses) {
            wrapped(f, &format!("  {letter}  "), loss)?;
        }
        Ok(())
    }
}

impl fmt::Display for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} bytes each", self.bytes)?;
        self.measured_bytes.iter().try_for_each(|it| write!(f, " ({it:.1} by MEMORY USAGE)"))?;
        let some = self.stacks.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
        write!(f, ", {some}{}", if self.stacks.len() > 3 { " and others" } else { "" })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stack, created, with_ttl, without_ttl, in_hashes } = self;
        let created = created.unwrap_or("-");
        writeln!(
            f,
            "{stack:<26}{created:>5} {:>10} {:>10} {:>10}",
            size(*with_ttl),
            size(*without_ttl),
            size(*in_hashes),
        )
    }
}
