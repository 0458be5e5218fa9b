use std::sync::Arc;

use futures_util::future::BoxFuture;
use telemetry::metrics::Connections;

use super::start_error::StartError;
#[cfg(not(all(feature = "mysql", feature = "sqlite")))]
use super::start_error::no_such_database;
#[cfg(any(feature = "mysql", feature = "sqlite"))]
use super::start_error::not_opened;
use crate::config::DatabaseUrl;
use crate::entities::LinkLifetimes;
use crate::interactors::{CancelMail, InspectMails, RedriveMails, ResendMail};
use crate::repositories::{
    LedgerRetention, LedgerWatch, NotificationLedger, OperatorLedger, SuppressedAddresses,
};
use crate::transport::http::Operator;

/// What is kept in the ledger's database, and what closes its connections.
pub(super) struct Ledger {
    pub(super) ledger: Arc<dyn NotificationLedger>,
    pub(super) suppressed: Arc<dyn SuppressedAddresses>,
    pub(super) retention: Arc<dyn LedgerRetention>,
    pub(super) operator: Arc<dyn OperatorLedger>,
    pub(super) watch: Arc<dyn LedgerWatch>,
    pub(super) connections: Box<dyn Fn() -> Connections + Send + Sync>,
    pub(super) close: BoxFuture<'static, ()>,
}

impl Ledger {
    pub(super) fn operator(&self, links: LinkLifetimes) -> Operator {
        Operator {
            inspect: InspectMails::new(self.operator.clone(), self.ledger.clone()),
            resend: ResendMail::new(self.operator.clone(), self.suppressed.clone(), links),
            cancel: CancelMail::new(self.operator.clone()),
            redrive: RedriveMails::new(self.operator.clone(), links),
        }
    }
}

/// An open ledger behind each of its ports.
#[cfg(any(feature = "mysql", feature = "sqlite"))]
macro_rules! ledger_parts {
    ($ledger:ident) => {
        Ledger {
            suppressed: $ledger.clone(),
            retention: $ledger.clone(),
            operator: $ledger.clone(),
            watch: $ledger.clone(),
            connections: {
                let open = $ledger.clone();
                Box::new(move || open.connections())
            },
            close: {
                let open = $ledger.clone();
                Box::pin(async move { open.close().await })
            },
            ledger: $ledger,
        }
    };
}

pub(super) async fn open_ledger(
    database: &DatabaseUrl,
    #[cfg_attr(
        not(feature = "mysql"),
        expect(unused_variables, reason = "only a server has connections to count")
    )]
    max_connections: u32,
) -> Result<Ledger, StartError> {
    match database {
        #[cfg(feature = "mysql")]
        DatabaseUrl::MySql(url) => {
            use secrecy::ExposeSecret as _;
            let opened =
                crate::data_sources::MySqlNotificationLedger::open(url.expose_secret(), max_connections);
            let ledger = Arc::new(opened.await.map_err(not_opened)?);
            Ok(ledger_parts!(ledger))
        }
        #[cfg(feature = "sqlite")]
        DatabaseUrl::Sqlite(path) => {
            let opened = crate::data_sources::SqliteNotificationLedger::open(path);
            let ledger = Arc::new(opened.await.map_err(not_opened)?);
            Ok(ledger_parts!(ledger))
        }
        #[cfg(not(all(feature = "mysql", feature = "sqlite")))]
        other => Err(no_such_database(other)),
    }
}

/// Brings the ledger's database to the version of this build; creates a SQLite file that is missing. Safe
/// on live data, and when several do it at once.
///
/// # Errors
///
/// [`StartError`], which names the setting at fault.
pub async fn migrate(database: &DatabaseUrl) -> Result<(), StartError> {
    match database {
        #[cfg(feature = "mysql")]
        DatabaseUrl::MySql(url) => {
            use secrecy::ExposeSecret as _;
            crate::data_sources::MySqlNotificationLedger::migrate(url.expose_secret())
                .await
                .map_err(not_opened)
        }
        #[cfg(feature = "sqlite")]
        DatabaseUrl::Sqlite(path) => {
            crate::data_sources::SqliteNotificationLedger::migrate(path).await.map_err(not_opened)
        }
        #[cfg(not(all(feature = "mysql", feature = "sqlite")))]
        other => Err(no_such_database(other)),
    }
}

/// What an operator can do to the ledger, for a command that does one thing, and what closes the ledger's connections.
///
/// # Errors
///
/// [`StartError`], which names the setting at fault.
pub async fn open_operator(
    database: &DatabaseUrl,
    links: LinkLifetimes,
) -> Result<(Operator, BoxFuture<'static, ()>), StartError> {
    let open = open_ledger(database, 1).await?;
    Ok((open.operator(links), open.close))
}
