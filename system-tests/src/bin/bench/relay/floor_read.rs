//! The least that capturing from the binary log costs: reading it and decoding its rows.

use std::io::Write as _;
use std::time::Duration;

use clap::Args;
use futures_util::TryStreamExt as _;
use mysql_async::binlog::events::EventData;
use mysql_async::{BinlogStreamRequest, Conn, DriverError, Opts, OptsBuilder, SslOpts};

use super::child::wait_to_be_released;
use crate::Failure;
use crate::clock::now;

/// How many rows are read between two words about it.
const TELL_EVERY: u64 = 10_000;

#[derive(Args)]
pub(crate) struct FloorRead {
    #[arg(long, env = super::child::MYSQL_URL, hide_env_values = true, value_name = "URL")]
    mysql_url: String,
    #[arg(long)]
    file: String,
    #[arg(long)]
    offset: u64,
    /// Of which database to read the table `users`
    #[arg(long)]
    database: String,
    #[arg(long)]
    rows: u64,
}

impl FloorRead {
    /// Reads from that place on until so many row changes of the table are decoded. Says how many they are, and at last
    /// when the first and the last were decoded, in milliseconds since the Unix epoch.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let request = BinlogStreamRequest::new(std::process::id())
            .with_filename(self.file.as_bytes())
            .with_pos(self.offset);
        let mut log = self.connect().await?.get_binlog_stream(request).await?;
        let (mut decoded, mut first, mut told) = (0, None, 0);
        let mut output = std::io::stdout().lock();
        while decoded < self.rows {
            let event = log.try_next().await?.ok_or("the server ended the binary log")?;
            let Some(EventData::RowsEvent(rows)) = event.read_data()? else { continue };
            let table = log.get_tme(rows.table_id()).ok_or("rows of a table that was not introduced")?;
            let wanted = table.database_name_raw() == self.database.as_bytes();
            if !wanted || table.table_name_raw() != b"users" {
                continue;
            }
            for row in rows.rows(table) {
                std::hint::black_box(row?);
                decoded += 1;
            }
            first.get_or_insert_with(now);
            if decoded >= told + TELL_EVERY {
                told = decoded;
                writeln!(output, "{decoded}")?;
            }
        }
        let (first, last) = (first.unwrap_or_default(), now());
        writeln!(output, "{decoded}\n{} {}", first.as_millis(), last.as_millis())?;
        output.flush()?;
        wait_to_be_released();
        Ok(())
    }

    /// As the relay does unless it is told otherwise: encrypted where the server offers that.
    async fn connect(&self) -> Result<Conn, mysql_async::Error> {
        let options = |tls| {
            let options = OptsBuilder::from_opts(Opts::from_url(&self.mysql_url)?);
            Ok::<_, mysql_async::Error>(options.prefer_socket(false).ssl_opts(tls))
        };
        let encrypted = SslOpts::default().with_danger_accept_invalid_certs(true);
        match Conn::new(options(Some(encrypted))?).await {
            Err(mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer)) => {
                Conn::new(options(None)?).await
            }
            result => result,
        }
    }
}

/// What it says last.
pub(super) fn first_and_last(line: &str) -> Option<(Duration, Duration)> {
    let (first, last) = line.split_once(' ')?;
    Some((Duration::from_millis(first.parse().ok()?), Duration::from_millis(last.parse().ok()?)))
}
