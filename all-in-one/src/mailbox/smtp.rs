//! The SMTP server: accepts connections and, when told to stop, lets those in the middle of a mail finish.

use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::session;
use super::store::Mailbox;

/// How long connections in the middle of a mail may go on after the server was told to stop.
const DRAIN: Duration = Duration::from_secs(2);
/// Between attempts when accepting fails, which it does when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// An SMTP server for development: takes every mail, for any address, into a [`Mailbox`].
///
/// It speaks plain SMTP without TLS or authentication and announces `8BITMIME`, `SMTPUTF8`, `PIPELINING` and `SIZE`.
/// A mail over 10 MB is refused with 552; a connection that is silent for five minutes is closed.
pub struct SmtpServer {
    listener: TcpListener,
    mailbox: Mailbox,
}

impl SmtpServer {
    /// A server for a listener that the caller has bound.
    pub fn new(listener: TcpListener, mailbox: Mailbox) -> Self {
        Self { listener, mailbox }
    }

    /// Serves until `shutdown`.
    ///
    /// From then on no connection is accepted, those between mails are told 421, and those in the middle of a mail
    /// have two seconds to finish it. Dropping the future cuts all of them off.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        let (mailbox, shutdown) = (self.mailbox.clone(), shutdown.clone());
                        connections.spawn(async move {
                            let served = match stream.set_nodelay(true) {
                                Ok(()) => session::serve(stream, peer.ip(), mailbox, shutdown, acknowledge_at_once).await,
                                Err(error) => Err(error),
                            };
                            if let Err(error) = served {
                                tracing::debug!(%peer, %error, "SMTP connection lost");
                            }
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept an SMTP connection");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(self.listener);
        let drained = timeout(DRAIN, async { while connections.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            tracing::warn!(
                connections = connections.len(),
                "SMTP connections cut off in the middle of a mail"
            );
            connections.shutdown().await;
        }
    }
}

/// Has the kernel acknowledge a mail's text as soon as it comes.
///
/// A client that writes the text and the final dot apart, as lettre does, and has not set `TCP_NODELAY`, otherwise
/// waits for the acknowledgement before it sends the dot: 40 ms for every mail.
#[cfg(target_os = "linux")]
fn acknowledge_at_once(stream: &TcpStream) {
    if let Err(error) = stream.set_quickack(true) {
        tracing::debug!(%error, "mails will come slowly");
    }
}

#[cfg(not(target_os = "linux"))]
fn acknowledge_at_once(_stream: &TcpStream) {}
