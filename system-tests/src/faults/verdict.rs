//! What a campaign ends with.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::oracle::Judgement;
use super::settings::Settings;

/// A judgement, with what was done for it.
pub struct Verdict {
    /// What was asked for.
    pub settings: Settings,
    /// How many faults there were of each kind.
    pub faults: BTreeMap<String, usize>,
    /// What the oracle says.
    pub judgement: Judgement,
    /// How long all of it took.
    pub took: Duration,
}

impl Verdict {
    /// Whether every promise was kept.
    pub fn is_good(&self) -> bool {
        self.judgement.violations.is_empty()
    }
}

/// So many violations are shown; the others are counted.
const SHOWN: usize = 20;

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Judgement {
            acknowledged,
            unknown,
            unknown_done,
            refused,
            mails,
            repeats,
            refused_mails,
            violations,
        } = &self.judgement;
        writeln!(f, "\n| faults | count |\n|---|---|")?;
        for (kind, count) in &self.faults {
            writeln!(f, "| {kind} | {count} |")?;
        }
        let Settings { seed, database, capture, length, .. } = &self.settings;
        let faults: usize = self.faults.values().sum();
        let verdict = if self.is_good() { "kept".to_owned() } else { format!("{} broken", violations.len()) };
        writeln!(
            f,
            "\n| seed | database, capture | minutes | faults | changes answered | refused | no answer, of these done | mails | \
             repeats | refused for good by the mail server | promises |\n|---|---|---|---|---|---|---|---|---|---|---|\n\
             | {seed} | {}, {capture} | {:.1} | {faults} | {acknowledged} | {refused} | {unknown}, {unknown_done} | {mails} | \
             {repeats} | {refused_mails} | {verdict} |",
            database.name(),
            length.as_secs_f64() / 60.0,
        )?;
        for violation in violations.iter().take(SHOWN) {
            writeln!(f, "broken: {violation}")?;
        }
        if violations.len() > SHOWN {
            writeln!(
                f,
                "and {} more, in {}",
                violations.len() - SHOWN,
                self.settings.logs.join("verdict.txt").display()
            )?;
        }
        writeln!(f, "took {:.0?}; all logs are in {}", self.took, self.settings.logs.display())?;
        if !self.is_good() {
            writeln!(f, "again: {}", self.settings.replay())?;
        }
        Ok(())
    }
}
