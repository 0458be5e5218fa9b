use std::sync::Arc;

use async_trait::async_trait;
use shared_kernel::{EventId, NewerEvent, UserEvent, in_words};
use telemetry::{Moment, SpanKind, Tracer};

use crate::repositories::{EventPublisher, PublishError, PublishFailure};

/// Another publisher, of which the traces of the events tell.
pub struct TracedEventPublisher {
    publisher: Arc<dyn EventPublisher>,
    tracer: Tracer,
    topic: String,
}

impl TracedEventPublisher {
    /// That one, which publishes on `topic`.
    pub fn new(publisher: Arc<dyn EventPublisher>, tracer: Tracer, topic: &str) -> Self {
        Self { publisher, tracer, topic: topic.to_owned() }
    }

    fn tell(&self, event: &UserEvent, began: Moment, failure: Option<&PublishFailure>) {
        let UserEvent { metadata, .. } = event;
        let (id, type_name) = (metadata.id, metadata.event_type.as_str());
        self.tell_of(id, type_name, metadata.traceparent.as_deref(), began, failure);
    }

    fn tell_of(
        &self,
        id: EventId,
        type_name: &str,
        traceparent: Option<&str>,
        began: Moment,
        failure: Option<&PublishFailure>,
    ) {
        let span = self.tracer.follow(SpanKind::Producer, "publish change", traceparent, began);
        let Some(mut span) = span else { return };
        span.set("messaging.destination.name", self.topic.clone());
        span.set("messaging.message.id", id.0.to_string());
        span.set("inf_user.event.type", type_name.to_owned());
        if let Some(failure) = failure {
            span.fail(in_words(failure));
        }
    }
}

#[async_trait]
impl EventPublisher for TracedEventPublisher {
    async fn publish(&self, events: &[UserEvent]) -> Result<(), PublishError> {
        let began = self.tracer.moment();
        let result = self.publisher.publish(events).await;
        let acknowledged = result.as_ref().map_or_else(|error| error.acknowledged, |()| events.len());
        for event in &events[..acknowledged] {
            self.tell(event, began, None);
        }
        // What is behind it is published again, and told of then.
        if let (Err(error), Some(event)) = (&result, events.get(acknowledged)) {
            self.tell(event, began, Some(&error.failure));
        }
        result
    }

    async fn publish_newer(&self, event: &NewerEvent) -> Result<(), PublishError> {
        let began = self.tracer.moment();
        let result = self.publisher.publish_newer(event).await;
        let failure = result.as_ref().err().map(|error| &error.failure);
        self.tell_of(event.id, &event.type_name, event.traceparent.as_deref(), began, failure);
        result
    }
}
