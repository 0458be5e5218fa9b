//! The part of Mailpit's JSON API, version 1, that checks need.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::message::{self, Content, Summary};
use super::store::{Entry, Mail, Mailbox, Which};

const DEFAULT_LIMIT: usize = 50;

pub(super) fn routes() -> Router<Mailbox> {
    Router::new()
        .route("/api/v1/messages", get(list).delete(delete))
        .route("/api/v1/message/{id}", get(open))
        .route("/api/v1/message/{id}/raw", get(raw))
        .route("/api/v1/message/{id}/headers", get(headers))
}

#[derive(Deserialize)]
struct Range {
    start: Option<usize>,
    limit: Option<usize>,
}

#[derive(Serialize)]
struct Messages<'a> {
    total: usize,
    unread: usize,
    count: usize,
    messages_count: usize,
    messages_unread: usize,
    start: usize,
    tags: [String; 0],
    messages: Vec<ListedMessage<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListedMessage<'a> {
    #[serde(rename = "ID")]
    id: &'a str,
    read: bool,
    #[serde(flatten)]
    summary: &'a Summary,
    created: String,
    username: &'a str,
    tags: [String; 0],
    size: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct OpenedMessage<'a> {
    #[serde(rename = "ID")]
    id: &'a str,
    #[serde(flatten)]
    content: &'a Content,
    date: String,
    tags: [String; 0],
    username: &'a str,
    size: usize,
}

/// Answers 304 to a caller whose `If-None-Match` says that it has this list already, which makes polling cheap.
async fn list(State(mailbox): State<Mailbox>, Query(range): Query<Range>, headers: HeaderMap) -> Response {
    // Before the list is read: a change between the two is then told once more rather than never.
    let revision = format!("\"{}\"", mailbox.revision());
    let caching = [(header::ETAG, revision.as_str()), (header::CACHE_CONTROL, "no-cache")];
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|tag| tag.trim() == revision)) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let start = range.start.unwrap_or(0);
    let page = mailbox.page(start, range.limit.unwrap_or(DEFAULT_LIMIT));
    let messages = Messages {
        total: page.total,
        unread: page.unread,
        count: page.entries.len(),
        messages_count: page.total,
        messages_unread: page.unread,
        start,
        tags: [],
        messages: page.entries.iter().map(listed).collect(),
    };
    (caching, Json(messages)).into_response()
}

fn listed(Entry { mail, read }: &Entry) -> ListedMessage<'_> {
    ListedMessage {
        id: &mail.id,
        read: *read,
        summary: &mail.summary,
        created: rfc3339(mail.received),
        username: "",
        tags: [],
        size: mail.raw.len(),
    }
}

async fn open(State(mailbox): State<Mailbox>, Path(id): Path<String>) -> Response {
    let Some(mail) = mailbox.open(which(&id)) else { return not_found() };
    let Mail { id, received, envelope, raw, .. } = mail.as_ref();
    let content = Content::of(raw, envelope);
    let date = content.date.clone().unwrap_or_else(|| rfc3339(*received));
    let message = OpenedMessage { id, content: &content, date, tags: [], username: "", size: raw.len() };
    ([(header::CACHE_CONTROL, "no-store")], Json(message)).into_response()
}

async fn raw(State(mailbox): State<Mailbox>, Path(id): Path<String>) -> Response {
    match mailbox.find(which(&id)) {
        Some(mail) => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], mail.raw.clone()).into_response()
        }
        None => not_found(),
    }
}

async fn headers(State(mailbox): State<Mailbox>, Path(id): Path<String>) -> Response {
    match mailbox.find(which(&id)) {
        Some(mail) => Json(message::headers(&mail.raw)).into_response(),
        None => not_found(),
    }
}

#[derive(Default, Deserialize)]
struct Deletion {
    #[serde(rename = "IDs", default)]
    ids: Vec<String>,
}

/// Without ids, deletes all. A body that is no JSON deletes nothing: unlike Mailpit, which then deletes all.
async fn delete(State(mailbox): State<Mailbox>, body: Bytes) -> Response {
    let deletion = if body.is_empty() { Ok(Deletion::default()) } else { serde_json::from_slice(&body) };
    match deletion {
        Ok(Deletion { ids }) if ids.is_empty() => mailbox.delete_all(),
        Ok(Deletion { ids }) => mailbox.delete(&ids),
        Err(error) => {
            let message = format!("The body must be empty or {{\"IDs\": [\"…\"]}}: {error}\n");
            return (StatusCode::BAD_REQUEST, message).into_response();
        }
    }
    "ok".into_response()
}

pub(super) fn which(id: &str) -> Which<'_> {
    if id == "latest" { Which::Latest } else { Which::Id(id) }
}

pub(super) fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "No such message. It may have been deleted, or dropped for newer ones.\n")
        .into_response()
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
