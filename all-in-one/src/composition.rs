//! Starts and stops the parts: the one place that knows all of them.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notifier_service::composition::{self as notifier, NotifierHandle};
use notifier_service::config::{NotifierConfig, OperatorConfig};
use notifier_service::data_sources::{SmtpSettings, SmtpSettingsError};
use notifier_service::entities::{ActionLinks, LinkLifetimes, PublicUrl};
use secrecy::SecretString;
use shared_kernel::{BrokerUrl, CDC_TOPIC, DatabaseUrl, SigningKeys, dead_letter_topic};
use table_broker::{BrokerError, TableBroker};
use telemetry::{BadTraceSetting, Tracer, Traces};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use user_service::composition as users;
use user_service::config::{ApiConfig, Metrics, RelayConfig, UserServiceConfig};

use crate::keys::{self, KeyFileError};
use crate::mailbox::{self, Mailbox, SmtpServer};
use crate::settings::Settings;
use crate::try_it_now::TryItNow;

/// The whole of a stop.
const STOP_LIMIT: Duration = Duration::from_millis(4500);
/// How long the last requests and what they changed may take on their way to the mail server.
const QUIET_LIMIT: Duration = Duration::from_secs(1);
/// One mail's longest way to the server, and how long a killed process's mails then wait: both short, since
/// the usual server is in this process.
const SMTP_LIMIT: Duration = Duration::from_secs(8);
const LEASE: Duration = Duration::from_secs(15);
/// How long records stay on the topic, and how often the older ones are removed.
const RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const RETENTION_INTERVAL: Duration = Duration::from_secs(60);
const RETENTION_BATCH: u32 = 1000;

