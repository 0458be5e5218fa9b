//! The page, and what it shows in a frame: a mail's own HTML.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::api;
use super::message::Content;
use super::store::Mailbox;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; \
    connect-src 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// For what a stranger wrote: no script, nothing from the network, no origin, no form. It may look as it likes, and
/// its links open in a new tab when somebody clicks them, for that is what most mails here are for.
const MAIL_POLICY: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; \
    style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'";

pub(super) fn routes() -> Router<Mailbox> {
    Router::new()
        .route("/", get(page))
        .route("/page.css", get(async || asset("text/css; charset=utf-8", STYLE)))
        .route("/page.js", get(async || asset("text/javascript; charset=utf-8", SCRIPT)))
        .route("/view/{mail}", get(view))
}

async fn page() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, PAGE).into_response()
}

fn asset(content_type: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "no-cache")], text).into_response()
}

/// `{ID}` is the page, which finds the mail by its own address; `{ID}.html` and `{ID}.txt` are the mail.
async fn view(State(mailbox): State<Mailbox>, Path(name): Path<String>) -> Response {
    let (id, html) = match name.rsplit_once('.') {
        Some((id, "html")) => (id, true),
        Some((id, "txt")) => (id, false),
        _ => return page().await,
    };
    let Some(mail) = mailbox.open(api::which(id)) else { return api::not_found() };
    let content = Content::of(&mail.raw, &mail.envelope);
    let (content_type, body) = if html {
        ("text/html; charset=utf-8", with_links_in_new_tabs(content.html))
    } else {
        ("text/plain; charset=utf-8", content.text)
    };
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, MAIL_POLICY),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, body).into_response()
}

/// Puts a `base` element into the head: a link that opened in the frame would be blocked there.
fn with_links_in_new_tabs(mut html: String) -> String {
    let lower = html.to_ascii_lowercase();
    let end_of = |tag: &str| lower.find(tag).and_then(|at| Some(at + lower.get(at..)?.find('>')? + 1));
    let at = end_of("<head>").or_else(|| end_of("<head ")).or_else(|| end_of("<!doctype")).unwrap_or(0);
    html.insert_str(at, "<base target=\"_blank\">");
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_element_goes_into_the_head_and_never_before_the_doctype() {
        for (html, expected) in [
            (
                "<!DOCTYPE html><html><HEAD><title>é",
                "<!DOCTYPE html><html><HEAD><base target=\"_blank\"><title>é",
            ),
            ("<head lang=\"en\"><p>", "<head lang=\"en\"><base target=\"_blank\"><p>"),
            ("<!doctype html><p>x", "<!doctype html><base target=\"_blank\"><p>x"),
            ("<header>x", "<base target=\"_blank\"><header>x"),
            ("", "<base target=\"_blank\">"),
        ] {
            assert_eq!(with_links_in_new_tabs(html.to_owned()), expected);
        }
    }
}
