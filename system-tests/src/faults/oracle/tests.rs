//! Histories made by hand: a good one passes, and each kind of violation is reported.

use super::super::evidence::{Disturbance, Kind, Leftovers, RefusedMail};
use super::super::told::Told;
use super::*;

const OLD: &str = "ada@old.example";
const NEW: &str = "ada@new.example";

fn change(what: What) -> Change {
    Change { what, answer: Answer::Acknowledged }
}

fn rename(to: &str, name: &str) -> What {
    What::Rename { to: to.to_owned(), name: name.to_owned(), by_sql: false }
}

fn mail(second: u64, id: &str, key: Key) -> AcceptedMail {
    let told = Told { message_id: id.to_owned(), key: Some(key), token: None };
    AcceptedMail { at: Duration::from_secs(second), notifier: 0, told }
}

/// An account that is registered, confirmed, renamed, moved, and given another password, and all mails of it.
fn good() -> Evidence {
    let (old, new) = (OLD.to_owned(), NEW.to_owned());
    let changes: Vec<_> = [
        What::Register { to: old.clone() },
        What::ConfirmAccount { to: old.clone() },
        rename(OLD, "N-1"),
        What::ChangeAddress { from: old.clone(), to: new.clone(), name: "N-2".to_owned() },
        What::ConfirmAddress { from: old, to: new.clone() },
        What::ChangePassword { to: new },
        rename(NEW, "N-3"),
    ]
    .map(change)
    .into();
    let mails = changes.iter().flat_map(|change| change.what.mails()).enumerate();
    let accepted = mails.map(|(place, key)| mail(10 * place as u64, &format!("{place}@x"), key)).collect();
    let row = Row { email: NEW.to_owned(), full_name: Some("N-3".to_owned()), version: 7 };
    Evidence {
        lives: vec![LifeRecord { username: "ada".to_owned(), changes }],
        rows: HashMap::from([("ada".to_owned(), row)]),
        accepted,
        ..Evidence::default()
    }
}

/// That the good history is found broken once it is changed so, in these words.
#[track_caller]
fn is_found(words: &str, change: impl FnOnce(&mut Evidence)) {
    let mut evidence = good();
    change(&mut evidence);
    let violations = judge(&evidence).violations;
    assert!(
        violations.iter().any(|violation| violation.contains(words)),
        "{words:?} is not in {violations:#?}"
    );
}

#[track_caller]
fn passes(change: impl FnOnce(&mut Evidence)) -> Judgement {
    let mut evidence = good();
    change(&mut evidence);
    let judgement = judge(&evidence);
    assert_eq!(judgement.violations, Vec::<String>::new());
    judgement
}

fn lose(evidence: &mut Evidence, kind: Kind) {
    evidence.accepted.retain(|mail| mail.told.key.as_ref().is_none_or(|key| key.kind != kind));
}

fn changes(evidence: &mut Evidence) -> &mut Vec<Change> {
    &mut evidence.lives[0].changes
}

#[test]
fn a_good_history_passes() {
    let judgement = passes(|_| {});
    assert_eq!((judgement.acknowledged, judgement.mails, judgement.repeats), (7, 10, 0));
}

#[test]
fn an_acknowledged_change_without_a_mail_is_found() {
    for kind in [
        Kind::Registered,
        Kind::AccountConfirmed,
        Kind::ConfirmNewAddress,
        Kind::AddressChangeRequested,
        Kind::AddressConfirmed,
        Kind::AddressReplaced,
        Kind::PasswordChanged,
        Kind::Updated,
    ] {
        is_found("acknowledged and has no mail", |evidence| lose(evidence, kind));
    }
}

#[test]
fn a_mail_to_somebody_else_is_found() {
    is_found("nobody asked for", |evidence| {
        evidence.accepted[2].told.key.as_mut().unwrap().to = "eve@example.org".to_owned();
    });
}

#[test]
fn a_mail_about_what_nobody_did_is_found() {
    is_found("nobody asked for", |evidence| {
        evidence.accepted.push(mail(200, "x@x", rename(NEW, "N-4").mails().remove(0)));
    });
}

