use bytes::Bytes;

use crate::{
    Backend, Batch, Capabilities, Expires, HashBackend, HashExpiry, Immediate, Key, Level, Place,
    Put, Result, WriteOpts,
};

/// Keeps nothing: every read is a miss. For switching a cache off.
///
/// Callers that ask at the same time still share one creation; it is just never stored.
#[derive(Clone, Copy, Debug, Default)]
pub struct Null;

impl Level for Null {
    async fn remove(&self, _: Key<'_>) -> Result<()> {
        Ok(())
    }

    async fn remove_multi(&self, _: &[Key<'_>]) -> Result<()> {
        Ok(())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
            .with_expires(Expires::Always)
            .with_immediate(Immediate::All)
            .with_place(Place::new("null"))
    }
}

impl Backend for Null {
    async fn get(&self, _: Key<'_>) -> Result<Option<Bytes>> {
        Ok(None)
    }

    async fn set(&self, _: Key<'_>, _: Bytes, _: WriteOpts<'_>) -> Result<()> {
        Ok(())
    }

    async fn get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        Ok(keys.iter().map(|_| Ok(None)).collect())
    }

    async fn set_multi(&self, _: &[Put<'_, Bytes>]) -> Result<()> {
        Ok(())
    }
}

impl HashBackend for Null {
    async fn hash_get(&self, _: Key<'_>) -> Result<Option<Bytes>> {
        Ok(None)
    }

    async fn hash_set(&self, _: Key<'_>, _: Bytes, _: WriteOpts<'_>, _: HashExpiry) -> Result<()> {
        Ok(())
    }

    async fn hash_remove(&self, _: Key<'_>) -> Result<()> {
        Ok(())
    }

    async fn hash_get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        self.get_multi(keys).await
    }

    async fn hash_set_multi(&self, _: &[Put<'_, Bytes>], _: HashExpiry) -> Result<()> {
        Ok(())
    }

    async fn hash_remove_multi(&self, _: &[Key<'_>]) -> Result<()> {
        Ok(())
    }
}
