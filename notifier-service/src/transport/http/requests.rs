use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use shared_kernel::UserId;
use uuid::Uuid;

use super::problem::Problem;
use crate::entities::{MailFilter, MailState, NotificationId};
use crate::interactors::{RedriveMails, RedriveRequest};

/// Which mails are meant, as queries, bodies and forms say it. What is empty says nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct FilterRequest {
    pub(super) state: String,
    pub(super) kind: String,
    pub(super) user_id: String,
    pub(super) recipient: String,
    pub(super) words: String,
}

/// A part of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct ListRequest {
    state: String,
    kind: String,
    user_id: String,
    recipient: String,
    words: String,
    cursor: Option<i64>,
    limit: Option<u32>,
}

/// A redrive. Dry unless it says otherwise.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct RedriveBody {
    kind: String,
    user_id: String,
    recipient: String,
    words: String,
    pub(super) dry_run: bool,
    limit: u32,
    per_second: NonZeroU32,
    requeued_less_than: Option<u32>,
}

impl Default for RedriveBody {
    fn default() -> Self {
        Self {
            kind: String::new(),
            user_id: String::new(),
            recipient: String::new(),
            words: String::new(),
            dry_run: true,
            limit: 1000,
            per_second: NonZeroU32::new(10).expect("ten is not zero"),
            requeued_less_than: Some(RedriveMails::REQUEUED_LESS_THAN),
        }
    }
}

impl FilterRequest {
    pub(super) fn filter(&self) -> Result<MailFilter, Problem> {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let state = given(&self.state).map(|name| {
            let states = MailState::ALL.map(MailState::as_str).join(", ");
            MailState::from_name(&name)
                .ok_or_else(|| Problem::bad_request(format!("state must be one of {states}")))
        });
        let user_id = given(&self.user_id).map(|id| {
            Uuid::parse_str(&id).map(UserId).map_err(|_| Problem::bad_request("userId must be a UUID"))
        });
        Ok(MailFilter {
            state: state.transpose()?,
            kind: given(&self.kind),
            user_id: user_id.transpose()?,
            recipient: given(&self.recipient),
            words: given(&self.words),
            requeued_less_than: None,
        })
    }
}

impl ListRequest {
    pub(super) fn parts(self) -> (FilterRequest, Option<i64>, u32) {
        let Self { state, kind, user_id, recipient, words, cursor, limit } = self;
        (FilterRequest { state, kind, user_id, recipient, words }, cursor, limit.unwrap_or(50))
    }
}

impl RedriveBody {
    pub(super) fn of_filter(filter: FilterRequest, dry_run: bool) -> Self {
        let FilterRequest { state: _, kind, user_id, recipient, words } = filter;
        Self { kind, user_id, recipient, words, dry_run, ..Self::default() }
    }

    pub(super) fn request(self) -> Result<RedriveRequest, Problem> {
        let Self { kind, user_id, recipient, words, dry_run, limit, per_second, requeued_less_than } = self;
        if limit == 0 || limit > RedriveMails::MOST {
            return Err(Problem::bad_request(format!("limit must be 1 to {}", RedriveMails::MOST)));
        }
        let filter = FilterRequest { state: String::new(), kind, user_id, recipient, words }.filter()?;
        Ok(RedriveRequest {
            filter: MailFilter { requeued_less_than, ..filter },
            limit,
            per_second,
            is_dry_run: dry_run,
        })
    }
}

/// The id in a path.
pub(super) fn mail_id(text: &str) -> Result<NotificationId, Problem> {
    Uuid::parse_str(text)
        .map(NotificationId)
        .map_err(|_| Problem::new(axum::http::StatusCode::NOT_FOUND, "the id of a mail is a UUID"))
}