#[test]
fn a_mail_about_what_was_refused_is_found() {
    is_found("tells of what was refused", |evidence| {
        let what = What::InVain { to: NEW.to_owned(), name: "Refused".to_owned() };
        evidence.accepted.push(mail(200, "x@x", what.mails().remove(0)));
        changes(evidence).push(Change { what, answer: Answer::Refused("422".to_owned()) });
    });
}

#[test]
fn a_refusal_without_a_reason_is_found_and_success_where_a_refusal_is_due() {
    is_found("refused for no reason", |evidence| {
        let answer = Answer::Refused("401".to_owned());
        changes(evidence).push(Change { what: rename(NEW, "N-4"), answer });
    });
    is_found("answered with success", |evidence| {
        changes(evidence).push(change(What::InVain { to: NEW.to_owned(), name: "Refused".to_owned() }));
    });
}

#[test]
fn mails_to_one_address_that_overtake_each_other_are_found() {
    is_found("was overtaken by", |evidence| evidence.accepted.swap(1, 2));
    // Those to different addresses have no order.
    passes(|evidence| evidence.accepted.swap(6, 7));
}

#[test]
fn an_answer_that_nobody_saw_may_mean_done_or_not() {
    let open = |name| Change { what: rename(NEW, name), answer: Answer::Unknown };
    let not_done = passes(|evidence| changes(evidence).push(open("N-4")));
    assert_eq!((not_done.unknown, not_done.unknown_done), (1, 0));
    let done = passes(|evidence| {
        changes(evidence).push(open("N-4"));
        evidence.accepted.push(mail(200, "x@x", rename(NEW, "N-4").mails().remove(0)));
        let row = evidence.rows.get_mut("ada").unwrap();
        (row.version, row.full_name) = (8, Some("N-4".to_owned()));
    });
    assert_eq!((done.unknown, done.unknown_done), (1, 1));
}

#[test]
fn what_nobody_saw_the_answer_of_may_be_done_late() {
    passes(|evidence| {
        changes(evidence)[2].answer = Answer::Unknown;
        let late = evidence.accepted.remove(2);
        evidence.accepted.insert(4, late);
    });
}

#[test]
fn half_a_change_is_found() {
    // The database has it, and nobody is told.
    is_found("not wholly", |evidence| {
        changes(evidence)[6].answer = Answer::Unknown;
        evidence.accepted.pop();
    });
    is_found("holds 8 changes of the account, and 7", |evidence| {
        let answer = Answer::Unknown;
        changes(evidence).push(Change { what: What::ChangePassword { to: OLD.to_owned() }, answer });
        evidence.rows.get_mut("ada").unwrap().version = 8;
    });
    // One of two mails.
    is_found("not wholly", |evidence| {
        changes(evidence)[4].answer = Answer::Unknown;
        lose(evidence, Kind::AddressReplaced);
    });
    // A mail tells of it, and the database does not have it.
    is_found("holds 7 changes of the account, and 8", |evidence| {
        changes(evidence).push(Change { what: rename(NEW, "N-4"), answer: Answer::Unknown });
        evidence.accepted.push(mail(200, "x@x", rename(NEW, "N-4").mails().remove(0)));
    });
}

#[test]
fn an_acknowledged_change_that_the_database_does_not_have_is_found() {
    is_found("holds 6 changes", |evidence| evidence.rows.get_mut("ada").unwrap().version = 6);
    is_found("the name in the database", |evidence| {
        evidence.rows.get_mut("ada").unwrap().full_name = Some("N-1".to_owned());
    });
    is_found("the address in the database", |evidence| {
        evidence.rows.get_mut("ada").unwrap().email = OLD.to_owned();
    });
    is_found("not in the database", |evidence| evidence.rows.clear());
}

#[test]
fn a_deletion_is_held_against_the_database() {
    let delete = || change(What::Delete { to: NEW.to_owned() });
    let goodbye = || mail(200, "x@x", What::Delete { to: NEW.to_owned() }.mails().remove(0));
    passes(|evidence| {
        changes(evidence).push(delete());
        evidence.accepted.push(goodbye());
        evidence.rows.clear();
    });
    is_found("was deleted and is in the database", |evidence| {
        changes(evidence).push(delete());
        evidence.accepted.push(goodbye());
    });
    is_found("not wholly", |evidence| {
        changes(evidence).push(Change { answer: Answer::Unknown, ..delete() });
        evidence.rows.clear();
    });
}

