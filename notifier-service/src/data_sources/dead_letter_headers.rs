use shared_kernel::dead_letter_header;

use crate::repositories::DeadLetter;

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
