use std::sync::LazyLock;

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};

use crate::transport::http::problem::Problem;

static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    pages.set_undefined_behavior(UndefinedBehavior::Strict);
    pages.set_auto_escape_callback(|_| AutoEscape::Html);
    for (name, source) in [
        ("layout.html", include_str!("../../../../pages/layout.html")),
        ("login.html", include_str!("../../../../pages/login.html")),
        ("mails.html", include_str!("../../../../pages/mails.html")),
        ("mail.html", include_str!("../../../../pages/mail.html")),
        ("redrive.html", include_str!("../../../../pages/redrive.html")),
        ("letters.html", include_str!("../../../../pages/letters.html")),
        ("letters-redrive.html", include_str!("../../../../pages/letters-redrive.html")),
        ("refusal.html", include_str!("../../../../pages/refusal.html")),
    ] {
        pages.add_template(name, source).expect("the pages are part of the program, and tests show each");
    }
    pages
});

/// A page, filled in.
pub(super) fn page(name: &str, facts: Value) -> Response {
    let rendered = PAGES.get_template(name).and_then(|template| template.render(facts));
    match rendered {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, name, "a page cannot be shown");
            (StatusCode::INTERNAL_SERVER_ERROR, "The page cannot be shown.\n").into_response()
        }
    }
}

/// A refusal, for people.
pub(super) fn refusal(problem: &Problem) -> Response {
    let title = problem.status.canonical_reason().unwrap_or("Refused");
    let mut response =
        page("refusal.html", context! { title, detail => problem.detail.as_str(), logged_in => true });
    *response.status_mut() = problem.status;
    response
}
