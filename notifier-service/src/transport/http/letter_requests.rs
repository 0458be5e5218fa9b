use std::num::NonZeroU32;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::interactors::{LetterFilter, LetterRedrive};

/// The most letters that one request lists or records. A redrive answers when it is done, so it must not take long;
/// the same request goes on with the others.
const MOST: u32 = 1000;

/// Which dead letters are meant, as queries, bodies and forms say it. What is empty says nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct LetterFilterRequest {
    reason: String,
    since: String,
}

/// A part of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct LetterListRequest {
    reason: String,
    since: String,
    limit: Option<u32>,
}

/// A redrive. Dry unless it says otherwise.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct LetterRedriveBody {
    reason: String,
    since: String,
    pub(super) dry_run: bool,
    limit: u32,
    per_second: NonZeroU32,
}

impl Default for LetterRedriveBody {
    fn default() -> Self {
        Self {
            reason: String::new(),
            since: String::new(),
            dry_run: true,
            limit: 100,
            per_second: NonZeroU32::new(10).expect("ten is not zero"),
        }
    }
}

impl LetterFilterRequest {
    pub(super) fn filter(&self) -> Result<LetterFilter, Problem> {
        let since = self.since.trim();
        Ok(LetterFilter {
            reason: Some(self.reason.trim().to_owned()).filter(|text| !text.is_empty()),
            since: if since.is_empty() { None } else { Some(time(since)?) },
        })
    }
}

impl LetterListRequest {
    pub(super) fn parts(self) -> Result<(LetterFilterRequest, u32), Problem> {
        let Self { reason, since, limit } = self;
        Ok((LetterFilterRequest { reason, since }, checked(limit.unwrap_or(50))?))
    }
}

impl LetterRedriveBody {
    pub(super) fn of_filter(filter: LetterFilterRequest, dry_run: bool) -> Self {
        let LetterFilterRequest { reason, since } = filter;
        Self { reason, since, dry_run, ..Self::default() }
    }

    pub(super) fn request(self) -> Result<LetterRedrive, Problem> {
        let Self { reason, since, dry_run, limit, per_second } = self;
        Ok(LetterRedrive {
            filter: LetterFilterRequest { reason, since }.filter()?,
            limit: checked(limit)?,
            per_second,
            is_dry_run: dry_run,
        })
    }
}

fn checked(limit: u32) -> Result<u32, Problem> {
    match limit {
        1..=MOST => Ok(limit),
        _ => Err(Problem::bad_request(format!("limit must be 1 to {MOST}"))),
    }
}

fn time(text: &str) -> Result<DateTime<Utc>, Problem> {
    let time = DateTime::parse_from_rfc3339(text);
    time.map(|time| time.to_utc())
        .map_err(|_| Problem::bad_request("since must be a time such as 2026-01-31T12:00:00Z"))
}
