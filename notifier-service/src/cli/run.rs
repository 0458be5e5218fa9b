use clap::Args;
use notifier_service::config::NotifierConfig;

use super::broker::BrokerSettings;
use super::database::DatabaseSettings;
use super::delivery::DeliverySettings;
use super::health::HealthSettings;
use super::housekeeping::HousekeepingSettings;
use super::links::LinkSettings;
use super::mail_server::MailSettings;
use super::mails::MailsSettings;
use super::operator::OperatorSettings;
use super::sending::SendingSettings;
use super::setting_error::SettingError;

#[derive(Args)]
pub(crate) struct RunSettings {
    #[command(flatten)]
    database: DatabaseSettings,
    /// The most connections to the database server
    #[arg(long, env = "NOTIFIER_MAX_CONNECTIONS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    max_connections: u32,
    #[command(flatten)]
    broker: BrokerSettings,
    /// The consumer group; replicas of one group share the work
    #[arg(long, env = "NOTIFIER_CONSUMER_GROUP", default_value = "inf-user-notifier")]
    consumer_group: String,
    #[command(flatten)]
    mail: MailSettings,
    #[command(flatten)]
    mails: MailsSettings,
    #[command(flatten)]
    housekeeping: HousekeepingSettings,
    #[command(flatten)]
    operator: OperatorSettings,
    #[command(flatten)]
    health: HealthSettings,
    #[command(flatten)]
    links: LinkSettings,
    #[command(flatten)]
    delivery: DeliverySettings,
    #[command(flatten)]
    sending: SendingSettings,
}

impl RunSettings {
    pub(crate) fn config(&self) -> Result<NotifierConfig, SettingError> {
        let (database, broker) = (self.database.url()?, self.broker.url()?);
        let mut config = NotifierConfig::new(database, broker, self.mail.smtp()?, self.links.links()?);
        self.mails.apply_to(&mut config.mails)?;
        config.housekeeping = self.housekeeping.config();
        config.operator = self.operator.config()?;
        self.health.apply(&mut config);
        config.max_connections = self.max_connections;
        config.kafka = self.broker.kafka()?;
        config.consumer_group.clone_from(&self.consumer_group);
        config.topic.clone_from(&self.broker.topic);
        self.delivery.apply(&mut config);
        self.sending.apply(&mut config);
        Ok(config)
    }
}
