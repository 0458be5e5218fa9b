//! The pages of what lies on the dead-letter topic.

use axum::Form;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;

use super::handlers::shown;
use super::render::page;
use crate::transport::http::letter_requests::{LetterFilterRequest, LetterRedriveBody};
use crate::transport::http::letter_responses::{LetterPageResponse, RedrivenLettersResponse};
use crate::transport::http::problem::Problem;
use crate::transport::http::state::Shared;

/// Letters on the page; the counts are of all.
const SHOWN: u32 = 200;

pub(super) async fn list(
    State(operator): State<Shared>,
    query: Result<Query<LetterFilterRequest>, QueryRejection>,
) -> Response {
    shown(async || {
        let Query(filter) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
        let letters: LetterPageResponse =
            operator.letters.list.execute(&filter.filter()?, SHOWN).await?.into();
        let facts = context! {
            title => "Dead letters", letters => Serde(letters), filter => Serde(filter), logged_in => true
        };
        Ok(page("letters.html", facts))
    })
    .await
}

/// Shows what a redrive would do.
pub(super) async fn try_redrive(
    State(operator): State<Shared>,
    query: Result<Query<LetterFilterRequest>, QueryRejection>,
) -> Response {
    shown(async || {
        let Query(filter) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
        redriven(&operator, filter, true).await
    })
    .await
}

pub(super) async fn redrive(
    State(operator): State<Shared>,
    form: Result<Form<LetterFilterRequest>, FormRejection>,
) -> Response {
    shown(async || {
        let Form(filter) = form.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
        redriven(&operator, filter, false).await
    })
    .await
}

async fn redriven(
    operator: &Shared,
    filter: LetterFilterRequest,
    dry_run: bool,
) -> Result<Response, Problem> {
    let request = LetterRedriveBody::of_filter(filter.clone(), dry_run).request()?;
    let done = operator.letters.redrive.execute(&request).await?;
    if !dry_run {
        tracing::info!(letters = done.recorded.len(), "an operator redrove dead letters");
    }
    let facts = context! {
        title => "Redrive of dead letters", done => Serde(RedrivenLettersResponse::new(done, dry_run)), dry_run,
        limit => request.limit, per_second => request.per_second.get(), filter => Serde(filter), logged_in => true
    };
    Ok(page("letters-redrive.html", facts))
}
