//! Judges a campaign by what can be seen of it from the outside.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::evidence::{AcceptedMail, Answer, Change, Evidence, Key, LifeRecord, Row, What};

/// How long after the mail server's acceptance a notifier that nothing disturbs may take to record it, on a machine that
/// is busy with a campaign.
const RECORDED_WITHIN: Duration = Duration::from_secs(3);
/// How long after the end of a disturbance its effect may last: connections are made anew, and outcomes recorded late.
const RECOVERED_WITHIN: Duration = Duration::from_secs(3);

/// What came of a campaign.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Each broken promise, in words.
    pub violations: Vec<String>,
    /// Changes that were answered with success.
    pub acknowledged: usize,
    /// Changes whose answer nobody saw.
    pub unknown: usize,
    /// How many of these took place.
    pub unknown_done: usize,
    /// Changes that were refused, as they had to be.
    pub refused: usize,
    /// Mails, each counted once.
    pub mails: usize,
    /// Mails that came again, with the same `Message-ID`.
    pub repeats: usize,
    /// Refusals of mails for good by the mail server.
    pub refused_mails: usize,
}

/// Holds the evidence against the promises.
pub fn judge(evidence: &Evidence) -> Judgement {
    let mut oracle = Oracle::of(evidence);
    oracle.read_mails();
    for life in &evidence.lives {
        oracle.judge_life(life);
    }
    oracle.look_for_strangers();
    oracle.look_at_leftovers();
    oracle.judgement
}

struct Oracle<'a> {
    evidence: &'a Evidence,
    judgement: Judgement,
    /// Where in the order of acceptance each mail was there for the first time, and its `Message-ID`.
    first: HashMap<&'a Key, (usize, &'a str)>,
    /// Mails that were refused for good when they were there as a whole.
    refused: HashSet<&'a Key>,
    /// How many mails to an address were refused for good before anybody knew which.
    refused_unread: HashMap<&'a str, usize>,
}

impl<'a> Oracle<'a> {
    fn of(evidence: &'a Evidence) -> Self {
        let judgement = Judgement { refused_mails: evidence.refused.len(), ..Judgement::default() };
        let (mut refused, mut refused_unread) = (HashSet::new(), HashMap::new());
        for mail in &evidence.refused {
            match mail.told.as_ref().and_then(|told| told.key.as_ref()) {
                Some(key) => {
                    refused.insert(key);
                }
                None => *refused_unread.entry(mail.to.as_str()).or_default() += 1,
            }
        }
        Self { evidence, judgement, first: HashMap::new(), refused, refused_unread }
    }

    fn violated(&mut self, words: String) {
        self.judgement.violations.push(words);
    }

    fn read_mails(&mut self) {
        let asked_for: HashSet<Key> = self.changes().flat_map(|change| change.what.mails()).collect();
        let mut by_id: HashMap<&str, &AcceptedMail> = HashMap::new();
        for (place, mail) in self.evidence.accepted.iter().enumerate() {
            let id = mail.told.message_id.as_str();
            if let Some(before) = by_id.insert(id, mail) {
                self.judge_repeat(before, mail);
                continue;
            }
            self.judgement.mails += 1;
            let Some(key) = &mail.told.key else {
                self.violated(format!("a mail that nobody can tell the meaning of: {id}"));
                continue;
            };
            if !asked_for.contains(key) {
                self.violated(format!("a mail that nobody asked for: {key}"));
            } else if let Some((_, other)) = self.first.get(key) {
                let words = format!("two mails, {other} and {id}, tell of one change: {key}");
                self.violated(words);
            } else {
                self.first.insert(key, (place, id));
            }
        }
    }

    /// A mail that was accepted `before` came `again`.
    fn judge_repeat(&mut self, before: &AcceptedMail, again: &AcceptedMail) {
        self.judgement.repeats += 1;
        let shown = again.told.key.as_ref().map(Key::to_string).unwrap_or_default();
        if before.told.key != again.told.key {
            self.violated(format!("two mails have one Message-ID, {}: {shown}", again.told.message_id));
        }
        let excused = self.evidence.disturbances.iter().any(|disturbance| {
            disturbance.notifiers[before.notifier]
                && disturbance.from <= before.at + RECORDED_WITHIN
                && before.at <= disturbance.until + RECOVERED_WITHIN
        });
        if !excused {
            self.violated(format!(
                "a mail came at {:?} and again at {:?}, and nothing disturbed notifier {} between acceptance and \
                 record: {shown}",
                before.at, again.at, before.notifier
            ));
        }
    }

