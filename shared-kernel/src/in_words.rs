use std::error::Error;

/// An error with all its causes on one line: for a log, a dead letter's reason, a program's last words.
/// Not for a caller from outside, whom the causes may tell too much.
pub fn in_words(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).fold(String::new(), |mut words, cause| {
        // Some libraries tell the cause in the error's own text already.
        if !words.ends_with(&cause) {
            if !words.is_empty() {
                words.push_str(": ");
            }
            words.push_str(&cause);
        }
        words
    })
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
    #[test]
    fn what_an_error_tells_of_its_cause_is_not_told_again() {
        let inner = std::io::Error::other("disk on fire");
        let outer = Chatty(inner);
        assert_eq!(in_words(&outer), "cannot write: disk on fire");
    }

    #[derive(Debug, thiserror::Error)]
    #[error("cannot write: {0}")]
    struct Chatty(#[source] std::io::Error);
}
