//! What drives the service: the consumers of the topic, and the loops that call the use cases.

#[cfg(feature = "consumers")]
mod backoff;
#[cfg(feature = "consumers")]
mod consume_loop;
#[cfg(feature = "consumers")]
mod consumer_monitor;
#[cfg(feature = "consumers")]
mod counters;
#[cfg(feature = "consumers")]
mod delivery_loop;
#[cfg(feature = "consumers")]
mod event_consumer;
#[cfg(feature = "consumers")]
mod housekeeping_loop;
#[cfg(feature = "http")]
pub mod http;
#[cfg(all(feature = "consumers", feature = "kafka"))]
mod kafka_consumer;
#[cfg(all(feature = "consumers", feature = "kafka"))]
mod kafka_consumer_monitor;
#[cfg(all(feature = "consumers", feature = "table-broker"))]
mod table_broker_consumer;
#[cfg(feature = "consumers")]
mod told;
#[cfg(feature = "consumers")]
mod wake;
#[cfg(feature = "consumers")]
mod watch_loop;

#[cfg(feature = "consumers")]
pub use consume_loop::consume_loop;
#[cfg(feature = "consumers")]
pub use consumer_monitor::{ConsumerMonitor, PartitionLag};
#[cfg(feature = "consumers")]
pub use counters::{Counters, watch_lag, watch_mail_server};
#[cfg(feature = "consumers")]
pub use delivery_loop::{DeliveryPace, delivery_loop};
#[cfg(feature = "consumers")]
pub use event_consumer::{ConsumeError, EventConsumer};
#[cfg(feature = "consumers")]
pub use housekeeping_loop::housekeeping_loop;
#[cfg(all(feature = "consumers", feature = "kafka"))]
pub use kafka_consumer::{KafkaConsumer, KafkaConsumerSettings};
#[cfg(all(feature = "consumers", feature = "kafka"))]
pub use kafka_consumer_monitor::KafkaConsumerMonitor;
#[cfg(all(feature = "consumers", feature = "table-broker"))]
pub use table_broker_consumer::{TableBrokerConsumer, TableBrokerConsumerMonitor};
#[cfg(feature = "consumers")]
pub use wake::Wake;
#[cfg(feature = "consumers")]
pub use watch_loop::{PARTS, Watched, watch_loop};