#[test]
fn an_account_that_nobody_registered_is_found() {
    is_found("accounts that nobody registered", |evidence| {
        let row = evidence.rows["ada"].clone();
        evidence.rows.insert("eve".to_owned(), row);
    });
}

fn again(evidence: &mut Evidence, second: u64) {
    let mut again = evidence.accepted[3].clone();
    again.at = Duration::from_secs(second);
    evidence.accepted.push(again);
}

#[test]
fn a_repeat_needs_a_disturbance_between_acceptance_and_record() {
    let disturbed = |from: u64, notifiers| Disturbance {
        from: Duration::from_secs(from),
        until: Duration::from_secs(from + 1),
        notifiers,
    };
    let excused = passes(|evidence| {
        again(evidence, 50);
        evidence.disturbances.push(disturbed(31, [true, false]));
    });
    assert_eq!((excused.repeats, excused.mails), (1, 10));
    is_found("nothing disturbed notifier 0", |evidence| again(evidence, 50));
    // Not that notifier, or not then.
    is_found("nothing disturbed notifier 0", |evidence| {
        again(evidence, 50);
        evidence.disturbances.extend([disturbed(30, [false, true]), disturbed(45, [true, true])]);
    });
}

#[test]
fn two_mails_about_one_change_and_one_message_id_for_two_are_found() {
    is_found("tell of one change", |evidence| {
        again(evidence, 31);
        evidence.accepted.last_mut().unwrap().told.message_id = "other@x".to_owned();
    });
    is_found("have one Message-ID", |evidence| evidence.accepted[4].told.message_id = "3@x".to_owned());
}

#[test]
fn a_mail_without_a_meaning_is_found() {
    is_found("nobody can tell the meaning", |evidence| evidence.accepted[4].told.key = None);
}

#[test]
fn a_mail_that_the_server_refused_for_good_need_not_come_and_only_that() {
    passes(|evidence| {
        let refused = evidence.accepted.pop().unwrap();
        evidence.refused.push(RefusedMail { to: NEW.to_owned(), told: Some(refused.told) });
        evidence.left.dead = 1;
    });
    passes(|evidence| {
        evidence.accepted.pop();
        evidence.refused.push(RefusedMail { to: NEW.to_owned(), told: None });
        evidence.left.dead = 1;
    });
    is_found("has no mail", |evidence| {
        lose(evidence, Kind::Updated);
        evidence.refused.push(RefusedMail { to: NEW.to_owned(), told: None });
    });
    is_found("2 mails were given up", |evidence| {
        let refused = evidence.accepted.pop().unwrap();
        evidence.refused.push(RefusedMail { to: NEW.to_owned(), told: Some(refused.told) });
        evidence.left.dead = 2;
    });
}

#[test]
fn what_is_left_is_found() {
    for (words, left) in [
        ("1 changes in the outbox", Leftovers { outbox: 1, ..Leftovers::default() }),
        ("1 changes that were set aside", Leftovers { dead_outbox: 1, ..Leftovers::default() }),
        ("1 records on the topic", Leftovers { lag: 1, ..Leftovers::default() }),
        ("1 mails in the queue", Leftovers { queued: 1, ..Leftovers::default() }),
        ("1 dead letters", Leftovers { dead_letters: 1, ..Leftovers::default() }),
        ("1 mails were given up", Leftovers { dead: 1, ..Leftovers::default() }),
    ] {
        is_found(words, |evidence| evidence.left = left);
    }
}

#[test]
fn plain_sql_leaves_the_version_as_it_is() {
    passes(|evidence| {
        let what = What::Rename { to: NEW.to_owned(), name: "N-4".to_owned(), by_sql: true };
        evidence.accepted.push(mail(200, "x@x", what.mails().remove(0)));
        changes(evidence).push(change(what));
        evidence.rows.get_mut("ada").unwrap().full_name = Some("N-4".to_owned());
    });
}
