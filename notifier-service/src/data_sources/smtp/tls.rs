use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::{AsyncTokioStream, Certificate, CertificateStore, TlsParameters};
use thiserror::Error as ThisError;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::fence::FencedStream;

/// The certificate authorities that may vouch for the mail server.
#[derive(Debug, Clone, Default)]
pub struct Authorities {
    /// Those alone; `None` for the public ones that browsers trust.
    private: Option<Vec<CertificateDer<'static>>>,
}

/// A text holds no certificate authority that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ThisError)]
#[error("it must hold one or more certificates as PEM (-----BEGIN CERTIFICATE-----)")]
pub struct BadAuthorities;

impl Authorities {
    /// Reads certificates as PEM, one after the other. They take the place of the public authorities.
    ///
    /// # Errors
    ///
    /// [`BadAuthorities`] when there is none, or one that is no certificate.
    pub fn parse(pem: &str) -> Result<Self, BadAuthorities> {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|_| BadAuthorities)?;
        let mut store = RootCertStore::empty();
        for certificate in &certificates {
            store.add(certificate.clone()).map_err(|_| BadAuthorities)?;
        }
        if store.is_empty() { Err(BadAuthorities) } else { Ok(Self { private: Some(certificates) }) }
    }

    /// What lettre encrypts by, for STARTTLS.
    pub(super) fn parameters(&self, host: &str) -> Result<TlsParameters, Error> {
        let mut builder = TlsParameters::builder(host.to_owned());
        if let Some(certificates) = &self.private {
            builder = builder.certificate_store(CertificateStore::None);
            for certificate in certificates {
                builder = builder.add_root_certificate(Certificate::from_der(certificate.to_vec())?);
            }
        }
        builder.build_rustls()
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        match &self.private {
            Some(certificates) => {
                roots.add_parsable_certificates(certificates.iter().cloned());
            }
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        }
        roots
    }
}

/// Encrypts a connection from its first byte. lettre does that only for connections that it makes itself.
pub(super) async fn encrypt(
    authorities: &Authorities,
    host: &str,
    stream: FencedStream,
) -> io::Result<EncryptedStream> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(authorities.roots())
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map(EncryptedStream)
}

/// An encrypted connection as lettre takes it.
#[derive(Debug)]
pub(super) struct EncryptedStream(TlsStream<FencedStream>);

impl AsyncTokioStream for EncryptedStream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().0.peer_addr()
    }
}

impl AsyncRead for EncryptedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for EncryptedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_no_certificate_is_refused() {
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for pem in ["", "no PEM", broken] {
            assert_eq!(Authorities::parse(pem).unwrap_err(), BadAuthorities, "{pem:?}");
        }
    }
}
