//! The testing kit: suites for stores and locks of your own, and a layer that makes a stack fail.
//!
//! With the feature `testing`, which belongs into dev-dependencies:
//!
//! ```toml
//! [dev-dependencies]
//! larder = { version = "0.1", features = ["testing"] }
//! ```
//!
//! # Testing a backend
//!
//! A suite asks an implementation for everything that the traits promise. It panics when a promise is
//! broken, and then names all that are:
//!
//! ```
//! use std::{collections::HashMap, sync::Mutex};
//! use larder::{Backend, Bytes, Key, KeyBuf, Level, Result, WriteOpts};
//!
//! #[derive(Default)]
//! struct Shelf(Mutex<HashMap<KeyBuf, Bytes>>);
//!
//! impl Level for Shelf {
//!     async fn remove(&self, key: Key<'_>) -> Result<()> {
//!         self.0.lock().unwrap().remove(&key.to_buf());
//!         Ok(())
//!     }
//! }
//!
//! impl Backend for Shelf {
//!     async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
//!         Ok(self.0.lock().unwrap().get(&key.to_buf()).cloned())
//!     }
//!
//!     async fn set(&self, key: Key<'_>, value: Bytes, _: WriteOpts<'_>) -> Result<()> {
//!         self.0.lock().unwrap().insert(key.to_buf(), value);
//!         Ok(())
//!     }
//! }
//!
//! // In a `#[tokio::test]`:
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! larder::testing::backend_suite(|| async { Shelf::default() }).await;
//! # });
//! ```
//!
//! | what you wrote | run |
//! |---|---|
//! | a [`Backend`](crate::Backend) | [`backend_suite`] |
//! | .. that drops expired entries | [`expiry_suite`] |
//! | .. with hashes ([`HashBackend`](crate::HashBackend)) | [`hash_backend_suite`] |
//! | a [`Store`](crate::Store), a format or a codec | [`store_suite`] |
//! | .. with lifetimes of its entries' own ([`EntryTtl`](crate::EntryTtl)) | [`entry_ttl_suite`] |
//! | a [`Lock`](crate::Lock) | [`lock_suite`], [`lease_suite`] |
//! | a lock and a backend that checks its leases | [`fence_suite`] |
//!
//! A byte layer is a backend: run the suite over the layer over [`Memory`](crate::Memory).
//!
//! # Testing an application against a cache that fails
//!
//! [`Chaos`] goes anywhere into a stack, and does what the test says:
//!
//! ```
//! # #[cfg(all(feature = "backend-memory", feature = "codec-json"))] {
//! use std::time::Duration;
//! use larder::{BackendExt, ErrorKind, Memory, PayloadExt, Region, Timestamp};
//! use larder::testing::{Calls, Chaos, Damage, Fault, ManualClock};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
//! let time = ManualClock::new(Timestamp::from_secs(1_000_000));
//! let store = Chaos::new(Memory::new().with_clock(time.clock()));
//! let chaos = store.handle();
//! let region = Region::builder(store.json().int_time())
//!     .expire_after(Duration::from_secs(60))
//!     .clock(time.clock())
//!     .build()?;
//!
//! // The cache is down: the application goes on.
//! chaos.inject(Fault::Error(ErrorKind::Unavailable));
//! assert_eq!(region.get_or_create("k", async || 1).await?, 1);
//! chaos.calm();
//! assert_eq!(region.get_or_create("k", async || 2).await?, 2);
//!
//! // What is read is damaged: created anew.
//! chaos.inject(Fault::Corrupt(Damage::Replace("oops".into())));
//! assert_eq!(region.get_or_create("k", async || 3).await?, 3);
//! chaos.calm();
//!
//! // The reply to a write is lost, though it took place.
//! chaos.inject(Fault::LoseReply.on(Calls::Writes).times(1));
//! assert_eq!(region.set("k", 4).await.unwrap_err().kind(), ErrorKind::Timeout);
//! assert_eq!(region.get("k").await?, Some(4));
//!
//! // A slow cache. The runtime's time is paused: no test waits for it.
//! chaos.inject(Fault::Delay(Duration::from_secs(3)).on(Calls::All).chance(0.5));
//! assert_eq!(region.get("k").await?, Some(4));
//! chaos.calm();
//!
//! // A call stopped in the middle, and what others do meanwhile.
//! let held = chaos.hold_answer(Calls::Reads);
//! let reader = tokio::spawn({ let region = region.clone(); async move { region.get::<u8>("k").await } });
//! held.reached().await;
//! region.delete("k").await?;
//! held.release();
//! assert_eq!(reader.await.unwrap()?, Some(4), "it had its answer already");
//!
//! // Time that passes.
//! region.set("k", 5).await?;
//! time.advance(Duration::from_secs(61));
//! assert_eq!(region.get::<u8>("k").await?, None);
//! # Ok::<_, larder::Error>(()) }).unwrap();
//! # }
//! ```

mod chaos;
mod dice;
mod suite;

#[doc(no_inline)]
pub use crate::ManualClock;

pub use self::{
    chaos::{Calls, Chaos, ChaosHandle, Damage, Fault, Hold, Rule},
    suite::{
        backend_suite, entry_ttl_suite, expiry_suite, fence_suite, hash_backend_suite, lease_suite,
        lock_suite, store_suite,
    },
};
