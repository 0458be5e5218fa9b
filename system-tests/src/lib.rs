//! What the tests of the pair share: the servers that they use, databases of their own, the services as
//! processes, and an SMTP server that keeps every mail.

mod account;
mod collector;
mod connector;
mod database;
pub mod faults;
mod forwarder;
mod gated_sink;
mod kafka_topic;
mod kill_point;
mod own_server;
mod published;
mod replica;
mod servers;
mod service_process;
mod smtp_sink;
mod steady_load;
mod update_load;
mod wait;

pub use account::{Account, PASSWORD};
pub use collector::{CollectedSpan, Collector};
pub use connector::Connector;
pub use database::TestDatabase;
pub use forwarder::Forwarder;
pub use gated_sink::{Arrived, Gate, GatedSink};
pub use kafka_topic::{KafkaTopic, delete_topics};
pub use kill_point::{KillPoint, Moment, Step};
pub use own_server::OwnServer;
pub use published::Published;
pub use replica::Replica;
pub use servers::{Server, unique_name};
pub use service_process::{ServiceProcess, folder_of_programs, help_of, refusal_of, run_to_end};
pub use smtp_sink::{ReceivedMail, SmtpSink};
pub use steady_load::{SteadyLoad, update_of_name, updates_by_reader};
pub use update_load::{UpdateLoad, mailed_updates};
pub use wait::{eventually, eventually_some};
