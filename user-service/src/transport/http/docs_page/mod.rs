//! `/docs`: the API's description to read and to try out. Swagger UI is part of the program, so that it works offline.

mod file_name;

use std::borrow::Cow;
use std::sync::Arc;

use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use utoipa_swagger_ui::Config;

use self::file_name::FileName;
use super::problem::{Problem, ProblemType};

const START: &str = "start.js";
const FILES: [&str; 3] = ["swagger-ui-bundle.js", "swagger-ui.css", START];

/// Swagger UI styles its elements one by one, and has its icons in its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Read about this API
///
/// In a browser. Needs nothing from elsewhere.
#[utoipa::path(
    get, path = "/docs", tag = "service", operation_id = "getDocsPage",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")),
)]
pub(super) async fn index() -> impl IntoResponse {
    const HEADERS: [(HeaderName, &str); 2] =
        [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, POLICY)];
    (HEADERS, include_str!("index.html"))
}

/// A file of the page about this API
///
/// Style sheet and scripts.
#[utoipa::path(
    get, path = "/docs/{file}", tag = "service", operation_id = "getDocsFile",
    params(FileName),
    responses((
        status = 200, description = "The file.",
        content((String = "text/javascript"), (String = "text/css")),
    )),
)]
pub(super) async fn file(FileName(name): FileName) -> Result<Response, Problem> {
    let content_type = if name.ends_with(".css") { "text/css" } else { "text/javascript; charset=utf-8" };
    // The files are the same for as long as the program is.
    let headers = [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "max-age=3600")];
    let bytes = contents(name).ok_or_else(|| Problem::new(ProblemType::Internal, "the file is missing"))?;
    Ok((headers, bytes).into_response())
}

fn contents(name: &str) -> Option<Cow<'static, [u8]>> {
    if name == START {
        return Some(Cow::Borrowed(include_bytes!("start.js")));
    }
    utoipa_swagger_ui::serve(name, Arc::new(Config::default())).ok()?.map(|file| file.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_page_is_there() {
        for file in FILES {
            assert!(contents(file).is_some_and(|bytes| !bytes.is_empty()), "{file}");
            assert!(include_str!("index.html").contains(&format!("\"docs/{file}\"")), "{file}");
        }
    }
}
