//! The least that sending costs: handing finished messages to lettre's pool.

use std::fs::File;
use std::io::BufReader;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use lettre::address::Envelope;
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use tokio::task::JoinSet;

use crate::Failure;
use crate::relay::child::wait_to_be_released;
use crate::relay::record_file::KeptRecord;

#[derive(Args)]
pub(crate) struct FloorSend {
    #[arg(long)]
    server: SocketAddr,
    /// How many mails are sent side by side, each on a connection of its own
    #[arg(long)]
    connections: u32,
    /// The file of messages
    #[arg(long)]
    messages: PathBuf,
}

impl FloorSend {
    /// Sends every message, as fast as lettre does.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(self.server.ip().to_string())
            .port(self.server.port())
            .hello_name(ClientId::Domain("inf-user.example".to_owned()))
            .pool_config(PoolConfig::new().max_size(self.connections))
            .build();
        let mut file = BufReader::new(File::open(&self.messages)?);
        let (mut record, mut messages) = (KeptRecord::default(), Vec::new());
        while record.read(&mut file)? {
            let to = String::from_utf8(std::mem::take(&mut record.key))?.parse()?;
            let envelope = Envelope::new(Some("accounts@inf-user.example".parse()?), vec![to])?;
            messages.push((envelope, std::mem::take(&mut record.value)));
        }
        let messages = Arc::new(Mutex::new(messages.into_iter()));
        let mut sending = JoinSet::new();
        for _ in 0..self.connections {
            let (transport, messages) = (transport.clone(), Arc::clone(&messages));
            sending.spawn(async move {
                let next = || messages.lock().unwrap_or_else(PoisonError::into_inner).next();
                while let Some((envelope, message)) = next() {
                    transport.send_raw(&envelope, &message).await?;
                }
                Ok::<_, lettre::transport::smtp::Error>(())
            });
        }
        while let Some(sent) = sending.join_next().await {
            sent??;
        }
        wait_to_be_released();
        Ok(())
    }
}
