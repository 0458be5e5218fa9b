use std::io;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use secrecy::ExposeSecret;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::message::OutgoingMessage;
use super::settings::{SmtpSettings, SmtpTls};

/// Until when one mail's commands may wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// When the whole mail must be done.
    pub(super) deadline: Instant,
    /// The longest wait for one answer.
    pub(super) command: Duration,
}

impl Patience {
    async fn wait<T, E: Into<Failure>>(
        self,
        dialogue: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure> {
        let now = Instant::now();
        // Not even begun: a process that was stopped meanwhile must not write a message's end, which would
        // go out before the timeout below is looked at. The lease may be another worker's by now.
        if now >= self.deadline {
            return Err(Failure::Timeout);
        }
        let until = self.deadline.min(now + self.command);
        match timeout_at(until, dialogue).await {
            Ok(done) => done.map_err(Into::into),
            Err(_) => Err(Failure::Timeout),
        }
    }
}

/// Why a step of the dialogue did not succeed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server said no, or the connection failed.
    Smtp(Error),
    /// There is no connection.
    Connect(io::Error),
    /// There was no answer in time.
    Timeout,
    /// The server lacks what this mail needs.
    Lacks(&'static str),
}

impl Failure {
    /// Whether the server answered with a 5xx.
    pub(super) fn is_permanent(&self) -> bool {
        match self {
            Self::Smtp(error) => error.is_permanent(),
            Self::Connect(_) | Self::Timeout => false,
            Self::Lacks(_) => true,
        }
    }

    /// Whether the server answered, and still listens.
    pub(super) fn leaves_connection_usable(&self) -> bool {
        // "Service not available, closing transmission channel": RFC 5321, section 4.2.3.
        const CLOSING: u16 = 421;
        match self {
            Self::Smtp(error) => error.status().is_some_and(|code| u16::from(code) != CLOSING),
            Self::Connect(_) | Self::Timeout => false,
            Self::Lacks(_) => true,
        }
    }

    /// The server's words, or ours.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Smtp(error) => error.to_string(),
            Self::Connect(error) => format!("no connection: {error}"),
            Self::Timeout => "no answer in time".to_owned(),
            Self::Lacks(what) => format!("the server does not support {what}, which the address needs"),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Smtp(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Connect(error)
    }
}

/// A connection on which mail can be sent, one after the other.
pub(super) struct SmtpConnection {
    inner: AsyncSmtpConnection,
}

impl SmtpConnection {
    /// Connects, greets, encrypts and authenticates, as the settings say.
    pub(super) async fn open(settings: &SmtpSettings, patience: Patience) -> Result<Self, Failure> {
        let hello = ClientId::Domain(settings.from.email.domain().to_owned());
        let tls = || TlsParameters::new_rustls(settings.host.clone());
        let mut inner = if settings.tls == SmtpTls::Implicit {
            let server = (settings.host.as_str(), settings.port);
            let connect = AsyncSmtpConnection::connect_tokio1(server, None, &hello, Some(tls()?), None);
            patience.wait(connect).await?
        } else {
            let stream = patience.wait(connect(settings)).await?;
            patience.wait(AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello)).await?
        };
        let is_wanted = settings.tls == SmtpTls::Opportunistic && inner.can_starttls();
        if is_wanted || settings.tls == SmtpTls::Required {
            patience.wait(inner.starttls(tls()?, &hello)).await?;
        }
        if let Some((user, password)) = &settings.credentials {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            patience.wait(inner.auth(DEFAULT_MECHANISMS, &credentials)).await?;
        }
        Ok(Self { inner })
    }

    /// MAIL FROM: what is refused here is the server's or our fault, except for [`Failure::Lacks`].
    pub(super) async fn begin(
        &mut self,
        from: &Address,
        message: &OutgoingMessage,
        patience: Patience,
    ) -> Result<(), Failure> {
        let server = self.inner.server_info();
        let mut parameters = Vec::new();
        let recipient: &str = message.recipient.as_ref();
        if !recipient.is_ascii() {
            if !server.supports_feature(Extension::SmtpUtfEight) {
                return Err(Failure::Lacks("SMTPUTF8"));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !message.bytes.is_ascii() {
            if !server.supports_feature(Extension::EightBitMime) {
                return Err(Failure::Lacks("8BITMIME"));
            }
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let command = Mail::new(Some(from.clone()), parameters);
        patience.wait(self.inner.command(command)).await.map(drop)
    }

    /// RCPT and DATA: what is refused here is refused because of this recipient or message.
    pub(super) async fn hand_over(
        &mut self,
        message: &OutgoingMessage,
        patience: Patience,
    ) -> Result<Response, Failure> {
        let recipient = Rcpt::new(message.recipient.clone(), Vec::new());
        patience.wait(self.inner.command(recipient)).await?;
        patience.wait(self.inner.command(Data)).await?;
        patience.wait(self.inner.message(&message.bytes)).await
    }

    /// Forgets the mail that was begun, so that the next one can be.
    pub(super) async fn reset(&mut self, patience: Patience) -> Result<(), Failure> {
        patience.wait(self.inner.command(Rset)).await.map(drop)
    }
}

/// lettre writes a message and its final dot apart. Without `TCP_NODELAY` the dot waits for the server's
/// delayed acknowledgement of the message: 40 milliseconds a mail on Linux.
async fn connect(settings: &SmtpSettings) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((settings.host.as_str(), settings.port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn after_the_deadline_no_step_is_begun() {
        let patience = Patience { deadline: Instant::now(), command: Duration::from_secs(60) };
        let mut begun = false;
        let step = async {
            begun = true;
            Ok::<_, Failure>(())
        };
        let done = patience.wait(step).await;
        assert!(matches!(done, Err(Failure::Timeout)), "{done:?}");
        assert!(!begun);
    }
}