    fn changes(&self) -> impl Iterator<Item = &'a Change> + use<'a> {
        self.evidence.lives.iter().flat_map(|life| &life.changes)
    }

    fn judge_life(&mut self, life: &'a LifeRecord) {
        let row = self.evidence.rows.get(&life.username);
        let mut done = Vec::with_capacity(life.changes.len());
        for change in &life.changes {
            let took_place = self.took_place(change, row);
            done.push(took_place);
            self.count(change, took_place);
            self.judge_mails(life, change, took_place);
        }
        self.judge_order(life);
        self.judge_row(life, row, &done);
    }

    /// Whether a change was done, by what is left of it.
    fn took_place(&self, change: &Change, row: Option<&Row>) -> bool {
        match change.answer {
            Answer::Acknowledged => true,
            Answer::Refused(_) => false,
            Answer::Unknown => {
                let is_told = change
                    .what
                    .mails()
                    .iter()
                    .any(|key| self.first.contains_key(key) || self.refused.contains(key));
                is_told
                    || match &change.what {
                        What::Register { .. } => row.is_some(),
                        What::Delete { .. } => row.is_none(),
                        What::ConfirmAddress { to, .. } => row.is_some_and(|row| row.email == *to),
                        what => row.is_some_and(|row| {
                            row.full_name.is_some() && row.full_name.as_deref() == what.name()
                        }),
                    }
            }
        }
    }

    fn count(&mut self, change: &Change, took_place: bool) {
        let judgement = &mut self.judgement;
        match (&change.answer, &change.what) {
            (Answer::Acknowledged, What::InVain { name, .. }) => {
                self.violated(format!("what must be refused was answered with success: {name}"));
            }
            (Answer::Acknowledged, _) => judgement.acknowledged += 1,
            (Answer::Refused(_), What::InVain { .. }) => judgement.refused += 1,
            (Answer::Refused(how), what) => {
                self.violated(format!("a change was refused for no reason, {how}: {what:?}"));
            }
            (Answer::Unknown, What::InVain { name, .. }) if took_place => {
                self.violated(format!("what must be refused took place: {name}"));
            }
            (Answer::Unknown, _) => {
                judgement.unknown += 1;
                judgement.unknown_done += usize::from(took_place);
            }
        }
    }

    fn judge_mails(&mut self, life: &LifeRecord, change: &Change, took_place: bool) {
        for key in change.what.mails() {
            let is_there = self.first.contains_key(&key);
            if !took_place && is_there {
                self.violated(format!("{}: a mail tells of what was refused: {key}", life.username));
            }
            if !took_place
                || is_there
                || self.refused.contains(&key)
                || matches!(change.what, What::InVain { .. })
            {
                continue;
            }
            if let Some(unread) = self.refused_unread.get_mut(key.to.as_str()).filter(|unread| **unread > 0) {
                *unread -= 1;
                continue;
            }
            let words = if change.answer == Answer::Acknowledged {
                "a change was acknowledged and has no mail"
            } else {
                "a change took place, but not wholly: it has no mail"
            };
            self.violated(format!("{}: {words}: {key}", life.username));
        }
    }

    /// What was acknowledged before another change was asked for is told before it, at one address.
    fn judge_order(&mut self, life: &LifeRecord) {
        let mut last: HashMap<String, (usize, Key)> = HashMap::new();
        let mut overtaken = Vec::new();
        for change in &life.changes {
            let mut own = Vec::new();
            for key in change.what.mails() {
                let Some((place, _)) = self.first.get(&key) else { continue };
                if let Some((before, earlier)) = last.get(&key.to)
                    && before > place
                {
                    overtaken.push(format!("{}: {earlier} was overtaken by {key}", life.username));
                }
                own.push((*place, key));
            }
            // A change without an answer may take place later than those that were asked for after it.
            if change.answer == Answer::Acknowledged {
                for (place, key) in own {
                    let latest = last.entry(key.to.clone()).or_insert_with(|| (place, key.clone()));
                    if latest.0 <= place {
                        *latest = (place, key);
                    }
                }
            }
        }
        self.judgement.violations.append(&mut overtaken);
    }

