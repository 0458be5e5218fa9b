use axum::Form;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::value::Serde;
use minijinja::{Value, context};

use super::render::{page, refusal};
use crate::entities::{MailState, NotificationKind};
use crate::transport::http::problem::Problem;
use crate::transport::http::requests::{FilterRequest, ListRequest, RedriveBody, mail_id};
use crate::transport::http::responses::{
    CountsResponse, MailHistoryResponse, MailPageResponse, RedrivenResponse,
};
use crate::transport::http::state::Shared;

/// Mails on one page.
const PER_PAGE: u32 = 50;

pub(super) async fn list(
    State(operator): State<Shared>,
    query: Result<Query<ListRequest>, QueryRejection>,
) -> Response {
    shown(async || {
        let Query(request) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
        let (filter, cursor, _) = request.parts();
        let counts: CountsResponse = operator.inspect.count().await?.into();
        let mails: MailPageResponse =
            operator.inspect.list(&filter.filter()?, cursor, PER_PAGE).await?.into();
        let facts = context! {
            title => "Mails", counts => Serde(counts), mails => Serde(mails), states => MailState::ALL.map(MailState::as_str),
            kinds => NotificationKind::ALL.map(NotificationKind::as_str), ..filter_facts(&filter)
        };
        Ok(page("mails.html", facts))
    })
    .await
}

pub(super) async fn show(State(operator): State<Shared>, Path(id): Path<String>) -> Response {
    shown(async || {
        let history: MailHistoryResponse = operator.inspect.show(mail_id(&id)?).await?.into();
        let MailHistoryResponse { mail, attempt_log } = history;
        Ok(page("mail.html", context! { title => "Mail", mail => Serde(mail), attempt_log => Serde(attempt_log), logged_in => true }))
    })
    .await
}

pub(super) async fn resend(State(operator): State<Shared>, Path(id): Path<String>) -> Response {
    shown(async || {
        let entry = operator.resend.execute(mail_id(&id)?).await?;
        tracing::info!(id = %entry.id, "an operator resends a mail");
        Ok(Redirect::to(&format!("/mails/{}", entry.id)).into_response())
    })
    .await
}

pub(super) async fn cancel(State(operator): State<Shared>, Path(id): Path<String>) -> Response {
    shown(async || {
        let entry = operator.cancel.execute(mail_id(&id)?).await?;
        tracing::info!(id = %entry.id, "an operator cancelled a mail");
        Ok(Redirect::to(&format!("/mails/{}", entry.id)).into_response())
    })
    .await
}

/// Shows what a redrive would do.
pub(super) async fn try_redrive(
    State(operator): State<Shared>,
    query: Result<Query<FilterRequest>, QueryRejection>,
) -> Response {
    shown(async || {
        let Query(filter) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
        redriven(&operator, filter, true).await
    })
    .await
}

pub(super) async fn redrive(
    State(operator): State<Shared>,
    form: Result<Form<FilterRequest>, FormRejection>,
) -> Response {
    shown(async || {
        let Form(filter) = form.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
        redriven(&operator, filter, false).await
    })
    .await
}

pub(super) async fn no_such_page(uri: Uri) -> Response {
    refusal(&Problem::new(StatusCode::NOT_FOUND, format!("there is no page {}", uri.path())))
}

async fn redriven(operator: &Shared, filter: FilterRequest, dry_run: bool) -> Result<Response, Problem> {
    let request = RedriveBody::of_filter(filter.clone(), dry_run).request()?;
    let done = operator.redrive.execute(&request).await?;
    if !dry_run {
        tracing::info!(mails = done.requeued.len(), "an operator redrove mails");
    }
    let facts = context! {
        title => "Redrive", done => Serde(RedrivenResponse::new(done, dry_run)), dry_run,
        limit => request.limit, per_second => request.per_second.get(),
        requeued_less_than => request.filter.requeued_less_than, ..filter_facts(&filter)
    };
    Ok(page("redrive.html", facts))
}

fn filter_facts(filter: &FilterRequest) -> Value {
    context! { filter => Serde(filter), logged_in => true }
}

pub(super) async fn shown(work: impl AsyncFnOnce() -> Result<Response, Problem>) -> Response {
    work().await.unwrap_or_else(|problem| refusal(&problem))
}
