//! The REST API over a real socket, wired as the program wires it, on SQLite.

use std::sync::Arc;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::support::api::{self, Answer, JSON, MERGE_PATCH, PASSWORD, Person};

const MISSING: &str = "01900000-0000-7000-8000-000000000000";

/// The service as an admin sees it, who may do everything.
struct Api {
    service: Arc<api::Api>,
    admin: Person,
}

/// Runs a test against the service on a database of its own.
async fn with_api<Fut>(test: impl FnOnce(Arc<Api>) -> Fut + Send + 'static)
where
    Fut: Future<Output = ()> + Send + 'static,
{
    api::with_api(async |service: Arc<api::Api>| {
        let admin = service.admin("root").await;
        test(Arc::new(Api { service, admin })).await;
    })
    .await;
}

impl Api {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.service.request_of(&self.admin, method, path)
    }

    async fn send(&self, request: RequestBuilder) -> Answer {
        self.service.send(request).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    async fn with_body(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        self.send(self.request(method, path).header("content-type", content_type).body(body)).await
    }

    async fn register(&self, body: &Value) -> Answer {
        self.with_body(Method::POST, "/users", JSON, body.to_string()).await
    }

    async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.with_body(Method::PATCH, path, MERGE_PATCH, body.to_string()).await
    }

    /// A registered person's path.
    async fn registered(&self, name: &str) -> String {
        self.registered_as(
            &json!({"username": name, "email": format!("{name}@example.org"), "password": PASSWORD}),
        )
        .await
    }

    async fn registered_as(&self, body: &Value) -> String {
        let answer = self.register(body).await;
        answer.expect(StatusCode::CREATED);
        answer.header("location").to_owned()
    }

    /// How many rows `users` and `outbox` have beside the admin's.
    async fn counts(&self) -> (usize, usize) {
        let (users, events) = self.service.database.counts().await;
        (users - 1, events - 1)
    }

    /// All that the tables hold.
    async fn stored(&self) -> Vec<String> {
        let users = "SELECT concat_ws('|', hex(id), username, email, pendingEmail, password, fullName, dateOfBirth, \
                     address, status, locale, version, securityVersion, lastUpdated, hex(lastEventId)) FROM users ORDER BY id";
        let outbox =
            "SELECT concat_ws('|', seq, hex(id), eventType, payload, traceparent) FROM outbox ORDER BY seq";
        let database = &self.service.database;
        [database.texts(users).await, database.texts(outbox).await].concat()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registered_user_is_answered_with_its_place_and_version() {
    with_api(async |api: Arc<Api>| {
        let answer = api
            .register(&json!({
                "username": "ada", "email": "Ada@Example.org", "password": PASSWORD, "fullName": " Ada 🦀 ",
                "dateOfBirth": "1990-02-28", "address": "1 Lane", "locale": "pt-BR",
            }))
            .await;
        let created = answer.expect(StatusCode::CREATED);
        assert_eq!(answer.header("etag"), "\"1\"");
        assert_eq!(answer.header("content-type"), JSON);
        let path = format!("/users/{}", created["id"].as_str().unwrap());
        assert_eq!(answer.header("location"), path);
        for (field, value) in [
            ("username", json!("ada")),
            ("email", json!("Ada@Example.org")),
            ("pendingEmail", Value::Null),
            ("fullName", json!("Ada 🦀")),
            ("dateOfBirth", json!("1990-02-28")),
            ("address", json!("1 Lane")),
            ("status", json!("Unconfirmed")),
            ("locale", json!("pt-BR")),
            ("role", json!("user")),
        ] {
            assert_eq!(created[field], value, "{field}");
        }
        assert_eq!(created["createdAt"], created["lastUpdated"]);
        let mut names: Vec<_> = created.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "address",
                "createdAt",
                "dateOfBirth",
                "email",
                "fullName",
                "id",
                "lastUpdated",
                "locale",
                "pendingEmail",
                "role",
                "status",
                "username"
            ]
        );

        let found = api.get(&path).await;
        assert_eq!(found.expect(StatusCode::OK), created);
        assert_eq!(found.header("etag"), "\"1\"");
        assert_eq!(api.counts().await, (1, 1));
        let hash = api.service.database.texts("SELECT password FROM users ORDER BY id DESC").await;
        assert!(hash[0].starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_goes_on_where_the_cursor_says() {
    with_api(async |api: Arc<Api>| {
        for n in 0..24 {
            api.registered(&format!("user{n}")).await;
        }
        let (mut seen, mut path) = (Vec::new(), "/users?limit=10".to_owned());
        for size in [10, 10, 5] {
            let answer = api.get(&path).await;
            let page = answer.expect(StatusCode::OK);
            let items = page["items"].as_array().unwrap();
            assert_eq!(items.len(), size);
            seen.extend(items.iter().map(|item| item["username"].as_str().unwrap().to_owned()));
            let next = page["nextCursor"].as_str().unwrap_or_default();
            path = format!("/users?limit=10&cursor={next}");
            let link = answer.header("link");
            assert_eq!(link.is_empty(), next.is_empty(), "{link}");
            if !link.is_empty() {
                let target = link.strip_prefix('<').and_then(|rest| rest.strip_suffix(">; rel=\"next\""));
                let followed = api.get(target.unwrap()).await;
                assert_eq!(followed.text, api.get(&path).await.text, "{link}");
            }
        }
        assert_eq!(path, "/users?limit=10&cursor=", "the last page has no next");
        let expected: Vec<_> =
            std::iter::once("root".to_owned()).chain((0..24).map(|n| format!("user{n}"))).collect();
        assert_eq!(seen, expected);
        let page = api.get("/users").await.expect(StatusCode::OK);
        assert_eq!(page["items"].as_array().unwrap().len(), 20);
        let page = api.get("/users?limit=25").await.expect(StatusCode::OK);
        assert_eq!((page["items"].as_array().unwrap().len(), &page["nextCursor"]), (25, &Value::Null));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_holds_what_fits_the_filters_and_its_link_keeps_them() {
    with_api(async |api: Arc<Api>| {
        for name in ["ada", "bob", "eve"] {
            api.registered(name).await;
        }
        for (query, names) in [
            ("username=ADA", &["ada"][..]),
            ("username=ad", &[]),
            ("email=Bob%40Example.org", &["bob"]),
            ("status=Unconfirmed", &["ada", "bob", "eve"]),
            ("status=Confirmed", &["root"]),
            ("status=Confirmed&username=ada", &[]),
            ("status=Unconfirmed&email=eve%40example.org&username=eve", &["eve"]),
        ] {
            let page = api.get(&format!("/users?{query}")).await.expect(StatusCode::OK);
            let found: Vec<_> =
                page["items"].as_array().unwrap().iter().map(|it| it["username"].as_str().unwrap()).collect();
            assert_eq!(found, names, "{query}");
        }
        let first = api.get("/users?status=Unconfirmed&limit=2").await;
        let link = first.header("link").to_owned();
        let target = link.trim_start_matches('<').split('>').next().unwrap();
        assert!(target.contains("status=Unconfirmed"), "{link}");
        let second = api.get(target).await.expect(StatusCode::OK);
        assert_eq!(second["items"][0]["username"], "eve");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn put_sets_everything_and_clears_what_is_left_out() {
    with_api(async |api: Arc<Api>| {
        let path = api
            .registered_as(&json!({
                "username": "ada", "email": "ada@example.org", "password": PASSWORD, "fullName": "Ada",
                "dateOfBirth": "1990-02-28", "address": "1 Lane", "locale": "es",
            }))
            .await;
        let body = json!({"username": "countess", "email": "new@example.org", "fullName": "Ada L."});
        let answer = api.with_body(Method::PUT, &path, JSON, body.to_string()).await;
        let user = answer.expect(StatusCode::OK);
        assert_eq!(answer.header("etag"), "\"2\"");
        assert_eq!(
            (&user["username"], &user["email"], &user["fullName"]),
            (&json!("countess"), &json!("new@example.org"), &json!("Ada L."))
        );
        assert_eq!(
            (&user["dateOfBirth"], &user["address"], &user["locale"]),
            (&Value::Null, &Value::Null, &json!("es")),
            "the language, which nobody can be without, stays"
        );
        assert_eq!(api.get(&path).await.json(), user);

        // The same again changes nothing and tells nobody.
        let before = api.stored().await;
        let answer = api.with_body(Method::PUT, &path, JSON, body.to_string()).await;
        assert_eq!((answer.expect(StatusCode::OK), answer.header("etag")), (user, "\"2\""));
        assert_eq!(api.stored().await, before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patch_keeps_what_is_absent_and_clears_what_is_null() {
    with_api(async |api: Arc<Api>| {
        let path = api
            .registered_as(&json!({
                "username": "ada", "email": "ada@example.org", "password": PASSWORD, "fullName": "Ada",
                "dateOfBirth": "1990-02-28", "address": "1 Lane", "locale": "es",
            }))
            .await;
        let mut expected = api.get(&path).await.json();
        for (version, patch) in (2..).zip([
            json!({"fullName": null}),
            json!({"dateOfBirth": null, "address": "2 Lane"}),
            json!({"fullName": "Ada L.", "locale": "en"}),
            json!({"username": "ADA", "email": "ADA@example.org", "address": null}),
        ]) {
            let answer = api.patch(&path, &patch).await;
            let user = answer.expect(StatusCode::OK);
            assert_eq!(answer.header("etag"), format!("\"{version}\""), "{patch}");
            for (field, value) in patch.as_object().unwrap() {
                expected[field] = value.clone();
            }
            expected["lastUpdated"] = user["lastUpdated"].clone();
            assert_eq!(user, expected, "{patch}");
            assert_eq!(api.get(&path).await.json(), expected, "{patch}");
        }
        let before = api.stored().await;
        let answer = api.with_body(Method::PATCH, &path, JSON, "{}").await;
        assert_eq!((answer.expect(StatusCode::OK), answer.header("etag")), (expected, "\"5\""));
        assert_eq!(api.stored().await, before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_user_is_gone() {
    with_api(async |api: Arc<Api>| {
        let path = api.registered("ada").await;
        let answer = api.send(api.request(Method::DELETE, &path)).await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
        let before = api.stored().await;
        for (method, body) in [(Method::GET, None), (Method::DELETE, None), (Method::PATCH, Some("{}"))] {
            let mut request = api.request(method.clone(), &path);
            if let Some(body) = body {
                request = request.header("content-type", JSON).body(body);
            }
            let problem = api.send(request).await.expect(StatusCode::NOT_FOUND);
            assert_eq!(problem["type"], "/problems/no-such-user", "{method}");
        }
        assert_eq!(api.stored().await, before);
        assert_eq!(api.counts().await, (0, 2));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn if_match_lets_only_the_version_through_that_the_client_saw() {
    with_api(async |api: Arc<Api>| {
        let path = api.registered("ada").await;
        let before = api.stored().await;
        let put = json!({"username": "ada", "email": "ada@example.org", "fullName": "Ada"}).to_string();
        let patch = json!({"fullName": "Ada"}).to_string();
        for (method, body) in [(Method::PUT, &*put), (Method::PATCH, &*patch), (Method::DELETE, "")] {
            for (if_match, status, problem) in [
                ("\"2\"", StatusCode::PRECONDITION_FAILED, "/problems/stale-version"),
                ("\"0\"", StatusCode::PRECONDITION_FAILED, "/problems/stale-version"),
                ("1", StatusCode::BAD_REQUEST, "/problems/invalid-request"),
                ("\"x\"", StatusCode::BAD_REQUEST, "/problems/invalid-request"),
                ("W/\"1\"", StatusCode::BAD_REQUEST, "/problems/invalid-request"),
            ] {
                let request = api.request(method.clone(), &path).header("if-match", if_match);
                let answer = api.send(request.header("content-type", JSON).body(body.to_owned())).await;
                assert_eq!(answer.header("content-type"), "application/problem+json");
                assert_eq!(answer.expect(status)["type"], problem, "{method} {if_match}");
            }
        }
        let twice =
            api.request(Method::DELETE, &path).header("if-match", "\"1\"").header("if-match", "\"2\"");
        assert_eq!(api.send(twice).await.status, 400);
        assert_eq!(api.stored().await, before);

        for (if_match, etag) in [("\"1\"", "\"2\""), ("*", "\"3\"")] {
            let body = json!({"fullName": etag}).to_string();
            let request = api.request(Method::PATCH, &path).header("if-match", if_match);
            let answer = api.send(request.header("content-type", MERGE_PATCH).body(body)).await;
            answer.expect(StatusCode::OK);
            assert_eq!(answer.header("etag"), etag);
        }
        let answer = api.send(api.request(Method::DELETE, &path).header("if-match", "\"3\"")).await;
        assert_eq!(answer.status, 204);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_callers_trace_context_goes_with_the_event() {
    with_api(async |api: Arc<Api>| {
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let body = json!({"username": "ada", "email": "ada@example.org", "password": PASSWORD}).to_string();
        let request =
            api.request(Method::POST, "/users").header("content-type", JSON).header("traceparent", trace);
        api.send(request.body(body)).await.expect(StatusCode::CREATED);
        assert_eq!(
            api.service.database.texts("SELECT traceparent FROM outbox WHERE traceparent IS NOT NULL").await,
            [trace]
        );
        // A refusal says which trace it belongs to; one begins where the caller has none.
        for (given, told) in [(Some(trace), Some("0af7651916cd43dd8448eb211c80319c")), (None, None)] {
            let mut request = api.request(Method::GET, "/nowhere");
            if let Some(trace) = given {
                request = request.header("traceparent", trace);
            }
            let problem = api.send(request).await.expect_problem(404, "no-such-route");
            let id = problem["traceId"].as_str().unwrap();
            assert!(id.len() == 32 && told.is_none_or(|told| told == id), "{problem}");
        }
    })
    .await;
}

/// A call that must be refused.
struct Bad {
    name: &'static str,
    call: (Method, String),
    content_type: &'static str,
    body: String,
    status: u16,
    problem: &'static str,
    /// The fields that the answer must name, each with the code that says why.
    fields: Vec<(&'static str, &'static str)>,
}

const UNREADABLE: (u16, &str) = (400, "/problems/invalid-request");
const TOO_LARGE: (u16, &str) = (413, "/problems/body-too-large");
const WRONG_TYPE: (u16, &str) = (415, "/problems/unsupported-media-type");
const INVALID: (u16, &str) = (422, "/problems/invalid-fields");
const TAKEN: (u16, &str) = (409, "/problems/already-taken");
const NO_USER: (u16, &str) = (404, "/problems/no-such-user");
const NO_ROUTE: (u16, &str) = (404, "/problems/no-such-route");
const NO_METHOD: (u16, &str) = (405, "/problems/method-not-allowed");

type Fields<'a> = &'a [(&'static str, &'static str)];

#[expect(clippy::needless_pass_by_value, reason = "the tables of cases are easier to read so")]
fn bad(
    name: &'static str,
    (method, path): (Method, &str),
    content_type: &'static str,
    body: impl ToString,
    (status, problem): (u16, &'static str),
    fields: Fields<'_>,
) -> Bad {
    let (call, body, fields) = ((method, path.to_owned()), body.to_string(), fields.to_vec());
    Bad { name, call, content_type, body, status, problem, fields }
}

/// A registration in which one field is replaced; `null` in `value` leaves it null.
fn registration_with(field: &str, value: Value) -> String {
    let mut body = json!({"username": "new", "email": "new@example.org", "password": PASSWORD});
    body[field] = value;
    body.to_string()
}

fn registration_without(field: &str) -> String {
    let mut body = json!({"username": "new", "email": "new@example.org", "password": PASSWORD});
    body.as_object_mut().unwrap().remove(field);
    body.to_string()
}

fn bodies_that_cannot_be_read(post: &(Method, &str)) -> Vec<Bad> {
    let whole = registration_with("fullName", Value::Null);
    let mut cases: Vec<_> = [
        ("no body", String::new()),
        ("no JSON", "username=new".to_owned()),
        ("cut off", whole[..whole.len() - 1].to_owned()),
        ("an array", "[\"new\",\"new@example.org\",\"correct horse battery\"]".to_owned()),
        ("a string", "\"new\"".to_owned()),
        ("null", "null".to_owned()),
        ("more than one object", format!("{whole}{whole}")),
        ("a raw control character", format!("{{\"username\":\"{}\"}}", '\u{1}')),
        ("a lone surrogate", "{\"username\":\"\\ud800\"}".to_owned()),
    ]
    .into_iter()
    .map(|(name, body)| bad(name, post.clone(), JSON, body, UNREADABLE, &[]))
    .collect();
    let padded = |bytes: usize| format!("{whole}{}", " ".repeat(bytes - whole.len()));
    cases.push(bad("one byte too large", post.clone(), JSON, padded(64 * 1024 + 1), TOO_LARGE, &[]));
    for content_type in
        ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", MERGE_PATCH, ""]
    {
        cases.push(bad("another type of body", post.clone(), content_type, &whole, WRONG_TYPE, &[]));
    }
    cases
}

fn registrations_that_are_refused(post: &(Method, &str)) -> Vec<Bad> {
    let long_address = format!("a@{}.org", "b".repeat(250));
    let mut cases = Vec::new();
    for (name, field, value, code) in [
        ("an unknown field", "shoeSize", json!(43), "unknown_field"),
        ("a field that only the service sets", "status", json!("Confirmed"), "unknown_field"),
        ("a field by another case", "fullname", json!("Ada"), "unknown_field"),
        ("a number for text", "username", json!(7), "wrong_type"),
        ("null for text", "email", Value::Null, "required"),
        ("an object for text", "password", json!({}), "wrong_type"),
        ("a boolean for text", "fullName", json!(true), "wrong_type"),
        ("an array for text", "address", json!(["1 Lane"]), "wrong_type"),
        ("a number for a date", "dateOfBirth", json!(19_900_101), "wrong_type"),
        ("an empty username", "username", json!(""), "required"),
        ("an over-long username", "username", json!("a".repeat(65)), "too_long"),
        ("a blank in a username", "username", json!("a b"), "invalid_characters"),
        ("a control character in a username", "username", json!("a\u{0}b"), "invalid_characters"),
        ("an empty address", "email", json!(""), "required"),
        ("no address", "email", json!("ada"), "invalid_address"),
        (
            "an address with a line break",
            "email",
            json!("a@example.org\r\nBcc: b@example.org"),
            "invalid_address",
        ),
        ("an over-long address", "email", json!(long_address), "too_long"),
        ("a short password", "password", json!("short"), "too_short"),
        ("an over-long password", "password", json!("x".repeat(129)), "too_long"),
        ("a control character in a password", "password", json!("correct\u{0}horse"), "invalid_characters"),
        ("a blank name", "fullName", json!("  "), "required"),
        ("an over-long name", "fullName", json!("é".repeat(256)), "too_long"),
        ("a line break in a name", "fullName", json!("Ada\nBcc: b"), "invalid_characters"),
        ("an over-long postal address", "address", json!("🏠".repeat(256)), "too_long"),
        ("a control character in a postal address", "address", json!("1\u{7f}Lane"), "invalid_characters"),
        ("no date", "dateOfBirth", json!("yesterday"), "invalid_date"),
        ("a day that never was", "dateOfBirth", json!("2023-02-29"), "invalid_date"),
        ("a date of another style", "dateOfBirth", json!("28/02/1990"), "invalid_date"),
        ("a date too long ago", "dateOfBirth", json!("1899-12-31"), "invalid_date"),
        ("a date to come", "dateOfBirth", json!("2999-01-01"), "in_the_future"),
        ("an unknown language", "locale", json!("tlh"), "unknown_locale"),
        ("a language by another case", "locale", json!("pt-br"), "unknown_locale"),
    ] {
        cases.push(bad(name, post.clone(), JSON, registration_with(field, value), INVALID, &[(field, code)]));
    }
    for field in ["username", "email", "password"] {
        cases.push(bad(
            "a missing field",
            post.clone(),
            JSON,
            registration_without(field),
            INVALID,
            &[(field, "required")],
        ));
    }
    let all = [("email", "required"), ("password", "required"), ("username", "required")];
    cases.push(bad("no field at all", post.clone(), JSON, "{}", INVALID, &all));
    let twice = r#"{"username":"new","email":"a@example.org","email":"b@example.org"}"#;
    cases.push(bad("a duplicate field", post.clone(), JSON, twice, INVALID, &[("email", "duplicate")]));
    let deep = format!("{{\"username\":{}", "[".repeat(1000));
    cases.push(bad("nested deeply", post.clone(), JSON, deep, INVALID, &[("username", "wrong_type")]));
    let several = json!({"username": "", "email": "x", "password": "short", "fullName": " ", "dateOfBirth": "x", "locale": "x"});
    let all: Fields<'_> = &[
        ("dateOfBirth", "invalid_date"),
        ("email", "invalid_address"),
        ("fullName", "required"),
        ("locale", "unknown_locale"),
        ("password", "too_short"),
        ("username", "required"),
    ];
    cases.push(bad("several at once", post.clone(), JSON, several, INVALID, all));
    for (username, email, taken) in [
        ("ADA", "new@example.org", &[("username", "taken")][..]),
        ("new", "ADA@EXAMPLE.org", &[("email", "taken")]),
        ("ada", "ada@example.org", &[("username", "taken"), ("email", "taken")]),
        ("Ada", "bob@example.org", &[("username", "taken"), ("email", "taken")]),
    ] {
        let body = json!({"username": username, "email": email, "password": PASSWORD});
        cases.push(bad("taken", post.clone(), JSON, body, TAKEN, taken));
    }
    cases
}

fn changes_that_are_refused(bob: &str) -> Vec<Bad> {
    let (put, patch) = ((Method::PUT, bob), (Method::PATCH, bob));
    let replacement = |field: &str, value: Value| {
        let mut body = json!({"username": "bob", "email": "bob@example.org"});
        body[field] = value;
        body
    };
    let mut cases = vec![
        bad("put: not JSON", put.clone(), JSON, "bob", UNREADABLE, &[]),
        bad("patch: not JSON", patch.clone(), MERGE_PATCH, "bob", UNREADABLE, &[]),
        bad("put: too large", put.clone(), JSON, " ".repeat(65 * 1024), TOO_LARGE, &[]),
        bad("patch: too large", patch.clone(), MERGE_PATCH, " ".repeat(65 * 1024), TOO_LARGE, &[]),
        bad("put: a merge patch", put.clone(), MERGE_PATCH, "{}", WRONG_TYPE, &[]),
        bad("patch: a JSON Patch", patch.clone(), "application/json-patch+json", "[]", WRONG_TYPE, &[]),
        bad(
            "put: missing",
            put.clone(),
            JSON,
            r#"{"email":"bob@example.org"}"#,
            INVALID,
            &[("username", "required")],
        ),
        bad(
            "patch: twice",
            patch.clone(),
            JSON,
            r#"{"fullName":"a","fullName":"b"}"#,
            INVALID,
            &[("fullName", "duplicate")],
        ),
    ];
    for (name, field, value, answer, code) in [
        ("unknown", "shoeSize", json!(43), INVALID, "unknown_field"),
        ("a password", "password", json!(PASSWORD), INVALID, "unknown_field"),
        ("a number", "fullName", json!(7), INVALID, "wrong_type"),
        ("over-long", "fullName", json!("x".repeat(256)), INVALID, "too_long"),
        ("a control character", "address", json!("a\tb"), INVALID, "invalid_characters"),
        ("no date", "dateOfBirth", json!("2023-13-01"), INVALID, "invalid_date"),
        ("a date to come", "dateOfBirth", json!("2999-01-01"), INVALID, "in_the_future"),
        ("a taken username", "username", json!("Ada"), TAKEN, "taken"),
        ("a taken address", "email", json!("Ada@example.org"), TAKEN, "taken"),
    ] {
        let body = json!({field: value.clone()});
        cases.push(bad(name, patch.clone(), MERGE_PATCH, body, answer, &[(field, code)]));
        cases.push(bad(name, put.clone(), JSON, replacement(field, value), answer, &[(field, code)]));
    }
    let without = replacement("username", Value::Null);
    cases.push(bad("put: null", put.clone(), JSON, without, INVALID, &[("username", "required")]));
    for field in ["username", "email", "locale"] {
        let body = json!({field: null});
        cases.push(bad("patch: null", patch.clone(), MERGE_PATCH, body, INVALID, &[(field, "wrong_type")]));
    }
    cases
}

fn calls_that_lead_nowhere() -> Vec<Bad> {
    let mut cases = Vec::new();
    let no_id: Fields<'_> = &[("id", "invalid_id")];
    for path in [
        "/users/7",
        "/users/ada",
        "/users/%FF",
        "/users/01900000000070008000000000000000",
        "/users/%7B01900000-0000-7000-8000-000000000000%7D",
        "/users/01900000-0000-7000-8000-00000000000g",
    ] {
        cases.push(bad("no UUID", (Method::GET, path), "", "", INVALID, no_id));
        cases.push(bad("no UUID", (Method::DELETE, path), "", "", INVALID, no_id));
        cases.push(bad("no UUID", (Method::PATCH, path), MERGE_PATCH, "{}", INVALID, no_id));
        cases.push(bad("no UUID", (Method::PUT, path), JSON, "{}", INVALID, no_id));
    }
    let missing = &*format!("/users/{MISSING}");
    for method in [Method::GET, Method::DELETE] {
        cases.push(bad("no such user", (method, missing), "", "", NO_USER, &[]));
    }
    cases.push(bad("no such user", (Method::PATCH, missing), MERGE_PATCH, "{}", NO_USER, &[]));
    for path in ["/", "/user", "/users/", "/users/x/y", "/problems/none", "/problems/%FF", "/Users"] {
        cases.push(bad("no such route", (Method::GET, path), "", "", NO_ROUTE, &[]));
    }
    for (method, path) in [(Method::DELETE, "/users"), (Method::PUT, "/users"), (Method::POST, missing)] {
        cases.push(bad("no such method", (method, path), JSON, "{}", NO_METHOD, &[]));
    }
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("cursor=ada", "cursor"),
        ("cursor=", "cursor"),
    ] {
        let path = format!("/users?{query}");
        cases.push(bad("an invalid query", (Method::GET, &path), "", "", INVALID, &[(field, "invalid")]));
    }
    for query in ["page=2", "limit=1&limit=2", "Limit=1"] {
        let path = format!("/users?{query}");
        cases.push(bad("an unknown query", (Method::GET, &path), "", "", UNREADABLE, &[]));
    }
    cases
}

async fn assert_refused(api: &Api, case: &Bad) {
    let Bad { name, call: (method, path), content_type, body, .. } = case;
    let what = format!("{name}: {method} {path} {}", body.chars().take(100).collect::<String>());
    let mut request = api.request(method.clone(), path).body(body.clone());
    if !content_type.is_empty() {
        request = request.header("content-type", *content_type);
    }
    let answer = api.send(request).await;
    assert_eq!(answer.status, case.status, "{what}: {}", answer.text);
    assert_eq!(answer.header("content-type"), "application/problem+json", "{what}");
    let problem = answer.json();
    assert_eq!(problem["type"], case.problem, "{what}");
    assert_eq!(problem["status"], case.status, "{what}");
    for text in ["title", "detail"] {
        assert!(problem[text].as_str().is_some_and(|text| !text.is_empty()), "{what}: {problem}");
    }
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    let fields: Vec<_> =
        errors.iter().map(|it| (it["field"].as_str().unwrap(), it["code"].as_str().unwrap())).collect();
    assert_eq!(fields, case.fields, "{what}: {problem}");
    assert!(
        errors.iter().all(|it| it["message"].as_str().is_some_and(|text| text.len() > 3)),
        "{what}: {problem}"
    );
    assert_eq!(answer.headers.contains_key("allow"), case.status == 405, "{what}");
    let page = api.get(case.problem).await;
    assert!(page.status == 200 && page.text.starts_with("# "), "{what}: {}", page.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_is_refused_by_the_field_and_writes_nothing() {
    with_api(async |api: Arc<Api>| {
        api.registered("ada").await;
        let bob = api.registered("bob").await;
        let before = api.stored().await;
        let post = (Method::POST, "/users");
        let cases = [
            bodies_that_cannot_be_read(&post),
            registrations_that_are_refused(&post),
            changes_that_are_refused(&bob),
            calls_that_lead_nowhere(),
        ];
        for case in cases.iter().flatten() {
            assert_refused(&api, case).await;
            assert_eq!(api.stored().await, before, "{}: {:?}", case.name, case.call);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_exactly_64_kib_is_read() {
    with_api(async |api: Arc<Api>| {
        let body = registration_with("fullName", json!("Ada"));
        let padded = format!("{body}{}", " ".repeat(64 * 1024 - body.len()));
        api.with_body(Method::POST, "/users", "Application/JSON; charset=utf-8", padded)
            .await
            .expect(StatusCode::CREATED);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn allow_names_the_methods_of_the_route() {
    with_api(async |api: Arc<Api>| {
        for (path, methods) in [
            ("/users", vec!["GET", "HEAD", "POST"]),
            (&format!("/users/{MISSING}"), vec!["DELETE", "GET", "HEAD", "PATCH", "PUT"]),
        ] {
            let answer = api.send(api.request(Method::OPTIONS, path)).await;
            assert_eq!(answer.status, 405);
            let mut allowed: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
            allowed.sort_unstable();
            assert_eq!(allowed, methods);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_says_that_it_is_alive() {
    with_api(async |api: Arc<Api>| {
        let answer = api.get("/health/live").await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "alive\n"));
    })
    .await;
}
