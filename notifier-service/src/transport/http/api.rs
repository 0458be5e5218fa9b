//! The calls of programs, under `/api`, with the token as `Authorization: Bearer`.

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};

use super::letter_requests::{LetterListRequest, LetterRedriveBody};
use super::letter_responses::{LetterPageResponse, RedrivenLettersResponse};
use super::problem::Problem;
use super::requests::{ListRequest, RedriveBody, mail_id};
use super::responses::{
    CountsResponse, MailHistoryResponse, MailPageResponse, MailResponse, RedrivenResponse,
};
use super::state::Shared;

pub(super) fn router(operator: Shared) -> Router {
    Router::new()
        .route("/counts", get(counts))
        .route("/mails", get(list))
        .route("/mails/redrive", post(redrive))
        .route("/mails/{id}", get(show))
        .route("/mails/{id}/resend", post(resend))
        .route("/mails/{id}/cancel", post(cancel))
        .route("/dead-letters", get(list_letters))
        .route("/dead-letters/redrive", post(redrive_letters))
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(operator.clone(), authenticated))
        .with_state(operator)
}

async fn authenticated(
    State(operator): State<Shared>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = given
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match token {
        Some((_, token)) if operator.token.is(token) => Ok(next.run(request).await),
        _ => Err(Problem::new(StatusCode::UNAUTHORIZED, "the operator's token is asked for")),
    }
}

async fn counts(State(operator): State<Shared>) -> Result<Json<CountsResponse>, Problem> {
    Ok(Json(operator.inspect.count().await?.into()))
}

async fn list(
    State(operator): State<Shared>,
    query: Result<Query<ListRequest>, QueryRejection>,
) -> Result<Json<MailPageResponse>, Problem> {
    let Query(request) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let (filter, cursor, limit) = request.parts();
    Ok(Json(operator.inspect.list(&filter.filter()?, cursor, limit).await?.into()))
}

async fn show(
    State(operator): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<MailHistoryResponse>, Problem> {
    Ok(Json(operator.inspect.show(mail_id(&id)?).await?.into()))
}

async fn resend(
    State(operator): State<Shared>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<MailResponse>), Problem> {
    let entry = operator.resend.execute(mail_id(&id)?).await?;
    tracing::info!(id = %entry.id, "an operator resends a mail");
    Ok((StatusCode::ACCEPTED, Json(entry.into())))
}

async fn cancel(
    State(operator): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<MailResponse>, Problem> {
    let entry = operator.cancel.execute(mail_id(&id)?).await?;
    tracing::info!(id = %entry.id, "an operator cancelled a mail");
    Ok(Json(entry.into()))
}

async fn redrive(
    State(operator): State<Shared>,
    body: Result<Json<RedriveBody>, JsonRejection>,
) -> Result<Json<RedrivenResponse>, Problem> {
    let Json(body) = body.map_err(|rejection| Problem::new(rejection.status(), rejection.body_text()))?;
    let dry_run = body.dry_run;
    let done = operator.redrive.execute(&body.request()?).await?;
    if !dry_run {
        tracing::info!(mails = done.requeued.len(), "an operator redrove mails");
    }
    Ok(Json(RedrivenResponse::new(done, dry_run)))
}

async fn list_letters(
    State(operator): State<Shared>,
    query: Result<Query<LetterListRequest>, QueryRejection>,
) -> Result<Json<LetterPageResponse>, Problem> {
    let Query(request) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let (filter, limit) = request.parts()?;
    Ok(Json(operator.letters.list.execute(&filter.filter()?, limit).await?.into()))
}

async fn redrive_letters(
    State(operator): State<Shared>,
    body: Result<Json<LetterRedriveBody>, JsonRejection>,
) -> Result<Json<RedrivenLettersResponse>, Problem> {
    let Json(body) = body.map_err(|rejection| Problem::new(rejection.status(), rejection.body_text()))?;
    let dry_run = body.dry_run;
    let done = operator.letters.redrive.execute(&body.request()?).await?;
    if !dry_run {
        tracing::info!(letters = done.recorded.len(), "an operator redrove dead letters");
    }
    Ok(Json(RedrivenLettersResponse::new(done, dry_run)))
}

async fn no_such_route(uri: Uri) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("no call has the path {}", uri.path()))
}

async fn no_such_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "the path has no such method")
}
