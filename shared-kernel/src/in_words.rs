use std::error::Error;

/// An error with all its causes on one line: for a log, a dead letter's reason, a program's last words.
/// Not for a caller from outside, whom the causes may tell too much.
pub fn in_words(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_told_once() {
        let parsed = crate::decode(&crate::WireRecord {
            key: vec![],
            value: b"{".to_vec(),
            headers: [
                ("ce_specversion", "1.0"),
                ("ce_type", "inf-user.user.updated.v1"),
                ("ce_id", "01900000-0000-7000-8000-000000000000"),
                ("ce_time", "2026-01-01T00:00:00Z"),
            ]
            .map(|(name, value)| (name.to_owned(), value.into()))
            .into(),
        });
        let words = in_words(&parsed.unwrap_err());
        assert!(words.starts_with("the value is not a user change: EOF"), "{words}");
    }
}
