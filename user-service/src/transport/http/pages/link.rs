//! A link out of a mail, and the pages that it leads to.

use std::net::IpAddr;

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::HeaderMap;
use serde::Deserialize;
use shared_kernel::{ActionPurpose, Locale};
use utoipa::IntoParams;

use super::language;
use super::page::{FormView, Page, PasswordView};
use super::refusal::Refusal;
use super::texts::{Message, Question, Texts, texts};
use crate::transport::http::rate_limits::RateLimits;

/// Longer than any token for an address of 254 bytes.
const MAX_TOKEN_BYTES: usize = 2048;

/// What stands in a link.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LinkQuery {
    /// The token that the mail was sent for.
    #[serde(default)]
    #[param(required = true, min_length = 1, max_length = 2048)]
    token: String,
    /// The language of the page: `en`, `pt-BR` or `es`. For any other, `Accept-Language` decides.
    #[serde(default)]
    #[param(required = false)]
    lang: String,
}

/// A link that somebody has opened.
pub(super) struct Link {
    pub(super) purpose: ActionPurpose,
    pub(super) token: String,
    pub(super) locale: Locale,
}

impl Link {
    /// A query that cannot be read is that of a link without a token. What mail programs add to links is ignored.
    pub(super) fn opened(
        purpose: ActionPurpose,
        query: Result<Query<LinkQuery>, QueryRejection>,
        headers: &HeaderMap,
    ) -> Self {
        let Query(query) = query.unwrap_or_default();
        Self { purpose, token: query.token, locale: language::choose(&query.lang, headers) }
    }

    /// The page with the button. It says nothing of whether the token counts: mail scanners open links too, and
    /// nothing is looked up for them.
    pub(super) fn question(self) -> Page {
        if self.may_be_whole() {
            let form = Some(self.form(None));
            Page { form, ..Page::saying(self.asked().message, self.locale) }
        } else {
            self.answer(Err(Refusal::LinkVoid))
        }
    }

    /// Whether the button may be tried: not by a client that guesses tokens, nor with what cannot be one.
    pub(super) fn admit(&self, limits: &RateLimits, client: IpAddr) -> Result<(), Refusal> {
        limits.check_address(client).map_err(Refusal::too_often)?;
        if self.may_be_whole() { Ok(()) } else { Err(Refusal::LinkVoid) }
    }

    /// The page that says what came of it.
    pub(super) fn answer(self, done: Result<(), Refusal>) -> Page {
        let refusal = match done {
            Ok(()) => return Page::saying(self.done(), self.locale),
            Err(refusal) => refusal,
        };
        let form = refusal.can_be_tried_again().then(|| self.form(refusal.password_fault(self.texts())));
        Page {
            status: refusal.status(),
            form,
            retry_after: refusal.retry_after(),
            ..Page::saying(refusal.message(self.texts(), self.asked().message), self.locale)
        }
    }

    fn may_be_whole(&self) -> bool {
        (1..=MAX_TOKEN_BYTES).contains(&self.token.len())
    }

    fn form(&self, password_fault: Option<&'static str>) -> FormView {
        let texts = self.texts();
        let (action, sets_password) = match self.purpose {
            ActionPurpose::ConfirmAddress => ("confirm", false),
            ActionPurpose::CancelAddressChange => ("cancel-email-change", false),
            ActionPurpose::ResetPassword => ("reset-password", true),
        };
        let password = PasswordView {
            label: texts.new_password,
            again: texts.new_password_again,
            hint: texts.password_hint,
            wrong: password_fault,
        };
        FormView {
            action,
            token: self.token.clone(),
            button: self.asked().button,
            password: sets_password.then_some(password),
        }
    }

    fn texts(&self) -> &'static Texts {
        texts(self.locale)
    }

    fn asked(&self) -> Question {
        match self.purpose {
            ActionPurpose::ConfirmAddress => self.texts().confirm_address,
            ActionPurpose::CancelAddressChange => self.texts().cancel_address_change,
            ActionPurpose::ResetPassword => self.texts().reset_password,
        }
    }

    fn done(&self) -> Message {
        match self.purpose {
            ActionPurpose::ConfirmAddress => self.texts().address_confirmed,
            ActionPurpose::CancelAddressChange => self.texts().address_change_cancelled,
            ActionPurpose::ResetPassword => self.texts().password_reset,
        }
    }
}
