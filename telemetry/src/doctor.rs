//! What stands in the way of a service's work, found out before it is started.

mod common;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use shared_kernel::in_words;
use tokio::time::timeout;

pub use common::{of_clock, of_privileges, of_topics};

/// How long one thing may take to be looked at.
const LOOK_WITHIN: Duration = Duration::from_secs(20);

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The setting that it depends on, or what it is.
    pub about: &'static str,
    /// Whether the service can do its work.
    pub verdict: Verdict,
    /// What was found and, where something is wrong, the fix.
    pub says: String,
}

/// What a finding means for the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Fine,
    /// The service works, but somebody should look at it.
    Attention,
    /// The service cannot do its work.
    Wrong,
}

impl Finding {
    /// As it should be.
    pub fn fine(about: &'static str, says: impl Into<String>) -> Self {
        Self { about, verdict: Verdict::Fine, says: says.into() }
    }

    /// Somebody should look at it.
    pub fn attention(about: &'static str, says: impl Into<String>) -> Self {
        Self { about, verdict: Verdict::Attention, says: says.into() }
    }

    /// The service cannot do its work.
    pub fn wrong(about: &'static str, says: impl Into<String>) -> Self {
        Self { about, verdict: Verdict::Wrong, says: says.into() }
    }
}

/// One line.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Fine => "ok",
            Verdict::Attention => "look at",
            Verdict::Wrong => "WRONG",
        };
        write!(f, "{verdict:<8}{:<14}{}", self.about, self.says)
    }
}

/// Prints them, the worst last, and tells whether the service can do its work.
pub fn report(mut findings: Vec<Finding>) -> bool {
    findings.sort_by_key(|finding| finding.verdict);
    for finding in &findings {
        println!("{finding}");
    }
    findings.iter().all(|finding| finding.verdict != Verdict::Wrong)
}

/// What came of it, or why nothing did, in words.
///
/// # Errors
///
/// The words.
pub async fn within<T, E: Into<Box<dyn Error + Send + Sync>>>(
    look: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    match timeout(LOOK_WITHIN, look).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(in_words(&*error.into())),
        Err(_elapsed) => Err(format!("no answer within {} s", LOOK_WITHIN.as_secs())),
    }
}