/// Why the program cannot start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// A port is taken, or may not be used.
    #[error("cannot listen on 127.0.0.1:{port}; choose another port by {flag} ({variable})")]
    Listen {
        /// The port.
        port: u16,
        /// Its flag.
        flag: &'static str,
        /// Its environment variable.
        variable: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The data folder cannot be made.
    #[error("--data-dir (INF_USER_DATA_DIR): {} cannot be made", folder.display())]
    DataDir {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The mail server or the sender is not one.
    #[error("{setting}")]
    Mail {
        /// The setting.
        setting: &'static str,
        /// What it accepts.
        #[source]
        source: SmtpSettingsError,
    },
    /// A setting of traces is not one.
    #[error(transparent)]
    Traces(BadTraceSetting),
    /// A key of the program's own cannot be read or made.
    #[error("--data-dir (INF_USER_DATA_DIR)")]
    Key(#[source] KeyFileError),
    /// The broker's file cannot be used.
    #[error("the broker's file cannot be used")]
    Broker(#[source] BrokerError),
    /// user-service cannot start.
    #[error("user-service cannot start")]
    Users(#[source] users::StartError),
    /// notifier-service cannot start.
    #[error("notifier-service cannot start")]
    Notifier(#[source] notifier::StartError),
}

/// Both services and what they need, running.
pub struct AllInOne {
    try_it_now: TryItNow,
    broker: TableBroker,
    consumer_group: String,
    ledger: NotifierHandle,
    api: Part,
    relay: Part,
    retention: Part,
    notifier: Part,
    mailbox: Option<Part>,
    traces: Traces,
}

/// A task and what stops it.
struct Part {
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl Part {
    fn spawn<F>(part: impl FnOnce(CancellationToken) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = CancellationToken::new();
        Self { task: tokio::spawn(part(stop.clone())), stop }
    }

    /// Tells it to stop and waits until it has.
    async fn stop(self) {
        self.stop.cancel();
        if let Err(failure) = self.task.await {
            tracing::error!(%failure, "a part did not stop as it should");
        }
    }
}

/// The development SMTP server with its mailbox page, bound and not yet running.
struct MailboxListeners {
    smtp: TcpListener,
    page: TcpListener,
}

impl AllInOne {
    /// Starts everything; when this returns, everything runs.
    ///
    /// # Errors
    ///
    /// [`StartError`], which names the setting at fault. Nothing runs then.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let api = listen(settings.api_port, "--api-port", "INF_USER_API_PORT").await?;
        let mailbox = match settings.smtp_url {
            Some(_) => None,
            None => Some(MailboxListeners {
                smtp: listen(settings.smtp_port, "--smtp-port", "INF_USER_SMTP_PORT").await?,
                page: listen(settings.mailbox_port, "--mailbox-port", "INF_USER_MAILBOX_PORT").await?,
            }),
        };
        if settings.operator_port != 0 {
            // The notifier binds it itself, and knows nothing of this program's settings.
            drop(listen(settings.operator_port, "--operator-port", "INF_USER_OPERATOR_PORT").await?);
        }
        let smtp = smtp_settings(&settings, mailbox.as_ref())?;
        let traces = settings.traces.start("all-in-one").map_err(StartError::Traces)?;
        let folder = settings.data_dir;
        // Addresses and hashes are in it: for its owner alone.
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(|source| StartError::DataDir { folder: folder.clone(), source })?;

        let action_keys = keys::read_or_create(&folder, keys::ACTION_TOKEN_KEY).map_err(StartError::Key)?;
        let session_keys = keys::read_or_create(&folder, keys::SESSION_KEY).map_err(StartError::Key)?;
        let operator = OperatorConfig {
            listen: (Ipv4Addr::LOCALHOST, settings.operator_port).into(),
            token: keys::read_or_create_token(&folder, keys::OPERATOR_TOKEN).map_err(StartError::Key)?,
        };
        let links = action_links(address(&api), action_keys.clone());

        let broker_file = folder.join("broker.db");
        let broker = TableBroker::open_sqlite(&broker_file).await.map_err(StartError::Broker)?;
        // Both tell theirs at the API.
        let metrics = Metrics::of_program("all-in-one", env!("CARGO_PKG_VERSION"));
        let api_config = ApiConfig::new(session_keys, action_keys);
        let user_service = start_users(&folder, &broker_file, api_config, traces.tracer(), metrics.clone())
            .await
            .map_err(StartError::Users)?;
        let notifier_config = NotifierConfig {
            operator: Some(operator),
            tracer: traces.tracer(),
            metrics,
            ..notifier_config(&folder, broker_file, smtp, links)
        };
        let consumer_group = notifier_config.consumer_group.clone();
        notifier::migrate(&notifier_config.database).await.map_err(StartError::Notifier)?;
        let notifier = notifier::build(notifier_config).await.map_err(StartError::Notifier)?;

        let try_it_now = TryItNow {
            data_dir: folder.clone(),
            api: address(&api),
            operator: notifier.operator_address().expect("the notifier serves an operator"),
            mailbox: mailbox.as_ref().map(|listeners| address(&listeners.page)),
            smtp: mailbox.as_ref().map(|listeners| address(&listeners.smtp)),
        };

        let user_service = Arc::new(user_service);
        let relaying = Arc::clone(&user_service);
        let ledger = notifier.handle();
        let retained = broker.clone();
        Ok(Self {
            try_it_now,
            broker,
            consumer_group,
            ledger,
            traces,
            mailbox: mailbox.map(|listeners| Part::spawn(|stop| run_mailbox(listeners, stop))),
            notifier: Part::spawn(|stop| notifier.run(stop)),
            retention: Part::spawn(|stop| retain(retained, stop)),
            relay: Part::spawn(|stop| async move { relaying.relay(stop).await }),
            api: Part::spawn(|stop| async move { user_service.serve(api, stop).await }),
        })
    }

    /// Where everything is, and what to try.
    pub fn try_it_now(&self) -> &TryItNow {
        &self.try_it_now
    }

    /// Stops in the order in which a change travels, so that what is under way still arrives: the API, the
    /// relay, the notifier, the mailbox. Takes less than five seconds; what has not arrived by then is on
    /// the disk and goes on after the next start.
    pub async fn stop(self) {
        let in_order = async {
            self.api.stop().await;
            self.relay.stop().await;
            self.retention.stop().await;
            let quiet = all_delivered(&self.broker, &self.consumer_group, &self.ledger);
            if tokio::time::timeout(QUIET_LIMIT, quiet).await.is_err() {
                tracing::warn!("mails are still to be sent; they go out after the next start");
            }
            self.notifier.stop().await;
            if let Some(mailbox) = self.mailbox {
                mailbox.stop().await;
            }
            self.broker.close().await;
            self.traces.close().await;
        };
        if tokio::time::timeout(STOP_LIMIT, in_order).await.is_err() {
            tracing::warn!("not everything stopped in time; what is not done goes on after the next start");
        }
    }
}

async fn listen(port: u16, flag: &'static str, variable: &'static str) -> Result<TcpListener, StartError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|source| StartError::Listen {
        port,
        flag,
        variable,
        source,
    })
}

fn address(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().expect("a bound listener has an address")
}

fn smtp_settings(
    settings: &Settings,
    mailbox: Option<&MailboxListeners>,
) -> Result<SmtpSettings, StartError> {
    let built_in =
        mailbox.map(|listeners| SecretString::from(format!("smtp://{}", address(&listeners.smtp))));
    let url = settings.smtp_url.clone().or(built_in).unwrap_or_default();
    let parsed = SmtpSettings::parse(&url, &settings.mail_from).map_err(|source| {
        let setting = match source {
            SmtpSettingsError::Url(_) | SmtpSettingsError::Password(_) => "--smtp-url (INF_USER_SMTP_URL)",
            SmtpSettingsError::From => "--mail-from (INF_USER_MAIL_FROM)",
        };
        StartError::Mail { setting, source }
    })?;
    Ok(SmtpSettings { command_timeout: SMTP_LIMIT, total_timeout: SMTP_LIMIT, ..parsed })
}

async fn start_users(
    folder: &Path,
    broker_file: &Path,
    api: ApiConfig,
    tracer: Tracer,
    metrics: Metrics,
) -> Result<users::UserService, users::StartError> {
    let database = DatabaseUrl::Sqlite(folder.join("users.db"));
    let broker = BrokerUrl::Table(broker_file.to_owned());
    let config = UserServiceConfig {
        api: Some(api),
        relay: Some(RelayConfig::new(broker)),
        tracer,
        metrics,
        ..UserServiceConfig::new(database)
    };
    users::migrate(&config).await?;
    users::build(config).await
}

/// Links to the API of this very program.
fn action_links(api: SocketAddr, keys: SigningKeys) -> ActionLinks {
    let public_url = PublicUrl::parse(&format!("http://{api}")).expect("an address makes a URL");
    ActionLinks::new(public_url, keys, LinkLifetimes::default())
}

fn notifier_config(
    folder: &Path,
    broker_file: PathBuf,
    smtp: SmtpSettings,
    links: ActionLinks,
) -> NotifierConfig {
    let database = DatabaseUrl::Sqlite(folder.join("notifier.db"));
    let broker = BrokerUrl::Table(broker_file);
    NotifierConfig {
        lease: LEASE,
        // Within what a stop may take in all.
        drain: Duration::from_secs(2),
        ..NotifierConfig::new(database, broker, smtp, links)
    }
}

async fn run_mailbox(listeners: MailboxListeners, stop: CancellationToken) {
    let mailbox = Mailbox::new();
    let page = axum::serve(listeners.page, mailbox::http_router(mailbox.clone()));
    tokio::select! {
        () = SmtpServer::new(listeners.smtp, mailbox).run(stop) => {}
        ended = page.into_future() => tracing::error!(?ended, "the mailbox page ended"),
    }
}

/// Removes old records from time to time, so that the broker's file does not grow for ever.
async fn retain(broker: TableBroker, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(RETENTION_INTERVAL) => {}
        }
        for topic in [CDC_TOPIC, &dead_letter_topic(CDC_TOPIC)] {
            if let Err(failure) = broker.delete_before(topic, RETENTION, RETENTION_BATCH).await {
                tracing::warn!(%failure, topic, "old records could not be removed");
            }
        }
    }
}

/// Returns once every event is recorded and every mail is sent or given up.
async fn all_delivered(broker: &TableBroker, group: &str, ledger: &NotifierHandle) {
    loop {
        let lag = broker.lag(group, CDC_TOPIC).await;
        let counts = ledger.counts().await;
        if let (Ok(0), Ok(counts)) = (lag, counts)
            && counts.queued == 0
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
