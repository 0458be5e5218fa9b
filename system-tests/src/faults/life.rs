//! What one account goes through.

use std::time::Duration;

use fastrand::Rng;

/// One thing that somebody does with their account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Opens the link that came with the registration.
    ConfirmAccount,
    /// Takes another name (`PATCH`).
    Rename,
    /// Takes another name (`PUT`, which says all of the account).
    Replace,
    /// Another program gives the account another name, with plain SQL.
    RenameBySql,
    /// Chooses another password.
    ChangePassword,
    /// Takes another address, and opens the link that is sent there.
    ChangeAddress,
    /// Asks for what must be refused.
    AskInVain(u8),
    /// Deletes the account.
    Delete,
}

/// An account's steps after its registration, with what each begins with: a pause, and which replica to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifePlan {
    /// In their order.
    pub steps: Vec<Step>,
    /// Before each step, as many as there are steps.
    pub pauses: Vec<Duration>,
    /// For each step, which replica is asked first.
    pub replicas: Vec<usize>,
}

const PAUSES: std::ops::Range<u64> = 20..600;

impl LifePlan {
    /// A registration, and nothing else.
    pub(crate) fn none() -> Self {
        Self { steps: Vec::new(), pauses: Vec::new(), replicas: Vec::new() }
    }

    /// A life, with plain SQL in it or not.
    pub(crate) fn of(random: &mut Rng, with_sql: bool) -> Self {
        let mut steps = Vec::new();
        ordinary(random, with_sql, &mut steps);
        // Whoever confirms waits for mails, and the others go on while none come.
        if random.bool() {
            for _ in 0..random.usize(2..8) {
                ordinary(random, with_sql, &mut steps);
            }
        } else {
            steps.push(Step::ConfirmAccount);
            for _ in 0..random.usize(0..3) {
                // One password to an address: a mail does not say which change of it is meant.
                ordinary(random, with_sql, &mut steps);
                if random.bool() {
                    steps.push(Step::ChangePassword);
                }
                ordinary(random, with_sql, &mut steps);
                steps.push(Step::ChangeAddress);
            }
        }
        ordinary(random, with_sql, &mut steps);
        if random.bool() {
            steps.push(Step::ChangePassword);
            ordinary(random, with_sql, &mut steps);
        }
        if random.u32(0..3) == 0 {
            steps.push(Step::Delete);
        }
        let pauses = steps.iter().map(|_| Duration::from_millis(random.u64(PAUSES))).collect();
        let replicas = steps.iter().map(|_| random.usize(0..2)).collect();
        Self { steps, pauses, replicas }
    }
}

fn ordinary(random: &mut Rng, with_sql: bool, steps: &mut Vec<Step>) {
    for _ in 0..random.usize(1..4) {
        steps.push(match random.u32(0..10) {
            0 => Step::AskInVain(random.u8(0..4)),
            1..3 => Step::Replace,
            3..6 if with_sql => Step::RenameBySql,
            _ => Step::Rename,
        });
    }
}
