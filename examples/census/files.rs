//! What the census is about: the files of a tree, and the facts about one of them.

use std::{
    borrow::Cow,
    ffi::OsStr,
    fs::{File, Metadata},
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use larder::Key;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use walkdir::{DirEntry, WalkDir};

/// What the census leaves out.
pub(crate) const SKIPPED: [&str; 2] = [".git", "target"];

/// What is cached of a file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Facts {
    // As one run of bytes: MessagePack would write an array as 32 numbers, half as long again.
    #[serde(with = "serde_bytes")]
    pub(crate) digest: [u8; 32],
    pub(crate) bytes: u64,
    pub(crate) lines: u64,
    pub(crate) words: u64,
    pub(crate) kind: Kind,
}

/// What a file holds, guessed from its first bytes and its extension.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    #[default]
    Empty,
    Text,
    Rust,
    C,
    Python,
    Markdown,
    Json,
    Toml,
    Image,
    Archive,
    Binary,
}

impl Facts {
    /// The slow work: reads the whole file, in pieces, so that its size does not matter.
    fn of(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut facts = Self::default();
        let mut digest = blake3::Hasher::new();
        let mut buffer = vec![0; 64 << 10];
        let mut last = b'\n';
        loop {
            let piece = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => &buffer[..read],
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if facts.bytes == 0 {
                facts.kind = Kind::guess(path, piece);
            }
            facts.bytes += piece.len() as u64;
            digest.update(piece);
            if facts.kind.is_text() {
                for &byte in piece {
                    facts.lines += u64::from(byte == b'\n');
                    facts.words +=
                        u64::from(last.is_ascii_whitespace() && !byte.is_ascii_whitespace());
                    last = byte;
                }
            }
        }
        // A line without an end is a line.
        facts.lines += u64::from(last != b'\n');
        facts.digest = digest.finalize().into();
        Ok(facts)
    }
}

impl Kind {
    fn guess(path: &Path, head: &[u8]) -> Self {
        let starts = |magic: &[&[u8]]| magic.iter().any(|magic| head.starts_with(magic));
        if starts(&[b"\x89PNG", b"\xff\xd8\xff", b"GIF8"]) {
            return Self::Image;
        }
        if starts(&[b"PK\x03\x04", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ"]) {
            return Self::Archive;
        }
        if head.contains(&0) {
            return Self::Binary;
        }
        match path.extension().and_then(OsStr::to_str) {
            Some("rs") => Self::Rust,
            Some("c" | "h" | "cc" | "cpp") => Self::C,
            Some("py") => Self::Python,
            Some("md") => Self::Markdown,
            Some("json") => Self::Json,
            Some("toml") => Self::Toml,
            _ => Self::Text,
        }
    }

    fn is_text(self) -> bool {
        !matches!(self, Self::Image | Self::Archive | Self::Binary)
    }
}

/// A file that was found, and its key.
#[derive(Debug)]
pub(crate) struct Spot {
    pub(crate) path: PathBuf,
    folder: String,
    name: String,
}

impl Spot {
    /// A changed file has another key, so nothing here ever expires: what was known about its
    /// older self is just not asked for any more.
    fn new(path: &Path, metadata: &Metadata) -> Self {
        let changed = match metadata.modified().map(|time| time.duration_since(UNIX_EPOCH)) {
            Ok(Ok(since)) => since.as_nanos().cast_signed(),
            Ok(Err(before)) => -before.duration().as_nanos().cast_signed(),
            Err(_) => 0,
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let name = path.file_name().map_or(Cow::Borrowed(""), text);
        Self {
            path: path.to_owned(),
            folder: text(folder.as_os_str()).into_owned(),
            // No name holds a slash. Short, because Redis packs a hash tightly only while names
            // and values stay under 64 bytes.
            name: format!("{name}/{:x}/{changed:x}", metadata.len()),
        }
    }

    /// The folder is the space: `Hstore` makes one hash of each, and writes its path once.
    pub(crate) fn key(&self) -> Key<'_> {
        Key::from((&self.folder, &self.name))
    }

    /// The facts about it, found without holding up the runtime.
    pub(crate) async fn examine(&'static self) -> io::Result<Facts> {
        spawn_blocking(move || Facts::of(&self.path)).await?
    }
}

/// A path as text. What is not UTF-8 is escaped, after a NUL, which no path holds: two paths never
/// have the same text.
fn text(path: &OsStr) -> Cow<'_, str> {
    match path.to_str() {
        Some(text) => text.into(),
        None => format!("\0{}", path.as_encoded_bytes().escape_ascii()).into(),
    }
}

/// The regular files under `root`, links followed, and what could not be looked at.
///
/// Leaves out what is [`SKIPPED`] and what starts with `own`, the name of the cache's own file. That
/// one must not be touched: closing it would drop the locks that LMDB holds on it.
pub(crate) fn walk(root: &Path, own: &OsStr) -> (Vec<Spot>, Vec<String>) {
    let is_own = |name: &OsStr| name.as_encoded_bytes().starts_with(own.as_encoded_bytes());
    let wanted = |entry: &DirEntry| {
        let name = entry.file_name();
        entry.depth() == 0 || !(SKIPPED.iter().any(|skipped| name == *skipped) || is_own(name))
    };
    let (mut spots, mut errors) = (Vec::new(), Vec::new());
    let walk = WalkDir::new(root).follow_links(true).sort_by_file_name();
    for entry in walk.into_iter().filter_entry(wanted) {
        match entry.and_then(|entry| Ok((entry.metadata()?, entry))) {
            Ok((metadata, entry)) if metadata.is_file() => {
                spots.push(Spot::new(entry.path(), &metadata));
            }
            Ok(_) => {} // folders, and what may never end: pipes, sockets, devices
            Err(error) => errors.push(error.to_string()),
        }
    }
    (spots, errors)
}
