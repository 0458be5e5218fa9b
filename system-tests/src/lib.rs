//! What the tests of the pair share: the servers that they use, databases of their own, the services as
//! processes, and an SMTP server that keeps every mail.

mod account;
mod connector;
mod database;
mod kafka_topic;
mod servers;
mod service_process;
mod smtp_sink;
mod update_load;
mod wait;

pub use account::{Account, PASSWORD};
pub use connector::Connector;
pub use database::TestDatabase;
pub use kafka_topic::{KafkaTopic, delete_topics};
pub use servers::{Server, unique_name};
pub use service_process::{ServiceProcess, run_to_end};
pub use smtp_sink::{ReceivedMail, SmtpSink};
pub use update_load::{UpdateLoad, mailed_updates};
pub use wait::{eventually, eventually_some};
