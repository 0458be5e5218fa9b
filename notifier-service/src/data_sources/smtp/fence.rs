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
