use std::io;
use std::sync::Arc;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Quit, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use secrecy::ExposeSecret;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::failure::{Failure, Stopped};
use super::fence::{Fence, FencedStream};
use super::message::OutgoingMessage;
use super::settings::{SmtpSettings, SmtpTls};
use super::tls::EncryptedStream;
use crate::entities::DialogueStage;
use crate::repositories::MonotonicClock;

/// Until when one mail's commands may wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// When the whole mail must be done: how long a server may take.
    pub(super) deadline: Instant,
    /// The longest wait for one answer.
    pub(super) command: Duration,
    /// When the mail is not ours to send any more, by the process's clock. Later than `deadline`, unless the
    /// process was stopped.
    pub(super) fence: Duration,
}

/// Waits for a step of the dialogue. None is begun when its time is over.
async fn wait<T, E: Into<Failure>>(
    fence: &Fence,
    patience: Patience,
    step: impl Future<Output = Result<T, E>>,
) -> Result<T, Failure> {
    let now = Instant::now();
    if fence.is_over() {
        return Err(Failure::OutOfTime);
    }
    if now >= patience.deadline {
        return Err(Failure::Timeout);
    }
    let until = patience.deadline.min(now + patience.command);
    match timeout_at(until, step).await {
        Ok(Ok(done)) => Ok(done),
        // What the fence kept from being written must not be blamed on the server.
        _ if fence.is_over() => Err(Failure::OutOfTime),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Failure::Timeout),
    }
}

/// A connection on which mail can be sent, one after the other.
pub(super) struct SmtpConnection {
    inner: AsyncSmtpConnection,
    fence: Fence,
}

impl SmtpConnection {
    /// Connects, greets, encrypts and authenticates, as the settings say.
    pub(super) async fn open(
        settings: &SmtpSettings,
        clock: Arc<dyn MonotonicClock>,
        patience: Patience,
    ) -> Result<Self, Stopped> {
        let fence = Fence::new(clock, patience.fence);
        let hello = ClientId::Domain(settings.from.email.domain().to_owned());
        let connected = wait(&fence, patience, connect(settings, &fence, &hello)).await;
        let mut inner = connected.map_err(Stopped::at(DialogueStage::Connect))?;
        let is_wanted = settings.tls == SmtpTls::Opportunistic && inner.can_starttls();
        if is_wanted || settings.tls == SmtpTls::Required {
            let starttls = async {
                let parameters = settings.authorities.parameters(&settings.host)?;
                inner.starttls(parameters, &hello).await
            };
            wait(&fence, patience, starttls).await.map_err(Stopped::at(DialogueStage::Encrypt))?;
        }
        if let Some((user, password)) = &settings.credentials {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            let authenticated = wait(&fence, patience, inner.auth(DEFAULT_MECHANISMS, &credentials)).await;
            authenticated.map_err(Stopped::at(DialogueStage::Authenticate))?;
        }
        Ok(Self { inner, fence })
    }

    /// MAIL FROM: what is refused here is the server's or our fault, except for [`Failure::Lacks`].
    pub(super) async fn begin(
        &mut self,
        from: &Address,
        message: &OutgoingMessage,
        patience: Patience,
    ) -> Result<(), Stopped> {
        self.fence.set(patience.fence);
        let parameters = self.parameters(message).map_err(Stopped::at(DialogueStage::MailFrom))?;
        let command = Mail::new(Some(from.clone()), parameters);
        let begun = wait(&self.fence, patience, self.inner.command(command)).await;
        begun.map(drop).map_err(Stopped::at(DialogueStage::MailFrom))
    }

    fn parameters(&self, message: &OutgoingMessage) -> Result<Vec<MailParameter>, Failure> {
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
        Ok(parameters)
    }

    /// RCPT and DATA: what is refused here is refused because of this recipient or message.
    pub(super) async fn hand_over(
        &mut self,
        message: &OutgoingMessage,
        patience: Patience,
    ) -> Result<Response, Stopped> {
        let recipient = Rcpt::new(message.recipient.clone(), Vec::new());
        let recipient = wait(&self.fence, patience, self.inner.command(recipient)).await;
        recipient.map_err(Stopped::at(DialogueStage::RcptTo))?;
        let data = wait(&self.fence, patience, self.inner.command(Data)).await;
        data.map_err(Stopped::at(DialogueStage::Data))?;
        let message = wait(&self.fence, patience, self.inner.message(&message.bytes)).await;
        message.map_err(Stopped::at(DialogueStage::Message))
    }

    /// Says goodbye. What the server says to that is of no interest.
    pub(super) async fn quit(&mut self, patience: Patience) {
        let _said = wait(&self.fence, patience, self.inner.command(Quit)).await;
    }

    /// Forgets the mail that was begun, so that the next one can be.
    pub(super) async fn reset(&mut self, patience: Patience) -> Result<(), Failure> {
        wait(&self.fence, patience, self.inner.command(Rset)).await.map(drop)
    }
}

/// Up to the server's answer to EHLO.
///
/// lettre writes a message and its final dot apart. Without `TCP_NODELAY` the dot waits for the server's
/// delayed acknowledgement of the message: 40 milliseconds a mail on Linux.
async fn connect(
    settings: &SmtpSettings,
    fence: &Fence,
    hello: &ClientId,
) -> Result<AsyncSmtpConnection, Failure> {
    let stream = tcp(settings).await?;
    let stream = FencedStream::new(stream, fence.clone());
    let connection = if settings.tls == SmtpTls::Implicit {
        let stream = EncryptedStream::connect(&settings.authorities, &settings.host, stream).await?;
        AsyncSmtpConnection::connect_with_transport(Box::new(stream), hello).await
    } else {
        AsyncSmtpConnection::connect_with_transport(Box::new(stream), hello).await
    };
    connection.map_err(Failure::Smtp)
}

async fn tcp(settings: &SmtpSettings) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((settings.host.as_str(), settings.port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;

    /// A clock that just began.
    struct Beginning;

    #[async_trait]
    impl MonotonicClock for Beginning {
        fn now(&self) -> Duration {
            Duration::ZERO
        }

        async fn sleep(&self, _time: Duration) {}
    }

    async fn begun(patience: Patience) -> (bool, Result<(), Failure>) {
        let fence = Fence::new(Arc::new(Beginning), patience.fence);
        let mut begun = false;
        let step = async {
            begun = true;
            Ok::<_, Failure>(())
        };
        let done = wait(&fence, patience, step).await;
        (begun, done)
    }

    #[tokio::test]
    async fn after_its_time_no_step_is_begun() {
        let minute = Duration::from_secs(60);
        let patience = Patience { deadline: Instant::now() + minute, command: minute, fence: minute };
        assert!(matches!(begun(patience).await, (true, Ok(()))));
        let too_slow = Patience { deadline: Instant::now(), ..patience };
        assert!(matches!(begun(too_slow).await, (false, Err(Failure::Timeout))));
        let not_ours = Patience { fence: Duration::ZERO, ..patience };
        assert!(matches!(begun(not_ours).await, (false, Err(Failure::OutOfTime))));
    }
}
