use kafka_connection::KafkaConnection;
use rdkafka::ClientConfig;

/// How the relay's producer is set. A benchmark holds the relay against a
/// producer that is set the same way and does nothing else.
///
/// Settings: <https://github.com/confluentinc/librdkafka/blob/v2.12.1/CONFIGURATION.md>.
pub fn kafka_producer_config(connection: &KafkaConnection) -> ClientConfig {
    let mut config = connection.config();
    config
        .set("client.id", "inf-user-relay")
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("enable.gapless.guarantee", "true")
        // Brokers would make it with one partition; `user-service migrate` makes it with the right number.
        .set("allow.auto.create.topics", "false")
        // The relay's deadline decides, so that a message is never given up while a later one goes out.
        .set("message.timeout.ms", "0")
        .set("partitioner", "murmur2_random")
        .set("compression.type", "lz4")
        .set("linger.ms", "5")
        .set("reconnect.backoff.max.ms", "2000");
    config
}
