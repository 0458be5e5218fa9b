//! Topic names and shapes that both services, the relay and the operator's tools rely on.

/// The topic that carries every committed change, keyed by user id.
pub const CDC_TOPIC: &str = "cdc.inf-user";

/// Partitions of [`CDC_TOPIC`]. One user's events are in one partition, so this bounds the number of
/// notifier replicas that can consume at once. Raising it needs a drained topic, or order breaks.
pub const CDC_PARTITIONS: u32 = 12;

/// Where a record of `topic` goes that can never be understood or recorded, with the reason in its
/// headers: `cdc.inf-user.dlq` for [`CDC_TOPIC`].
pub fn dead_letter_topic(topic: &str) -> String {
    format!("{topic}.dlq")
}

/// Names of the headers that a dead letter carries beside those it came with.
pub mod dead_letter_header {
    /// Why the record was set aside, in words.
    pub const REASON: &str = "dlq-reason";
    /// The topic that the record came from.
    pub const TOPIC: &str = "dlq-topic";
    /// The partition that the record came from, in decimal.
    pub const PARTITION: &str = "dlq-partition";
    /// The offset that the record came from, in decimal.
    pub const OFFSET: &str = "dlq-offset";
}
