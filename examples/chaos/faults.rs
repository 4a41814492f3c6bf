//! What Redis suffers.

use std::{error::Error, path::Path, sync::atomic::Ordering::Relaxed, time::Duration};

use serde::Serialize;
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    options::Sabotage,
    proxy::Proxy,
    server::{self, Server},
    stack::PREFIX,
    workload::Dice,
};

/// One way for a cache to lose its server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fault {
    #[default]
    None,
    Killed,
    Paused,
    Restarted,
    Slow,
    Cut,
    Full,
    ReadOnly,
    Corrupted,
}

/// How much later replies arrive from a server that is slow, in milliseconds.
const DELAY: u64 = 100;
/// How often a server is restarted.
const RESTART: Duration = Duration::from_secs(1);
/// How often an entry is overwritten.
const CORRUPT: Duration = Duration::from_millis(2);

impl Fault {
    pub(crate) const ALL: [Self; 9] = [
        Self::None,
        Self::Killed,
        Self::Paused,
        Self::Restarted,
        Self::Slow,
        Self::Cut,
        Self::Full,
        Self::ReadOnly,
        Self::Corrupted,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Killed => "killed",
            Self::Paused => "paused",
            Self::Restarted => "restarted",
            Self::Slow => "slow",
            Self::Cut => "cut",
            Self::Full => "full",
            Self::ReadOnly => "read-only",
            Self::Corrupted => "corrupted",
        }
    }

    pub(crate) const fn tells(self) -> &'static str {
        match self {
            Self::None => "nothing happens, for comparison",
            Self::Killed => "Redis is killed, and started at the end",
            Self::Paused => "it is stopped (SIGSTOP): connections stay, nothing answers",
            Self::Restarted => "it is killed and started again, empty, every second",
            Self::Slow => "every reply arrives 100 ms late",
            Self::Cut => "one reply of twenty ends in the middle, and its connection with it",
            Self::Full => "it has reached `maxmemory` and refuses writes (OOM)",
            Self::ReadOnly => "it becomes a replica and refuses writes (READONLY)",
            Self::Corrupted => "entries are overwritten with garbage, 500 a second",
        }
    }

    /// Whether it can lose what Redis was told, or keep it from telling.
    pub(crate) const fn unsettles(self) -> bool {
        !matches!(self, Self::None | Self::Slow | Self::Corrupted)
    }

    /// Lets it happen for so long; how often that was.
    pub(crate) async fn strike(
        self,
        lasts: Duration,
        server: &mut Server,
        proxy: &Proxy,
        dice: &mut Dice,
        keys: u32,
    ) -> Result<u64, Box<dyn Error>> {
        let end = Instant::now() + lasts;
        let mut times = 1;
        match self {
            Self::None => sleep_until(end).await,
            Self::Killed => {
                server.kill()?;
                sleep_until(end).await;
                server.revive()?;
            }
            Self::Paused => {
                server.signal("STOP")?;
                sleep_until(end).await;
                server.signal("CONT")?;
            }
            Self::Restarted => loop {
                server.kill()?;
                server.revive()?;
                if Instant::now() + RESTART >= end {
                    break sleep_until(end).await;
                }
                times += 1;
                sleep(RESTART).await;
            },
            Self::Slow => {
                proxy.ways().delay.store(DELAY, Relaxed);
                sleep_until(end).await;
                proxy.ways().delay.store(0, Relaxed);
            }
            Self::Cut => {
                proxy.ways().cuts.store(true, Relaxed);
                sleep_until(end).await;
                proxy.ways().cuts.store(false, Relaxed);
                times = proxy.ways().cut.swap(0, Relaxed);
            }
            Self::Full => {
                // Less than is used, whatever expires meanwhile.
                server.set("maxmemory", "1")?;
                sleep_until(end).await;
                server.set("maxmemory", "0")?;
            }
            Self::ReadOnly => {
                // Nobody listens there, so it keeps what it has.
                server.call(&[b"REPLICAOF", b"127.0.0.1", b"1"])?;
                sleep_until(end).await;
                server.call(&[b"REPLICAOF", b"NO", b"ONE"])?;
            }
            Self::Corrupted => {
                times = 0;
                while Instant::now() < end {
                    times += u64::from(corrupt(server, dice, keys)?);
                    sleep(CORRUPT).await;
                }
            }
        }
        Ok(times)
    }
}

/// Overwrites an entry that is there with something that is none.
fn corrupt(server: &Server, dice: &mut Dice, keys: u32) -> Result<bool, Box<dyn Error>> {
    let name = format!("{PREFIX}{}", dice.popular(keys));
    // Nor again what is of another type already.
    let Ok(Some(mut entry)) = server.call(&[b"GET", name.as_bytes()]) else { return Ok(false) };
    if entry.is_empty() {
        return Ok(false);
    }
    match dice.below(5) {
        0 => entry = (0..dice.below(400)).map(|_| dice.byte()).collect(),
        1 => entry.truncate(dice.below(entry.len())),
        2 => {
            let at = dice.below(entry.len());
            entry[at] ^= 1 << dice.below(8);
        }
        3 => entry = br#"{"ct": 1471113698.76127, "v": 2}|{"key": 1, "version": 1}"#.to_vec(),
        _ => {
            // Another type under the same name.
            server.call(&[b"DEL", name.as_bytes()])?;
            // Somebody may have been faster.
            let hash = server.call(&[b"HSET", name.as_bytes(), b"field", b"value"]);
            server.call(&[b"PEXPIRE", name.as_bytes(), b"1000"])?;
            return Ok(hash.is_ok());
        }
    }
    server.call(&[b"SET", name.as_bytes(), &entry, b"XX", b"KEEPTTL"])?;
    Ok(true)
}

/// Puts entries that are valid by themselves where they are wrong, as long as it is polled.
pub(crate) async fn sabotage(how: Sabotage, socket: &Path, mut dice: Dice) -> ! {
    /// Longer than a change may take to be known, shorter than a value is fresh.
    const WHILE: Duration = Duration::from_millis(1800);
    /// The most popular ones.
    const KEYS: u32 = 20;
    let name = |key: u32| format!("{PREFIX}{key}").into_bytes();
    let entry = |key: u32| server::call(socket, &[b"GET", &name(key)]).ok().flatten();
    let put = |key: u32, entry: &[u8]| {
        let _ = server::call(socket, &[b"SET", &name(key), entry, b"XX", b"KEEPTTL"]);
    };
    loop {
        match how {
            Sabotage::Foreign => {
                let one = dice.popular(KEYS);
                let other = (one + 1 + dice.popular(KEYS - 1)) % KEYS;
                if let Some(entry) = entry(one) {
                    put(other, &entry);
                }
            }
            Sabotage::Old => {
                let entries: Vec<_> = (0..KEYS).map(|key| (key, entry(key))).collect();
                sleep(WHILE).await;
                for (key, entry) in entries {
                    if let Some(entry) = entry {
                        put(key, &entry);
                    }
                }
            }
        }
        sleep(Duration::from_millis(10)).await;
    }
}
