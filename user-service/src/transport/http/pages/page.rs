//! A page of HTML, and how it is sent.

use std::sync::LazyLock;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, context};
use serde::Serialize;
use sha2::{Digest, Sha256};
use shared_kernel::Locale;

use super::texts::{Message, texts};

const TEMPLATE: &str = "page.html";
const STYLE: &str = include_str!("../../../../templates/page.css");

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    // A misspelt name is an error that a test sees, not an empty space that a reader does.
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates
        .add_template(TEMPLATE, include_str!("../../../../templates/page.html"))
        .expect("the template is part of the program and can be read");
    templates
});

/// Lets the page have its style and send its form here, and nothing else.
static CONTENT_SECURITY_POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    HeaderValue::from_str(&policy).expect("base64 may stand in a header")
});

/// What a person sees.
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) locale: Locale,
    pub(super) message: Message,
    pub(super) form: Option<FormView>,
    pub(super) retry_after: Option<HeaderValue>,
}

/// The form of a page.
#[derive(Serialize)]
pub(super) struct FormView {
    /// Relative, so that it leads to the same path also where a proxy puts something in front of it; and without
    /// the query, which has the token in it.
    pub(super) action: &'static str,
    pub(super) token: String,
    pub(super) button: &'static str,
    pub(super) password: Option<PasswordView>,
}

/// The fields for a new password.
#[derive(Serialize)]
pub(super) struct PasswordView {
    pub(super) label: &'static str,
    pub(super) again: &'static str,
    pub(super) hint: &'static str,
    pub(super) wrong: Option<&'static str>,
}

impl Page {
    /// A page with nothing to do on it but to read.
    pub(super) fn saying(message: Message, locale: Locale) -> Self {
        Self { status: StatusCode::OK, locale, message, form: None, retry_after: None }
    }

    /// The answer to what is no form of ours.
    pub(super) fn unreadable(status: StatusCode, locale: Locale) -> Self {
        Self { status, ..Self::saying(texts(locale).unreadable, locale) }
    }

    fn html(&self) -> Result<String, minijinja::Error> {
        TEMPLATES.get_template(TEMPLATE)?.render(context! {
            lang => self.locale.as_str(),
            style => STYLE,
            title => self.message.title,
            text => self.message.text,
            form => Serde(&self.form),
        })
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let html = self.html().expect("the tests fill in every part of the template");
        let mut response = (self.status, Html(html)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY.clone());
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(self.locale.as_str()));
        // The address of the page has the token in it.
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.retry_after.map(|value| (header::RETRY_AFTER, value)));
        response
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use shared_kernel::ActionPurpose;

    use super::super::link::Link;
    use super::super::refusal::Refusal;
    use super::*;

    const PURPOSES: [ActionPurpose; 3] =
        [ActionPurpose::ConfirmAddress, ActionPurpose::CancelAddressChange, ActionPurpose::ResetPassword];

    fn link(purpose: ActionPurpose, locale: Locale) -> Link {
        Link { purpose, token: "a.b-c_d".into(), locale }
    }

    fn outcomes() -> Vec<Result<(), Refusal>> {
        vec![
            Ok(()),
            Err(Refusal::LinkVoid),
            Err(Refusal::AddressTaken),
            Err(Refusal::PasswordsDiffer),
            Err(Refusal::Password("too_weak")),
            Err(Refusal::TooOften(Some(HeaderValue::from_static("7")))),
            Err(Refusal::Unavailable),
            Err(Refusal::Failed),
        ]
    }

    /// Every page that there is, in one language.
    fn pages(locale: Locale) -> Vec<Page> {
        let of_purpose = |purpose| {
            let answers = outcomes().into_iter().map(move |outcome| link(purpose, locale).answer(outcome));
            std::iter::once(link(purpose, locale).question()).chain(answers)
        };
        let mut pages: Vec<Page> = PURPOSES.into_iter().flat_map(of_purpose).collect();
        pages.push(Page::unreadable(StatusCode::BAD_REQUEST, locale));
        pages
    }

    #[test]
    fn every_page_is_filled_in_and_in_its_language() {
        for locale in Locale::ALL {
            for page in pages(locale) {
                let html = page.html().unwrap();
                assert!(html.contains(&format!("<html lang=\"{}\">", locale.as_str())), "{html}");
                assert!(html.contains(page.message.title) && html.contains(page.message.text), "{html}");
                assert!(!html.contains("{{") && !html.contains("{%"), "{html}");
            }
        }
    }

    #[test]
    fn the_policy_lets_the_style_of_every_page_pass_and_no_other() {
        let policy = CONTENT_SECURITY_POLICY.to_str().unwrap();
        for page in Locale::ALL.into_iter().flat_map(pages) {
            let html = page.html().unwrap();
            let style = html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
            let hash = STANDARD.encode(Sha256::digest(style));
            assert!(policy.contains(&format!("style-src 'sha256-{hash}';")), "{policy}");
            for banned in ["style=", "<script", "onclick", "src=", "http:", "https:", "url("] {
                assert!(!html.contains(banned), "{banned}: {html}");
            }
        }
    }

    #[test]
    fn a_token_cannot_break_out_of_its_field() {
        let token = "\"><script>alert('x')</script>&amp;".to_owned();
        for purpose in PURPOSES {
            let html = Link { purpose, token: token.clone(), locale: Locale::En }.question().html().unwrap();
            let field = html.split("name=\"token\" value=\"").nth(1).unwrap().split('>').next().unwrap();
            assert_eq!(field, "&quot;&gt;&lt;script&gt;alert(&#x27;x&#x27;)&lt;&#x2f;script&gt;&amp;amp;\"");
            assert_eq!(html.matches("script").count(), 2, "{html}");
        }
    }

    #[test]
    fn the_button_is_there_while_it_can_do_something() {
        for purpose in PURPOSES {
            let buttons: Vec<bool> = outcomes()
                .into_iter()
                .map(|outcome| link(purpose, Locale::En).answer(outcome).form.is_some())
                .collect();
            assert_eq!(buttons, [false, false, false, true, true, true, true, false]);
        }
    }

    #[test]
    fn a_password_that_was_refused_is_asked_for_again_and_not_repeated() {
        let page = link(ActionPurpose::ResetPassword, Locale::Es).answer(Err(Refusal::Password("too_short")));
        let html = page.html().unwrap();
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            html.contains(texts(Locale::Es).password_too_short) && html.contains("aria-invalid"),
            "{html}"
        );
        assert_eq!(html.matches("type=\"password\"").count(), 2);
        assert_eq!(html.matches(" value=").count(), 2, "of the token and of the language: {html}");
    }

    #[test]
    fn a_link_without_a_whole_token_gets_a_page_without_a_button() {
        for token in [String::new(), "x".repeat(2049)] {
            let page = Link { purpose: ActionPurpose::ConfirmAddress, token, locale: Locale::En }.question();
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(page.form.is_none());
        }
    }

    #[tokio::test]
    async fn a_page_is_sent_with_what_protects_it() {
        let refused = link(ActionPurpose::ConfirmAddress, Locale::PtBr).answer(outcomes().remove(5));
        let response = refused.into_response();
        for (name, value) in [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_LANGUAGE, "pt-BR"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CACHE_CONTROL, "no-store"),
            (header::RETRY_AFTER, "7"),
        ] {
            assert_eq!(response.headers()[&name], value, "{name}");
        }
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(!to_bytes(response.into_body(), 99_999).await.unwrap().is_empty());
    }
}
