//! What keeps the entries.

use std::collections::HashMap;

use larder::{
    BackendExt, File, Framed, LayerExt, Memo, Memory, PayloadExt, Postcard, Region, Store,
};
use larder_benches::{Value, now};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// Keeps a value under each key.
pub trait Shelf<V> {
    fn name(&self) -> &'static str;

    fn put(&mut self, keys: &[String]);

    fn get(&self, key: &str) -> Option<V>;

    /// Bytes of the file, where there is one.
    fn file_bytes(&self) -> Option<u64> {
        None
    }
}

/// The map of the standard library, which forgets nothing and is for one thread.
pub struct Map<V>(pub HashMap<String, V>);

impl<V: Value> Shelf<V> for Map<V> {
    fn name(&self) -> &'static str {
        "HashMap"
    }

    fn put(&mut self, keys: &[String]) {
        for key in keys {
            self.0.insert(key.clone(), V::sample());
        }
    }

    fn get(&self, key: &str) -> Option<V> {
        self.0.get(key).cloned()
    }
}

pub struct Quick<V>(pub quick_cache::sync::Cache<String, V>);

impl<V: Value> Shelf<V> for Quick<V> {
    fn name(&self) -> &'static str {
        "quick_cache"
    }

    fn put(&mut self, keys: &[String]) {
        for key in keys {
            self.0.insert(key.clone(), V::sample());
        }
    }

    fn get(&self, key: &str) -> Option<V> {
        self.0.get(key)
    }
}

/// A region over a store in memory.
pub struct Near<S>(&'static str, Region<S>);

impl<V: Value> Near<Memo<V>> {
    pub fn memo(room: usize) -> Self {
        Self("Region<Memo<T>>", Memo::with_capacity(room).region())
    }
}

impl Near<Framed<Postcard<Memory>>> {
    pub fn memory(room: usize) -> Self {
        let stack = Memory::with_capacity(room).postcard().framed();
        Self("Region<Framed<Postcard<Memory>>>", stack.region())
    }
}

impl<V: Value, S: Store<V>> Shelf<V> for Near<S> {
    fn name(&self) -> &'static str {
        self.0
    }

    fn put(&mut self, keys: &[String]) {
        for key in keys {
            now(self.1.set(key, V::sample())).expect("memory takes everything");
        }
    }

    fn get(&self, key: &str) -> Option<V> {
        now(self.1.get(key)).expect("no error")
    }
}

/// A region over a file. What is put is put a thousand at a time: a write alone waits for a transaction.
pub struct OnDisk {
    region: Region<Framed<Postcard<File>>>,
    file: File,
    runtime: Runtime,
    _folder: TempDir,
}

impl OnDisk {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = File::open(folder.path().join("entries.larder")).expect("a file");
        let region = file.clone().postcard().framed().region();
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { region, file, runtime, _folder: folder }
    }
}

impl<V: Value> Shelf<V> for OnDisk {
    fn name(&self) -> &'static str {
        "Region<Framed<Postcard<File>>>, set_multi of 1000"
    }

    fn put(&mut self, keys: &[String]) {
        for some in keys.chunks(1_000) {
            let values = some.iter().map(|key| (key, V::sample()));
            self.runtime.block_on(self.region.set_multi(values)).expect("the disk takes it");
        }
    }

    fn get(&self, key: &str) -> Option<V> {
        now(self.region.get(key)).expect("no error")
    }

    fn file_bytes(&self) -> Option<u64> {
        Some(self.file.file_bytes().expect("its length"))
    }
}
