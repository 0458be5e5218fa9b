use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Stands before a server, until it falls silent: then nothing gets through any more, and nobody is told.
pub(crate) struct SilentProxy {
    port: u16,
    silent: CancellationToken,
    /// Ends the connections too: a server keeps the locks of a client that is silent, but not of one that left.
    gone: CancellationToken,
    task: JoinHandle<()>,
}

impl SilentProxy {
    pub(crate) async fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let silent = CancellationToken::new();
        let gone = CancellationToken::new();
        let (hush, end) = (silent.clone(), gone.clone());
        let task = tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let (server, hush, end) = (server.clone(), hush.clone(), end.clone());
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(server).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        () = hush.cancelled() => end.cancelled().await,
                    }
                });
            }
        });
        Self { port, silent, gone, task }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn fall_silent(&self) {
        self.silent.cancel();
    }
}

impl Drop for SilentProxy {
    fn drop(&mut self) {
        self.task.abort();
        self.gone.cancel();
    }
}
