use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::databases::environment;
use super::eventually;

/// Gives a test the real server's address and empty topics with leaders, and removes them again, whether or not the test
/// succeeded.
pub(crate) async fn with_kafka_topics<F>(names: &[&str], partitions: i32, test: impl FnOnce(String) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let Some(brokers) = environment("TEST_KAFKA_BROKERS") else {
        let reason = environment("TEST_SKIP_KAFKA").expect("TEST_KAFKA_BROKERS is not set: run scripts/test");
        return println!("not run: {reason}");
    };
    let mut settings = ClientConfig::new();
    settings.set("bootstrap.servers", &brokers);
    let admin: AdminClient<DefaultClientContext> = settings.create().unwrap();
    let topics = names.iter().map(|name| NewTopic::new(name, partitions, TopicReplication::Fixed(1)));
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(10)));
    for created in admin.create_topics(&topics.collect::<Vec<_>>(), &options).await.unwrap() {
        created.unwrap();
    }
    let consumer: BaseConsumer = settings.create().unwrap();
    // A topic that was created just now has no leaders yet for a moment.
    eventually("leaders of all partitions", async || {
        let mut all = names.iter().flat_map(|name| (0..partitions).map(move |partition| (name, partition)));
        let has_leader = |(name, partition): (&&str, i32)| {
            consumer.fetch_watermarks(name, partition, Duration::from_secs(10)).is_ok()
        };
        tokio::task::block_in_place(|| all.all(has_leader)).then_some(())
    })
    .await;
    let outcome = tokio::spawn(test(brokers)).await;
    admin.delete_topics(names, &options).await.unwrap();
    if let Err(error) = outcome {
        std::panic::resume_unwind(error.into_panic());
    }
}
