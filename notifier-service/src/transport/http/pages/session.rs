use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use serde::Deserialize;

use super::render::{page, refusal};
use crate::transport::http::problem::Problem;
use crate::transport::http::state::Shared;

const COOKIE: &str = "inf-user-operator";
/// A working day.
const LIFETIME_SECONDS: u32 = 10 * 60 * 60;

#[derive(Deserialize)]
pub(super) struct LoginForm {
    token: String,
}

/// Lets in who has the session's cookie; sends others to the login. What changes something must also come from a page of
/// this very server: other pages of the same machine, such as a mailbox with a stranger's mail, are the same site to a
/// browser.
pub(super) async fn logged_in(
    State(operator): State<Shared>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    if !session_of(&headers).is_some_and(|session| operator.token.is_session(session)) {
        return Redirect::to("/login").into_response();
    }
    if request.method() != Method::GET && !is_from_here(&headers) {
        return refusal(&Problem::new(
            StatusCode::FORBIDDEN,
            "this was not asked for by a page of this server",
        ));
    }
    next.run(request).await
}

pub(super) async fn ask() -> Response {
    login(false)
}

pub(super) async fn log_in(
    State(operator): State<Shared>,
    form: Result<Form<LoginForm>, FormRejection>,
) -> Response {
    match form {
        Ok(Form(form)) if operator.token.is(form.token.trim()) => {
            let cookie = cookie(&operator.token.session(), LIFETIME_SECONDS);
            ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
        }
        _ => {
            let mut response = login(true);
            *response.status_mut() = StatusCode::FORBIDDEN;
            response
        }
    }
}

pub(super) async fn log_out() -> Response {
    ([(header::SET_COOKIE, cookie("", 0))], Redirect::to("/login")).into_response()
}

fn login(is_wrong: bool) -> Response {
    page("login.html", context! { title => "Log in", is_wrong, logged_in => false })
}

fn cookie(value: &str, seconds: u32) -> String {
    format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict")
}

fn session_of(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs =
        cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

/// By the origin that browsers give with every form.
fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |value: Option<&HeaderValue>| value.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let origin = text(headers.get(header::ORIGIN));
    let host = text(headers.get(header::HOST));
    let of_origin = origin.as_deref().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    of_origin.is_some() && of_origin == host.as_deref()
}
