use shared_kernel::{WireRecord, dead_letter_header};

use crate::entities::{Place, ReceivedRecord};
use crate::repositories::DeadLetter;

const OURS: [&str; 4] = [
    dead_letter_header::REASON,
    dead_letter_header::TOPIC,
    dead_letter_header::PARTITION,
    dead_letter_header::OFFSET,
];

/// The record's own headers, then the reason and the place.
pub(super) fn with_reason(letter: &DeadLetter) -> Vec<(String, Vec<u8>)> {
    let place = &letter.received.place;
    let mut headers = letter.received.record.headers.clone();
    headers.extend(
        [
            (dead_letter_header::REASON, letter.reason.clone()),
            (dead_letter_header::TOPIC, place.topic.clone()),
            (dead_letter_header::PARTITION, place.partition.to_string()),
            (dead_letter_header::OFFSET, place.offset.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value.into_bytes())),
    );
    headers
}

/// The letter that lies there: its headers without the reason and the place. Where the place is not told, it is that
/// where the letter lies. A record that was put on the topic again by hand has them twice; the last ones count.
pub(super) fn without_reason(lies_at: Place, mut record: WireRecord) -> DeadLetter {
    let told = |name: &str| {
        let value = record.headers.iter().rev().find(|(header, _)| header == name);
        value.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    };
    let came_from = || {
        Some(Place {
            topic: told(dead_letter_header::TOPIC)?,
            partition: told(dead_letter_header::PARTITION)?.parse().ok()?,
            offset: told(dead_letter_header::OFFSET)?.parse().ok()?,
        })
    };
    let place = came_from().unwrap_or(lies_at);
    let reason = told(dead_letter_header::REASON).unwrap_or_default();
    record.headers.retain(|(name, _)| !OURS.contains(&name.as_str()));
    DeadLetter { received: ReceivedRecord { place, record }, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(topic: &str, offset: i64) -> Place {
        Place { topic: topic.to_owned(), partition: 3, offset }
    }

    fn letter(headers: &[(&str, &str)]) -> DeadLetter {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
        let record = WireRecord { key: b"k".to_vec(), value: b"v".to_vec(), headers: headers.collect() };
        DeadLetter { received: ReceivedRecord { place: place("events", 7), record }, reason: "why".into() }
    }

    fn written(letter: &DeadLetter) -> WireRecord {
        WireRecord { headers: with_reason(letter), ..letter.received.record.clone() }
    }

    #[test]
    fn what_was_added_to_a_letter_is_taken_off_again() {
        let letter = letter(&[("ce_id", "1"), ("foreign", "kept"), ("ce_id", "2")]);
        assert_eq!(without_reason(place("events.dlq", 0), written(&letter)), letter);
    }

    #[test]
    fn a_letter_that_was_set_aside_twice_says_where_it_came_from_last() {
        let first = letter(&[("ce_id", "1")]);
        let mut again = DeadLetter { reason: "still".to_owned(), ..first.clone() };
        again.received.record = written(&first);
        again.received.place.offset = 8;
        let read = without_reason(place("events.dlq", 0), written(&again));
        assert_eq!((read.received.place.offset, read.reason.as_str()), (8, "still"));
        assert_eq!(read.received.record, first.received.record);
    }

    #[test]
    fn a_record_of_somebody_else_came_from_where_it_lies() {
        let lies_at = place("events.dlq", 0);
        for headers in [&[][..], &[("dlq-topic", "events"), ("dlq-partition", "x"), ("dlq-offset", "1")]] {
            let read = without_reason(lies_at.clone(), letter(headers).received.record);
            assert_eq!((read.received.place, read.reason.as_str()), (lies_at.clone(), ""));
            assert_eq!(read.received.record.headers, []);
        }
    }
}
