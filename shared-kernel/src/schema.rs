//! The contract as documents for other teams: a JSON Schema of the value and an AsyncAPI description
//! of the topic, generated from the types so that they cannot drift from them.

use serde_json::{Value, json};

use crate::{CDC_PARTITIONS, CDC_TOPIC, CE_SOURCE, EventType, UserChange};

/// The JSON Schema (draft 2020-12) of an event's value.
pub fn user_change_json_schema() -> Value {
    schemars::schema_for!(UserChange).to_value()
}

/// The AsyncAPI 3.0 description of the topic.
pub fn async_api() -> Value {
    let messages: serde_json::Map<String, Value> = EventType::ALL
        .into_iter()
        .map(|event_type| (event_type.as_str().to_owned(), message(event_type)))
        .collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "inf-user change events",
            "version": "1.0.0",
            "description": "Every committed change of a user, in order per user, at least once; deduplicate by ce_id."
        },
        "channels": {
            "changes": {
                "address": CDC_TOPIC,
                "messages": messages,
                "bindings": { "kafka": { "topic": CDC_TOPIC, "partitions": CDC_PARTITIONS } }
            }
        },
        "operations": {
            "publishChange": { "action": "send", "channel": { "$ref": "#/channels/changes" } }
        }
    })
}

fn message(event_type: EventType) -> Value {
    json!({
        "name": event_type.as_str(),
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject", "content-type"],
            "properties": {
                "ce_specversion": { "const": "1.0" },
                "ce_id": { "type": "string", "format": "uuid" },
                "ce_source": { "const": CE_SOURCE },
                "ce_type": { "const": event_type.as_str() },
                "ce_time": { "type": "string", "format": "date-time" },
                "ce_subject": { "type": "string", "format": "uuid", "description": "the user id" },
                "content-type": { "const": "application/json" },
                "traceparent": { "type": "string" }
            }
        },
        "payload": { "$ref": "./user-change.schema.json" },
        "bindings": { "kafka": { "key": { "type": "string", "format": "uuid" } } }
    })
}
