//! What both services look at.

use chrono::{DateTime, TimeDelta, Utc};
use shared_kernel::CDC_PARTITIONS;

use super::Finding;

/// Beyond this, moments in mails and the lives of tokens are visibly wrong.
const MOST_SKEW: TimeDelta = TimeDelta::seconds(2);

/// Of the database's clock, beside ours.
pub fn of_clock(theirs: Result<DateTime<Utc>, String>, ours: DateTime<Utc>) -> Finding {
    match theirs.map(|theirs| (ours - theirs).abs()) {
        Ok(skew) if skew > MOST_SKEW => {
            let seconds = skew.num_seconds();
            let says = format!(
                "the database's clock and this one are {seconds} s apart; let both follow a time server"
            );
            Finding::wrong("clock", says)
        }
        Ok(_skew) => Finding::fine("clock", "the database has the same time"),
        Err(reason) => Finding::wrong("clock", reason),
    }
}

/// Of what the service's account in the database may not do, though the service needs it.
pub fn of_privileges(missing: Result<Vec<&str>, String>) -> Finding {
    match missing {
        Ok(missing) if missing.is_empty() => Finding::fine("privileges", "the account may do what is needed"),
        Ok(missing) => {
            Finding::wrong("privileges", format!("the account may not; grant it: {}", missing.join(", ")))
        }
        Err(reason) => Finding::wrong("privileges", reason),
    }
}

/// Of our topics, with the number of partitions of each; none where there is no topic.
pub fn of_topics(topics: Result<Vec<(String, u32)>, String>) -> Finding {
    let topics = match topics {
        Ok(topics) => topics,
        Err(reason) => return Finding::wrong("broker-url", reason),
    };
    if let Some((missing, _)) = topics.iter().find(|(_, partitions)| *partitions == 0) {
        let says = format!("there is no topic {missing}; `user-service migrate` creates it");
        return Finding::wrong("topic", says);
    }
    match topics.iter().find(|(_, partitions)| *partitions != CDC_PARTITIONS) {
        Some((topic, partitions)) => Finding::attention(
            "topic",
            format!(
                "the topic {topic} has {partitions} partitions and not {CDC_PARTITIONS}; while it is not empty, leave it so"
            ),
        ),
        None => Finding::fine("broker-url", "the broker answers and has the topics"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn a_clock_may_differ_by_two_seconds_either_way() {
        let ours = at("2026-01-01T00:00:10Z");
        let verdict = |theirs| of_clock(Ok(at(theirs)), ours).verdict;
        assert_eq!(verdict("2026-01-01T00:00:08Z"), Verdict::Fine);
        assert_eq!(verdict("2026-01-01T00:00:12Z"), Verdict::Fine);
        assert_eq!(verdict("2026-01-01T00:00:07.999Z"), Verdict::Wrong);
        assert_eq!(verdict("2026-01-01T00:00:12.001Z"), Verdict::Wrong);
        assert!(of_clock(Ok(at("2026-01-01T00:01:00Z")), ours).says.contains("50 s apart"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let missing = vec!["SELECT on users", "DELETE on outbox"];
        let finding = of_privileges(Ok(missing));
        assert_eq!(finding.verdict, Verdict::Wrong);
        assert!(finding.says.ends_with("SELECT on users, DELETE on outbox"), "{finding}");
        assert_eq!(of_privileges(Ok(Vec::new())).verdict, Verdict::Fine);
        assert_eq!(of_privileges(Err("no answer".to_owned())), Finding::wrong("privileges", "no answer"));
    }

    #[test]
    fn a_topic_that_is_missing_or_has_other_partitions_is_named() {
        let found =
            |second| of_topics(Ok(vec![("one".to_owned(), CDC_PARTITIONS), ("two".to_owned(), second)]));
        assert_eq!(found(CDC_PARTITIONS).verdict, Verdict::Fine);
        assert_eq!((found(0).verdict, found(0).says.contains("no topic two")), (Verdict::Wrong, true));
        let other = found(CDC_PARTITIONS + 1);
        assert_eq!((other.verdict, other.says.contains("the topic two has")), (Verdict::Attention, true));
        let both = of_topics(Ok(vec![("one".to_owned(), CDC_PARTITIONS * 2), ("two".to_owned(), 0)]));
        assert_eq!(
            (both.verdict, both.says.contains("no topic two")),
            (Verdict::Wrong, true),
            "the worse is told"
        );
        assert_eq!(of_topics(Err("no answer".to_owned())), Finding::wrong("broker-url", "no answer"));
    }
}
