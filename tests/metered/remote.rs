use larder::{Backend, Bytes, Capabilities, Key, Level, Memory, Place, Result, WriteOpts};

/// A backend that is somewhere else.
pub(crate) struct Remote(pub(crate) Memory);

impl Level for Remote {
    async fn remove(&self, key: Key<'_>) -> Result<()> {
        self.0.remove(key).await
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default().with_place(Place::new("remote"))
    }
}

impl Backend for Remote {
    async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        self.0.get(key).await
    }

    async fn set(&self, key: Key<'_>, value: Bytes, opts: WriteOpts<'_>) -> Result<()> {
        self.0.set(key, value, opts).await
    }
}
