use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// One address for whichever server is the right one at the time, as an operator's virtual address or proxy is. It ends
/// with the value.
pub struct Forwarder {
    port: u16,
    to: watch::Sender<u16>,
    _running: AbortOnDropHandle<()>,
}

impl Forwarder {
    /// Listens at a free port of 127.0.0.1 and forwards to that one.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("a bound listener has an address").port();
        let (sender, receiver) = watch::channel(to);
        let _running = AbortOnDropHandle::new(tokio::spawn(accept(listener, receiver)));
        Self { port, to: sender, _running }
    }

    /// The port that it listens at.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Forwards to that port of 127.0.0.1 from now on. What is connected is cut off.
    pub fn point_to(&self, port: u16) {
        self.to.send_replace(port);
    }
}

async fn accept(listener: TcpListener, to: watch::Receiver<u16>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(forward(client, to.clone()));
    }
}

/// Until one of them hangs up, or the server is another.
async fn forward(mut client: TcpStream, mut to: watch::Receiver<u16>) {
    let port = *to.borrow_and_update();
    let server = SocketAddr::from(([127, 0, 0, 1], port));
    // A client whose server is not there is hung up on, as it would be by that server.
    if let Ok(mut server) = TcpStream::connect(server).await {
        tokio::select! {
            _ended = copy_bidirectional(&mut client, &mut server) => {}
            _pointed_elsewhere = to.changed() => {}
        }
    }
}
