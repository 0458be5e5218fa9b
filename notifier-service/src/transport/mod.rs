//! What drives the service: the consumers of the topic, and the loops that call the use cases.

mod backoff;
mod consume_loop;
mod delivery_loop;
mod event_consumer;
mod housekeeping_loop;
#[cfg(feature = "kafka")]
mod kafka_consumer;
#[cfg(feature = "table-broker")]
mod table_broker_consumer;
mod wake;

pub use consume_loop::consume_loop;
pub use delivery_loop::{DeliveryPace, delivery_loop};
pub use event_consumer::{ConsumeError, EventConsumer};
pub use housekeeping_loop::housekeeping_loop;
#[cfg(feature = "kafka")]
pub use kafka_consumer::{KafkaConsumer, KafkaConsumerSettings};
#[cfg(feature = "table-broker")]
pub use table_broker_consumer::TableBrokerConsumer;
pub use wake::Wake;
