//! A TCP proxy that treats connections as a bad network does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::fault::Wiring;

/// At most so many bytes are taken at once; a throttled connection is then held up for a part of a second at a time.
const CHUNK: usize = 4 * 1024;

/// The state of a proxy: what is done to connections now, and how often all were closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct State {
    wiring: Option<Wiring>,
    cuts: u32,
}

/// A proxy in front of one port of 127.0.0.1. It ends with the value.
pub(crate) struct Proxy {
    port: u16,
    to: watch::Sender<Option<u16>>,
    state: Arc<watch::Sender<State>>,
    _running: AbortOnDropHandle<()>,
}

impl Proxy {
    /// Listens at a free port; who connects waits until it is known [where to](Self::lead_to).
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("a bound listener has an address").port();
        let (to, state) = (watch::Sender::new(None), Arc::new(watch::Sender::new(State::default())));
        let _running =
            AbortOnDropHandle::new(tokio::spawn(accept(listener, to.subscribe(), Arc::clone(&state))));
        Self { port, to, state, _running }
    }

    /// The port that it listens at.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Forwards to that port from now on.
    pub(crate) fn lead_to(&self, port: u16) {
        self.to.send_replace(Some(port));
    }

    /// Does that to connections for that time. When it is over, those that lost anything are closed.
    pub(crate) async fn suffer(&self, wiring: Wiring, time: Duration) {
        if matches!(wiring, Wiring::Cut | Wiring::Refuse) {
            self.cut();
        }
        if wiring == Wiring::Cut {
            return;
        }
        self.state.send_modify(|state| state.wiring = Some(wiring));
        sleep(time).await;
        self.state.send_modify(|state| state.wiring = None);
        if matches!(wiring, Wiring::BlackHole | Wiring::HalfOpen) {
            self.cut();
        }
    }

    fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }
}

async fn accept(listener: TcpListener, to: watch::Receiver<Option<u16>>, state: Arc<watch::Sender<State>>) {
    while let Ok((client, _)) = listener.accept().await {
        // Hung up on, which is as near to a refusal as a listener can come.
        if state.borrow().wiring != Some(Wiring::Refuse) {
            tokio::spawn(forward(client, to.clone(), state.subscribe()));
        }
    }
}

/// Until one of them hangs up, or all connections are closed.
async fn forward(client: TcpStream, mut to: watch::Receiver<Option<u16>>, mut state: watch::Receiver<State>) {
    let cuts = state.borrow().cuts;
    let is_half_open = |state: &State| state.wiring == Some(Wiring::HalfOpen);
    // A connection that is made meanwhile is whole.
    let was_half_open = is_half_open(&state.borrow());
    let (mut from_client, mut to_client) = client.into_split();
    let (there, back, mut half) = (state.clone(), state.clone(), state.clone());
    let joined = async {
        let port = (*to.wait_for(Option::is_some).await.ok()?)?;
        let server = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).await.ok()?;
        let (mut from_server, mut to_server) = server.into_split();
        let lost = async {
            if was_half_open {
                std::future::pending::<()>().await;
            }
            // Fails only when the proxy is gone.
            let _half_open = half.wait_for(is_half_open).await.map(drop);
        };
        tokio::select! {
            () = pump(&mut from_client, &mut to_server, there) => None,
            () = pump(&mut from_server, &mut to_client, back) => None,
            // The server's side is dropped here, and the client's stays.
            () = lost => Some(()),
        }
    };
    let left_alone = tokio::select! {
        left_alone = joined => left_alone.is_some(),
        () = is_cut(&mut state, cuts) => false,
    };
    if left_alone {
        is_cut(&mut state, cuts).await;
    }
}

/// Returns when all connections are to be closed.
async fn is_cut(state: &mut watch::Receiver<State>, cuts: u32) {
    // Fails only when the proxy is gone, and with it everything that it forwards.
    let _cut = state.wait_for(|state| state.cuts != cuts).await.map(drop);
}

