//! What the pages' buttons send: `application/x-www-form-urlencoded`, read strictly.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::value::{Error, MapDeserializer};
use shared_kernel::Locale;
use utoipa::ToSchema;

use super::language;
use super::page::Page;

/// The most bytes of a form; that is enough for two passwords of 128 characters, each written as `%F0%9F%98%80`.
pub(super) const MAX_FORM_BYTES: usize = 8 * 1024;

const FORM: &str = "application/x-www-form-urlencoded";

/// Confirms an address, or stops the change of one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkForm {
    /// The token of the link.
    #[serde(default)]
    #[schema(required = true, min_length = 1, max_length = 2048)]
    pub(super) token: String,
    /// The language of the answer: `en`, `pt-BR` or `es`.
    #[serde(default)]
    pub(super) lang: String,
}

/// Gives an account a new password.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PasswordForm {
    /// The token of the link.
    #[serde(default)]
    #[schema(required = true, min_length = 1, max_length = 2048)]
    pub(super) token: String,
    /// The language of the answer: `en`, `pt-BR` or `es`.
    #[serde(default)]
    pub(super) lang: String,
    /// The new password.
    #[serde(default)]
    #[schema(required = true, min_length = 8, max_length = 128, format = Password)]
    pub(super) new_password: String,
    /// The same once more.
    #[serde(default)]
    #[schema(required = true, min_length = 8, max_length = 128, format = Password)]
    pub(super) new_password_again: String,
}

/// A form in which a page's language is named.
pub(super) trait Form: DeserializeOwned {
    fn lang(&self) -> &str;
}

impl Form for LinkForm {
    fn lang(&self) -> &str {
        &self.lang
    }
}

impl Form for PasswordForm {
    fn lang(&self) -> &str {
        &self.lang
    }
}

/// A form that was sent, and the language of the answer.
///
/// That another site can have a browser send one is no danger: no cookie nor anything else of the browser's counts
/// here. Who has the token may use it, from wherever.
pub(super) struct Submitted<F> {
    pub(super) form: F,
    pub(super) locale: Locale,
}

impl<S: Send + Sync, F: Form> FromRequest<S> for Submitted<F> {
    type Rejection = Page;

    async fn from_request(request: Request, state: &S) -> Result<Self, Page> {
        let headers = request.headers().clone();
        let form: F = match read(request, state).await {
            Ok(form) => form,
            Err(status) => return Err(Page::unreadable(status, language::choose("", &headers))),
        };
        let locale = language::choose(form.lang(), &headers);
        Ok(Self { form, locale })
    }
}

async fn read<S: Send + Sync, F: Form>(request: Request, state: &S) -> Result<F, StatusCode> {
    if !is_form(request.headers()) {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let body = Bytes::from_request(request, state).await.map_err(|cut| cut.into_response().status())?;
    parse(&body)
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(FORM)
}

/// Other than the usual readers of forms, refuses what is not UTF-8: a password must be what was typed.
fn parse<F: Form>(body: &[u8]) -> Result<F, StatusCode> {
    let text = str::from_utf8(body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((decoded(name)?, decoded(value)?))
    });
    let pairs: Vec<(String, String)> = pairs.collect::<Result<_, StatusCode>>()?;
    F::deserialize(MapDeserializer::<_, Error>::new(pairs.into_iter()))
        .map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)
}

fn decoded(text: &str) -> Result<String, StatusCode> {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8().map_err(|_| StatusCode::BAD_REQUEST)?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> u16 {
        parse::<PasswordForm>(body.as_bytes()).err().map_or(200, |status| status.as_u16())
    }

    #[test]
    fn a_form_is_read_as_it_was_typed() {
        let body = "token=a.b-c_d&lang=pt-BR&newPassword=p%C3%A4ss+w%2Brd%25&newPasswordAgain=x%3D%26=";
        let form: PasswordForm = parse(body.as_bytes()).unwrap();
        assert_eq!(form.token, "a.b-c_d");
        assert_eq!(form.lang, "pt-BR");
        assert_eq!(form.new_password, "päss w+rd%");
        assert_eq!(form.new_password_again, "x=&=");
    }

    #[test]
    fn what_is_missing_is_empty() {
        for body in ["", "&", "token", "token=", "lang="] {
            let form: LinkForm = parse(body.as_bytes()).unwrap();
            assert_eq!(form.token + &form.lang, "", "{body:?}");
        }
    }

    #[test]
    fn unknown_and_repeated_fields_are_refused() {
        for body in
            ["token=a&admin=true", "token=a&token=b", "token=a&%74oken=a", "Token=a", "token[]=a", "=a"]
        {
            assert_eq!(refused(body), 422, "{body}");
        }
    }

    #[test]
    fn what_is_not_utf_8_is_refused() {
        assert_eq!(refused("newPassword=p%FFss"), 400);
        assert_eq!(refused("%FF=1"), 400);
        assert!(parse::<LinkForm>(b"token=\xff").is_err());
    }

    #[test]
    fn the_longest_form_fits() {
        let password = "%F0%9F%98%80".repeat(128);
        let token = "x".repeat(2048);
        let body = format!("token={token}&lang=pt-BR&newPassword={password}&newPasswordAgain={password}");
        assert!(body.len() <= MAX_FORM_BYTES);
    }

    #[test]
    fn only_a_form_is_taken_for_one() {
        for (content_type, taken) in [
            ("application/x-www-form-urlencoded", true),
            ("Application/X-WWW-Form-Urlencoded; charset=UTF-8", true),
            ("application/json", false),
            ("multipart/form-data; boundary=x", false),
            ("text/plain", false),
        ] {
            let headers = [(header::CONTENT_TYPE, content_type.parse().unwrap())].into_iter().collect();
            assert_eq!(is_form(&headers), taken, "{content_type}");
        }
        assert!(!is_form(&HeaderMap::new()));
    }
}
