use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{BinlogStream, BinlogStreamRequest, Conn, DriverError, Opts, OptsBuilder, SslOpts};
use mysql_common::packets::Sid;
use percent_encoding::percent_decode_str;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use tokio::time::timeout;

use super::error::{BinlogError, READ_LOG};
use super::position::Position;
use super::settings;

/// How long the server may take to let us in, and to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The largest packet to take, and so the largest event: in bytes. A compressed transaction is one event, which the
/// library unpacks as a whole into memory, and rows like ours become twenty times as large. Our rows in whatever is
/// larger come by a sweep.
pub(super) const LARGEST_PACKET: usize = 2 * 1024 * 1024;

/// The server tells every two seconds that it is there, when it has nothing else to tell. In nanoseconds, by the name
/// that MySQL gives it since 8.0.26 and by the old one, which MariaDB knows
/// (<https://dev.mysql.com/doc/refman/9.0/en/replication-features-user-variables.html>). The connection must outlive a
/// long sweep, during which it is idle.
const SET_UP: &str = "SET @source_heartbeat_period = 2000000000, @master_heartbeat_period = 2000000000, \
     SESSION wait_timeout = 86400";

/// What MariaDB wants to be told by who reads GTIDs (<https://mariadb.com/kb/en/5-slave-registration/>).
const KNOWS_MARIADB_GTIDS: &str = "SET @mariadb_slave_capability = 4, @slave_gtid_strict_mode = 0, \
     @slave_gtid_ignore_duplicates = 0";

/// Where to begin in a binary log.
#[derive(Debug)]
pub(super) enum From<'a> {
    /// In that file, at that offset.
    Position(&'a str, u64),
    /// Behind those transactions of MySQL's.
    MySqlGtids(Vec<Sid<'static>>),
    /// Behind those of MariaDB's, as it writes them.
    MariaDbGtids(String),
}

/// A server whose binary log is to be read, and as whom.
#[derive(Debug)]
pub(super) struct BinlogServer {
    options: Opts,
    tls: MySqlSslMode,
    /// By this the server tells its replicas apart. Two with one number would end each other's connections.
    replica_id: u32,
    pub(super) database: String,
}

impl BinlogServer {
    /// The server of that URL, which means what it means to sqlx.
    pub(super) fn new(url: &str) -> Result<Self, BinlogError> {
        let known = MySqlConnectOptions::from_str(url).map_err(BinlogError::Database)?;
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        // The parameters are sqlx's, and refused by the other.
        let parsed = Opts::from_url(address).map_err(|error| BinlogError::Url(error.into()))?;
        let tls = known.get_ssl_mode();
        let database = known.get_database().unwrap_or_default().to_owned();
        let options = OptsBuilder::default()
            .ip_or_hostname(known.get_host())
            .tcp_port(known.get_port())
            .socket(known.get_socket().map(|path| path.to_string_lossy()))
            .prefer_socket(false)
            .user(Some(known.get_username()))
            .pass(parsed.pass())
            .db_name(Some(&database))
            .tcp_keepalive(Some(Duration::from_secs(30)))
            .ssl_opts(tls_options(tls, query));
        Ok(Self { options: options.into(), tls, replica_id: replica_id(), database })
    }

    /// Connects, and refuses a server that is not set up for this.
    pub(super) async fn connect(&self) -> Result<Conn, BinlogError> {
        self.connect_for(LARGEST_PACKET).await
    }

    /// As [`connect`](Self::connect), for packets of up to so many bytes.
    pub(super) async fn connect_for(&self, largest_packet: usize) -> Result<Conn, BinlogError> {
        let options = OptsBuilder::from_opts(self.options.clone()).max_allowed_packet(Some(largest_packet));
        let connecting = async {
            let mut connection = self.connect_as_told(options).await.map_err(|error| match error {
                mysql_async::Error::Server(_) => BinlogError::Refused(error),
                error => BinlogError::Connection(error),
            })?;
            connection.query_drop(SET_UP).await.map_err(BinlogError::Connection)?;
            let found = connection.query(settings::QUERY).await.map_err(BinlogError::Connection)?;
            settings::check(&found)?;
            Ok(connection)
        };
        timeout(ANSWER_WITHIN, connecting).await.unwrap_or(Err(BinlogError::TimedOut("let the relay in")))
    }

    async fn connect_as_told(&self, options: OptsBuilder) -> Result<Conn, mysql_async::Error> {
        match Conn::new(options.clone()).await {
            Err(mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer))
                if matches!(self.tls, MySqlSslMode::Preferred) =>
            {
                Conn::new(options.ssl_opts(None)).await
            }
            result => result,
        }
    }

    /// The binary log from there on. A position must have been noted on this connection, or be known to be this
    /// server's.
    pub(super) async fn follow(
        &self,
        mut connection: Conn,
        from: From<'_>,
    ) -> Result<BinlogStream, BinlogError> {
        let request = BinlogStreamRequest::new(self.replica_id);
        let following = async {
            let request = match from {
                From::Position(file, offset) => request.with_filename(file.as_bytes()).with_pos(offset),
                From::MySqlGtids(gtids) => request.with_gtid().with_gtid_set(gtids),
                From::MariaDbGtids(last) => {
                    connection.query_drop(KNOWS_MARIADB_GTIDS).await?;
                    connection.exec_drop("SET @slave_connect_state = ?", (last,)).await?;
                    request
                }
            };
            connection.get_binlog_stream(request).await
        };
        timeout(ANSWER_WITHIN, following)
            .await
            .unwrap_or(Err(DriverError::ConnectionClosed.into()))
            .map_err(BinlogError::asking(READ_LOG))
    }

    /// Finds out whether the server is set up for this and lets this user read its binary log.
    pub(super) async fn check(&self) -> Result<(), BinlogError> {
        let mut connection = self.connect().await?;
        let position = Position::now(&mut connection, &self.database).await?;
        let stream = self.follow(connection, From::Position(&position.file, position.offset)).await?;
        timeout(ANSWER_WITHIN, stream.close())
            .await
            .unwrap_or(Err(DriverError::ConnectionClosed.into()))
            .map_err(BinlogError::Connection)
    }
}

/// Half of all numbers there are, in which servers of their own right are seldom given one.
fn replica_id() -> u32 {
    let random = RandomState::new().build_hasher().finish();
    0x8000_0000 | u32::try_from(random >> 33).unwrap_or_default()
}

/// What sqlx makes of its mode of encryption.
fn tls_options(mode: MySqlSslMode, query: &str) -> Option<SslOpts> {
    let file = |names: [&str; 2]| {
        let pair = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(name, _)| names.contains(name))?;
        Some(PathBuf::from(percent_decode_str(pair.1).decode_utf8_lossy().into_owned()))
    };
    let authority = || file(["ssl-ca", "sslca"]).into_iter().map(Into::into).collect();
    let options = match mode {
        MySqlSslMode::Disabled => return None,
        MySqlSslMode::Preferred | MySqlSslMode::Required => {
            SslOpts::default().with_danger_accept_invalid_certs(true)
        }
        MySqlSslMode::VerifyCa => {
            SslOpts::default().with_root_certs(authority()).with_danger_skip_domain_validation(true)
        }
        MySqlSslMode::VerifyIdentity => SslOpts::default().with_root_certs(authority()),
    };
    let identity = file(["ssl-cert", "sslcert"]).zip(file(["ssl-key", "sslkey"]));
    let identity =
        identity.map(|(certificate, key)| mysql_async::ClientIdentity::new(certificate.into(), key.into()));
    Some(options.with_client_identity(identity))
}
