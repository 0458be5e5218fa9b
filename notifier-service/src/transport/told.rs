//! What the traces of changes are told: that one was recorded, and each attempt to deliver a mail about it. Both are parts
//! of the trace of the request that made the change.

use shared_kernel::in_words;
use telemetry::{Moment, SpanKind, TraceContext, Tracer};

use crate::entities::{Answer, DialogueStage, ReceivedRecord};
use crate::interactors::{Delivery, Ending, SetAside};

/// The id of the trace that a `traceparent` belongs to, where it is one.
pub(super) fn trace_id(traceparent: Option<&str>) -> Option<String> {
    traceparent?.parse().ok().map(|context: TraceContext| context.trace_id())
}

/// Tells of each record of a batch that was read at that moment.
pub(super) fn recorded(tracer: &Tracer, batch: &[ReceivedRecord], set_aside: &[SetAside], began: Moment) {
    for ReceivedRecord { place, record } in batch {
        let header = record.headers.iter().find(|(name, _)| name == "traceparent");
        let traceparent = header.and_then(|(_, value)| std::str::from_utf8(value).ok());
        let span = tracer.follow(SpanKind::Consumer, "record change", traceparent, began);
        let Some(mut span) = span else { continue };
        span.set("messaging.destination.name", place.topic.clone());
        span.set("messaging.destination.partition.id", place.partition.to_string());
        span.set("messaging.kafka.offset", place.offset);
        if let Some(letter) = set_aside.iter().find(|letter| letter.place == *place) {
            span.fail(format!("it went to the dead letters: {}", letter.reason));
        }
    }
}

/// Tells of a delivery that began at that moment. Nothing of one that was put back untried.
pub(super) fn delivered(tracer: &Tracer, delivery: &Delivery, began: Moment) {
    let (outcome, answer) = match &delivery.ending {
        Ending::Sent(answer) => ("sent", Some(answer)),
        Ending::PutOff { answer, .. } => ("put-off", Some(answer)),
        Ending::Dead(answer) => ("dead", Some(answer)),
        Ending::ServerUnavailable(answer) => ("server-unavailable", Some(answer)),
        Ending::LeaseLost => ("lease-lost", None),
        Ending::Released => return,
    };
    let span = tracer.follow(SpanKind::Client, "send mail", delivery.traceparent.as_deref(), began);
    let Some(mut span) = span else { return };
    span.set("inf_user.mail.id", delivery.id.to_string());
    span.set("inf_user.mail.kind", delivery.kind.as_str());
    span.set("inf_user.mail.attempt", delivery.attempt);
    span.set("inf_user.mail.outcome", outcome);
    if let Some(stage) = answer.and_then(|answer| answer.stage) {
        span.set("smtp.stage", stage.as_str());
    }
    if let Some(code) = answer.and_then(reply_code) {
        span.set("smtp.reply_code", code);
    }
    if let Some(error) = &delivery.not_recorded {
        span.fail(in_words(error));
    } else if outcome != "sent" {
        span.fail(answer.map_or_else(String::new, |answer| answer.words.clone()));
    }
}

/// The code that a server's answer begins with (RFC 5321, section 4.2).
fn reply_code(answer: &Answer) -> Option<u16> {
    let _by_a_server: DialogueStage = answer.stage?;
    let code = answer.words.get(..3)?.parse().ok()?;
    (200..600).contains(&code).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_servers_answer_has_a_reply_code() {
        let at = |words| Answer::at(DialogueStage::RcptTo, words);
        assert_eq!(reply_code(&at("550 5.1.1 no such user")), Some(550));
        assert_eq!(reply_code(&at("the connection broke")), None);
        assert_eq!(reply_code(&at("99 bottles")), None);
        assert_eq!(reply_code(&Answer::ours("250 is what nobody said")), None);
    }
}
