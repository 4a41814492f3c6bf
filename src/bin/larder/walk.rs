//! A walk over the keys of a database.

use std::hash::{BuildHasher, RandomState};

use redis::{Value, cmd};

use crate::{connection::Connection, failure::Failure, options::Options, sample::bytes};

/// How many keys one `SCAN` walks over: well below a millisecond of the server's time.
const STEP: u64 = 200;
/// Longer names are counted, and not looked at.
pub(crate) const LONGEST_NAME: usize = 1024;

/// A walk over all keys that keeps some of them: each with the same chance, however many there are.
pub(crate) struct Walk {
    wanted: usize,
    pub(crate) chosen: Vec<Vec<u8>>,
    pub(crate) scanned: u64,
    pub(crate) matched: u64,
    pub(crate) too_long: u64,
    dice: (RandomState, u64),
}

impl Walk {
    pub(crate) fn new(wanted: usize) -> Self {
        let dice = (RandomState::new(), 0);
        Self { wanted, chosen: Vec::new(), scanned: 0, matched: 0, too_long: 0, dice }
    }

    /// Whether it came to the end.
    pub(crate) async fn go(
        &mut self,
        connection: &mut Connection<'_>,
        options: &Options,
        database_keys: u64,
    ) -> Result<bool, Failure> {
        let mut cursor = b"0".to_vec();
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(&cursor);
            if let Some(pattern) = &options.pattern {
                scan.arg("MATCH").arg(pattern);
            }
            scan.arg("COUNT").arg(STEP);
            let Value::Array(answer) = connection.ask(&scan).await? else { return Ok(true) };
            let mut answer = answer.into_iter();
            let (Some(next), Some(Value::Array(names))) = (answer.next(), answer.next()) else {
                return Err(Failure::new(format!("{} answers no SCAN", connection.target)));
            };
            cursor = bytes(next).unwrap_or_default();
            self.scanned += STEP.max(names.len() as u64);
            names.into_iter().filter_map(bytes).for_each(|name| self.meet(name));
            if cursor == b"0" || cursor.is_empty() {
                return Ok(true);
            }
            if self.scanned >= options.scan {
                // The last step may just not have been noticed to be the last.
                return Ok(self.scanned >= database_keys.saturating_mul(2));
            }
        }
    }

    fn meet(&mut self, name: Vec<u8>) {
        self.matched += 1;
        if name.len() > LONGEST_NAME {
            self.too_long += 1;
        } else if self.chosen.len() < self.wanted {
            self.chosen.push(name);
        } else if let Some(place) = self.roll(self.matched - self.too_long) {
            self.chosen[place] = name;
        }
    }

    /// A place among the chosen for the one that comes as number `count` of those that can be chosen, if it is
    /// to have one.
    fn roll(&mut self, count: u64) -> Option<usize> {
        self.dice.1 += 1;
        let rolled = self.dice.0.hash_one(self.dice.1) % count;
        usize::try_from(rolled).ok().filter(|place| *place < self.wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those that cannot be chosen take no chance from those that come after them.
    #[test]
    fn each_key_that_can_be_chosen_has_the_same_chance() {
        let is_last = |_: &u32| {
            let mut walk = Walk::new(1);
            walk.meet(b"first".to_vec());
            (0..2000).for_each(|_| walk.meet(vec![b'x'; LONGEST_NAME + 1]));
            walk.meet(b"last".to_vec());
            assert_eq!((walk.matched, walk.too_long), (2002, 2000));
            walk.chosen == [b"last"]
        };
        let count = (0..100).filter(is_last).count();
        // Ten times the standard deviation is 50.
        assert!((10..=90).contains(&count), "{count}");
    }
}
