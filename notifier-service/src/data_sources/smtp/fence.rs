use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::repositories::MonotonicClock;

/// A time after which nothing is written any more. A process that was stopped in the middle of a mail and
/// goes on later must not write the mail's end: the mail may be another worker's by then. So the time is looked
/// at before every single write, below TLS and below every buffer, and not only when a timer fires.
#[derive(Clone)]
pub(super) struct Fence {
    clock: Arc<dyn MonotonicClock>,
    deadline_micros: Arc<AtomicU64>,
}

impl Fence {
    /// By that clock.
    pub(super) fn new(clock: Arc<dyn MonotonicClock>, deadline: Duration) -> Self {
        Self { clock, deadline_micros: Arc::new(AtomicU64::new(micros(deadline))) }
    }

    /// For the next mail on the same connection.
    pub(super) fn set(&self, deadline: Duration) {
        self.deadline_micros.store(micros(deadline), Ordering::Relaxed);
    }

    pub(super) fn is_over(&self) -> bool {
        micros(self.clock.now()) >= self.deadline_micros.load(Ordering::Relaxed)
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A connection that is written to only until the time of its fence.
pub(super) struct FencedStream {
    inner: TcpStream,
    fence: Fence,
}

impl FencedStream {
    pub(super) fn new(inner: TcpStream, fence: Fence) -> Self {
        Self { inner, fence }
    }
}

impl AsyncTokioStream for FencedStream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.inner.peer_addr()
    }
}

impl AsyncRead for FencedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl AsyncWrite for FencedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.fence.is_over() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

impl fmt::Debug for FencedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[derive(Default)]
    struct SetByHand(Mutex<Duration>);

    #[async_trait]
    impl MonotonicClock for SetByHand {
        fn now(&self) -> Duration {
            *self.0.lock().unwrap()
        }

        async fn sleep(&self, _time: Duration) {}
    }

    /// lettre writes a message and its end apart: between the two a process may be stopped for long.
    #[tokio::test]
    async fn what_was_begun_is_not_ended_when_its_time_is_over() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        let clock = Arc::new(SetByHand::default());
        let fence = Fence::new(clock.clone(), Duration::from_secs(1));
        let mut stream = FencedStream::new(stream, fence.clone());
        stream.write_all(b"a message").await.unwrap();
        *clock.0.lock().unwrap() = Duration::from_secs(1);
        let error = stream.write_all(b"\r\n.\r\n").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        fence.set(Duration::from_secs(2));
        stream.write_all(b", another").await.unwrap();
        drop(stream);
        let mut received = String::new();
        server.read_to_string(&mut received).await.unwrap();
        assert_eq!(received, "a message, another");
    }
}