    /// The database has the account as the client was told.
    fn judge_row(&mut self, life: &LifeRecord, row: Option<&Row>, done: &[bool]) {
        let username = &life.username;
        let changes = || life.changes.iter().zip(done.iter().copied());
        let registered = changes().any(|(change, done)| done && matches!(change.what, What::Register { .. }));
        let deleted = changes().any(|(change, done)| done && matches!(change.what, What::Delete { .. }));
        let Some(row) = row else {
            if registered && !deleted {
                self.violated(format!("{username}: the account is not in the database"));
            }
            return;
        };
        if deleted {
            self.violated(format!("{username}: the account was deleted and is in the database"));
            return;
        }
        if !registered {
            self.violated(format!("{username}: the registration was refused and is in the database"));
        }
        let counted = |change: &Change| !matches!(change.what, What::Rename { by_sql: true, .. });
        let least = changes().filter(|(change, done)| *done && counted(change)).count();
        // What nobody answered and the mail server refused unread may have been done.
        let unread = changes().filter(|(change, done)| {
            !done && change.answer == Answer::Unknown && counted(change) && {
                change.what.mails().iter().any(|key| self.refused_unread.contains_key(key.to.as_str()))
            }
        });
        let most = least + unread.count();
        let version = usize::try_from(row.version).unwrap_or_default();
        if !(least..=most).contains(&version) {
            self.violated(format!(
                "{username}: the database holds {version} changes of the account, and {least} were acknowledged or told of"
            ));
        }
        self.judge_name(life, row);
        self.judge_address(life, row);
    }

    /// The account's name is that of the last acknowledged change, or of one without an answer.
    fn judge_name(&mut self, life: &LifeRecord, row: &Row) {
        let mut possible = vec![None];
        for change in &life.changes {
            let Some(name) = change.what.name() else { continue };
            match change.answer {
                // Those without an answer may be done later than this one.
                Answer::Acknowledged => {
                    let is_open = |name: &Option<&str>| {
                        name.is_some_and(|name| {
                            let of = |other: &&Change| other.what.name() == Some(name);
                            life.changes.iter().find(of).is_some_and(|other| other.answer == Answer::Unknown)
                        })
                    };
                    possible.retain(is_open);
                    possible.push(Some(name));
                }
                Answer::Unknown => possible.push(Some(name)),
                Answer::Refused(_) => {}
            }
        }
        if !possible.contains(&row.full_name.as_deref()) {
            let (username, name) = (&life.username, &row.full_name);
            self.violated(format!("{username}: the name in the database is {name:?}, none of {possible:?}"));
        }
    }

    fn judge_address(&mut self, life: &LifeRecord, row: &Row) {
        let mut possible: Vec<&str> = Vec::new();
        for change in &life.changes {
            let (What::Register { to } | What::ConfirmAddress { to, .. }) = &change.what else { continue };
            match change.answer {
                Answer::Acknowledged => possible = vec![to],
                Answer::Unknown => possible.push(to),
                Answer::Refused(_) => {}
            }
        }
        if !possible.contains(&row.email.as_str()) {
            let (username, email) = (&life.username, &row.email);
            self.violated(format!(
                "{username}: the address in the database is {email}, none of {possible:?}"
            ));
        }
    }

    fn look_for_strangers(&mut self) {
        let known: HashSet<_> = self.evidence.lives.iter().map(|life| life.username.as_str()).collect();
        let strangers: Vec<_> =
            self.evidence.rows.keys().filter(|name| !known.contains(name.as_str())).cloned().collect();
        if !strangers.is_empty() {
            self.violated(format!("accounts that nobody registered: {strangers:?}"));
        }
    }

    fn look_at_leftovers(&mut self) {
        let left = self.evidence.left;
        for (what, count) in [
            ("changes in the outbox", left.outbox),
            ("changes that were set aside in the outbox", left.dead_outbox),
            ("records on the topic that were not read", left.lag),
            ("mails in the queue", left.queued),
            ("dead letters", left.dead_letters),
        ] {
            if count != 0 {
                self.violated(format!("left at the end: {count} {what}"));
            }
        }
        let refusals = self.judgement.refused_mails;
        if usize::try_from(left.dead).unwrap_or_default() > refusals {
            let dead = left.dead;
            self.violated(format!(
                "{dead} mails were given up, and the mail server refused only {refusals} for good"
            ));
        }
    }
}

#[cfg(test)]
mod tests;
