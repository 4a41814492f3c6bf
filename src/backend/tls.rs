//! TLS for backends that are servers.

use std::{io, sync::Arc};

use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use crate::{Error, ErrorKind, Result};

/// Who the server has to prove to be.
pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Tls {
    /// Trusts the authorities in `ca_certificate`, or the public ones. Errors are those of `layer`.
    pub(super) fn new(
        layer: &'static str,
        host: &str,
        ca_certificate: Option<&[u8]>,
    ) -> Result<Self> {
        let config = |message| Error::new(ErrorKind::Config, layer).with_message(message);
        let unreadable = || config("the CA certificate is not PEM (-----BEGIN CERTIFICATE-----)");
        let bad_name = |_| config("the host is no name that a certificate could be made out to");
        let name = ServerName::try_from(host.to_owned()).map_err(bad_name)?;
        // The crypto is named here and not taken from the process: a library must neither install
        // a default nor fail because the application did not.
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| config("TLS cannot be set up").with_source(error))?
            .with_root_certificates(roots(ca_certificate).ok_or_else(unreadable)?)
            .with_no_client_auth();
        Ok(Self { connector: TlsConnector::from(Arc::new(tls)), name })
    }

    pub(super) async fn connect(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.connector.connect(self.name.clone(), stream).await
    }
}

/// The authorities in `ca_certificate`, or the public ones; `None` if it holds none.
fn roots(ca_certificate: Option<&[u8]>) -> Option<RootCertStore> {
    let Some(pem) = ca_certificate else {
        return Some(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect());
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.ok()?).ok()?;
    }
    (!roots.is_empty()).then_some(roots)
}
