use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the ledger holds what it knows of mails that are done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// How long it says whom a mail went to and what about, after the mail was sent, given up or cancelled.
    pub personal_data: Duration,
    /// How long after that it recognises the mail's event, should it come again. What the topic still holds is recognised
    /// for longer.
    pub ids: Duration,
}

impl Default for Retention {
    /// 30 days for personal data, to explain what happened; a year for ids, which is more than topics are kept for.
    fn default() -> Self {
        Self { personal_data: 30 * DAY, ids: 365 * DAY }
    }
}
