use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

pub(crate) const USER: &str = "accounts@sender.example";
pub(crate) const PASSWORD: &str = "pass:word";

/// What the server insists on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encryption {
    StartTls,
    Implicit,
}

/// A mail that the server took: only ever over an encrypted and authenticated connection.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    /// Counted from 1.
    pub(crate) connection: usize,
    pub(crate) mechanism: String,
}

/// An SMTP server that takes no mail without TLS and a password, with a certificate of its own authority's.
pub(crate) struct StrictSmtpServer {
    port: u16,
    /// The authority's certificate, as PEM.
    pub(crate) authority: String,
    taken: Arc<Mutex<Vec<Taken>>>,
    task: tokio::task::JoinHandle<()>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

#[derive(Clone)]
struct Demands {
    encryption: Encryption,
    mechanism: &'static str,
    acceptor: TlsAcceptor,
}

impl StrictSmtpServer {
    /// Starts on a free port with a certificate for `name`, and one mechanism of authentication.
    pub(crate) async fn start(name: &str, encryption: Encryption, mechanism: &'static str) -> Self {
        let (authority, acceptor) = certified(name);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken: Arc<Mutex<Vec<Taken>>> = Arc::default();
        let (demands, shared) = (Demands { encryption, mechanism, acceptor }, taken.clone());
        let task = tokio::spawn(async move {
            for connection in 1.. {
                let (stream, _) = listener.accept().await.unwrap();
                // A client that hangs up ends its own connection.
                tokio::spawn(serve(stream, demands.clone(), connection, shared.clone()));
            }
        });
        Self { port, authority, taken, task }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }
}

impl Drop for StrictSmtpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A certificate for that name, and the authority that vouches for it.
fn certified(name: &str) -> (String, TlsAcceptor) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    (pem, TlsAcceptor::from(Arc::new(config)))
}

/// One connection; ends with `None` when the client leaves or is not trusted.
async fn serve(
    stream: TcpStream,
    demands: Demands,
    connection: usize,
    taken: Arc<Mutex<Vec<Taken>>>,
) -> Option<()> {
    let mut is_encrypted = demands.encryption == Encryption::Implicit;
    let stream: Box<dyn Stream> =
        if is_encrypted { Box::new(demands.acceptor.accept(stream).await.ok()?) } else { Box::new(stream) };
    let mut stream = BufStream::new(stream);
    let mut is_known = false;
    say(&mut stream, "220 strict ESMTP").await?;
    loop {
        let line = hear(&mut stream).await?;
        match line.split([' ', ':']).next()? {
            "EHLO" if is_encrypted => {
                say(&mut stream, &format!("250-strict\r\n250 AUTH {}", demands.mechanism)).await?;
            }
            "EHLO" => say(&mut stream, "250-strict\r\n250 STARTTLS").await?,
            "STARTTLS" if !is_encrypted => {
                say(&mut stream, "220 go on").await?;
                let encrypted = demands.acceptor.accept(stream.into_inner()).await.ok()?;
                let encrypted: Box<dyn Stream> = Box::new(encrypted);
                stream = BufStream::new(encrypted);
                is_encrypted = true;
            }
            _ if !is_encrypted => say(&mut stream, "530 5.7.0 Must issue a STARTTLS command first").await?,
            "AUTH" => {
                is_known = authenticate(&mut stream, &line, demands.mechanism).await?;
                let answer = if is_known { "235 2.7.0 welcome" } else { "535 5.7.8 not you" };
                say(&mut stream, answer).await?;
            }
            _ if !is_known => say(&mut stream, "530 5.7.0 Authentication required").await?,
            "DATA" => {
                say(&mut stream, "354 go on").await?;
                while hear(&mut stream).await? != "." {}
                let mechanism = demands.mechanism.to_owned();
                taken.lock().unwrap().push(Taken { connection, mechanism });
                say(&mut stream, "250 taken").await?;
            }
            _ => say(&mut stream, "250 ok").await?,
        }
    }
}

async fn authenticate(stream: &mut BufStream<Box<dyn Stream>>, line: &str, mechanism: &str) -> Option<bool> {
    let decoded = |text: &str| String::from_utf8(STANDARD.decode(text).unwrap()).unwrap();
    if mechanism == "PLAIN" {
        return Some(decoded(line.strip_prefix("AUTH PLAIN ")?) == format!("\0{USER}\0{PASSWORD}"));
    }
    assert_eq!(line, "AUTH LOGIN");
    say(stream, "334 VXNlcm5hbWU6").await?;
    let user = decoded(&hear(stream).await?);
    say(stream, "334 UGFzc3dvcmQ6").await?;
    let password = decoded(&hear(stream).await?);
    Some((user.as_str(), password.as_str()) == (USER, PASSWORD))
}

async fn say(stream: &mut BufStream<Box<dyn Stream>>, words: &str) -> Option<()> {
    stream.write_all(format!("{words}\r\n").as_bytes()).await.ok()?;
    stream.flush().await.ok()
}

async fn hear(stream: &mut BufStream<Box<dyn Stream>>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}