async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    state: watch::Receiver<State>,
) {
    let mut bytes = vec![0; CHUNK];
    loop {
        let Ok(count @ 1..) = from.read(&mut bytes).await else { return };
        let wiring = state.borrow().wiring;
        match wiring {
            Some(Wiring::BlackHole) => continue,
            Some(Wiring::Delay(time)) => sleep(time).await,
            Some(Wiring::Throttle(rate)) => {
                sleep(Duration::from_secs_f64(count as f64 / f64::from(rate))).await;
            }
            _ => {}
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::time::{Instant, timeout};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    /// A proxy in front of a server that says everything again.
    async fn echo() -> Arc<Proxy> {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start().await;
        proxy.lead_to(server.local_addr().unwrap().port());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = server.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        Arc::new(proxy)
    }

    async fn connect(proxy: &Proxy) -> TcpStream {
        TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap()
    }

    /// What comes back, or that the connection was closed.
    async fn say(stream: &mut TcpStream, word: &[u8]) -> Option<Vec<u8>> {
        stream.write_all(word).await.ok()?;
        let mut answer = vec![0; word.len()];
        stream.read_exact(&mut answer).await.ok()?;
        Some(answer)
    }

    fn suffer(proxy: &Arc<Proxy>, wiring: Wiring, time: Duration) -> tokio::task::JoinHandle<()> {
        let proxy = Arc::clone(proxy);
        tokio::spawn(async move { proxy.suffer(wiring, time).await })
    }

    #[tokio::test]
    async fn a_cut_closes_what_is_connected_and_lets_others_in() {
        let proxy = echo().await;
        let mut before = connect(&proxy).await;
        assert_eq!(say(&mut before, b"one").await.unwrap(), b"one");
        proxy.suffer(Wiring::Cut, Duration::ZERO).await;
        assert_eq!(say(&mut before, b"two").await, None);
        assert_eq!(say(&mut connect(&proxy).await, b"three").await.unwrap(), b"three");
    }

    #[tokio::test]
    async fn a_refusal_hangs_up_on_everybody_for_its_time() {
        let proxy = echo().await;
        let refusing = suffer(&proxy, Wiring::Refuse, Duration::from_millis(300));
        tokio::task::yield_now().await;
        assert_eq!(say(&mut connect(&proxy).await, b"one").await, None);
        refusing.await.unwrap();
        assert_eq!(say(&mut connect(&proxy).await, b"two").await.unwrap(), b"two");
    }

    #[tokio::test]
    async fn a_black_hole_swallows_and_closes_what_it_has_swallowed_from() {
        let proxy = echo().await;
        let mut stream = connect(&proxy).await;
        assert_eq!(say(&mut stream, b"one").await.unwrap(), b"one");
        let (begun, time) = (Instant::now(), Duration::from_millis(300));
        let hole = suffer(&proxy, Wiring::BlackHole, time);
        tokio::task::yield_now().await;
        assert_eq!(timeout(LIMIT, say(&mut stream, b"two")).await.unwrap(), None);
        assert!(begun.elapsed() >= time, "nobody is told before");
        hole.await.unwrap();
    }

    #[tokio::test]
    async fn a_half_open_connection_is_silent_while_a_new_one_works() {
        let proxy = echo().await;
        let mut stream = connect(&proxy).await;
        assert_eq!(say(&mut stream, b"one").await.unwrap(), b"one");
        let (begun, time) = (Instant::now(), Duration::from_millis(500));
        let half = suffer(&proxy, Wiring::HalfOpen, time);
        tokio::task::yield_now().await;
        assert_eq!(say(&mut connect(&proxy).await, b"two").await.unwrap(), b"two");
        assert_eq!(timeout(LIMIT, say(&mut stream, b"three")).await.unwrap(), None);
        assert!(begun.elapsed() >= time, "nobody is told before");
        half.await.unwrap();
    }

    #[tokio::test]
    async fn a_delay_and_a_throttle_take_their_time_and_lose_nothing() {
        let proxy = echo().await;
        let mut stream = connect(&proxy).await;
        let slow = suffer(&proxy, Wiring::Throttle(1_000), Duration::from_millis(700));
        tokio::task::yield_now().await;
        let begun = Instant::now();
        assert_eq!(say(&mut stream, &[7; 200]).await.unwrap(), [7; 200]);
        assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
        slow.await.unwrap();
        assert_eq!(say(&mut stream, b"quick").await.unwrap(), b"quick");
    }
}
