//! One change is one trace: through all processes, and in what they answer and log. A collector that is away is no
//! trouble to anybody.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use system_tests::{Account, CollectedSpan, Collector, PASSWORD, eventually, eventually_some};
use tokio::net::TcpListener;

use super::deployment::Deployment;

const LIMIT: Duration = Duration::from_secs(60);

/// What a change causes, and in which service.
const PATH: [(&str, &str); 5] = [
    ("PATCH /users/{id}", "user-service"),
    ("commit change", "user-service"),
    ("publish change", "user-service"),
    ("record change", "notifier-service"),
    ("send mail", "notifier-service"),
];

/// The lines of the logs that have this trace's id, each with its message.
fn logged(deployment: &Deployment, trace_id: &str) -> Vec<(String, Value)> {
    let lines = deployment.logs();
    let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let of_trace = lines.filter(|line| line["traceId"] == trace_id);
    of_trace.map(|line| (line["message"].as_str().unwrap_or_default().to_owned(), line)).collect()
}

/// The same, once the last of them is there.
async fn sent(deployment: &Deployment, trace_id: &str) -> Vec<(String, Value)> {
    eventually_some("the lines of both services", LIMIT, || async {
        let lines = logged(deployment, trace_id);
        lines.iter().any(|(message, _)| message == "sent").then_some(lines)
    })
    .await
}

async fn mailed(deployment: &Deployment, name: &str) {
    let greeting = format!("Hello {name},");
    eventually(&format!("the mail to {name}"), LIMIT, || async {
        deployment.sink.mails().await.iter().any(|mail| mail.text.starts_with(&greeting))
    })
    .await;
}

/// The spans of a trace by their names, once all of [`PATH`] are there.
async fn whole_path(collector: &Collector, trace_id: &str) -> BTreeMap<String, CollectedSpan> {
    eventually_some(&format!("the whole trace {trace_id}"), LIMIT, || async {
        let spans = collector.trace(trace_id);
        (spans.len() >= PATH.len()).then(|| spans.into_iter().map(|span| (span.name.clone(), span)).collect())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_change_is_one_trace_from_the_request_to_the_mail_servers_answer() {
    let collector = Collector::start().await;
    let url = collector.url();
    let told = [("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    let Some(deployment) = Deployment::start_with("traced", &told).await else { return };
    let body = json!({ "username": "ada", "email": "ada@example.org", "fullName": "Ada" });
    let ada = Account::register(&deployment.users, body).await;

    // A trace begins with the request where the caller has none.
    let answer = ada.patch(&deployment.users, &json!({ "fullName": "Ada King" })).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    mailed(&deployment, "Ada King").await;
    let request = eventually_some("the request's span", LIMIT, || async {
        collector.spans().into_iter().find(|span| span.name == PATH[0].0)
    })
    .await;
    assert_eq!(request.parent, "");
    assert_eq!(request.attributes["http.response.status_code"], "200");
    let spans = whole_path(&collector, &request.trace_id).await;
    assert_eq!(spans.len(), PATH.len(), "{spans:#?}");
    for (name, service) in PATH {
        let span = &spans[name];
        assert_eq!((span.service.as_str(), &span.failure), (service, &None), "{span:#?}");
        assert!(span.times.0 >= request.times.0 && span.times.1 >= span.times.0, "{span:#?}");
        assert!(name == PATH[0].0 || span.parent == request.id, "{span:#?}");
    }
    let mail = &spans["send mail"].attributes;
    assert_eq!((mail["smtp.reply_code"].as_str(), mail["inf_user.mail.outcome"].as_str()), ("250", "sent"));
    assert_eq!(mail["inf_user.mail.attempt"], "1");
    // The same id is in the lines of both services.
    let lines = sent(&deployment, &request.trace_id).await;
    for (message, field, value) in
        [("answered", "route", json!("/users/{id}")), ("sent", "kind", json!("updated"))]
    {
        let found = lines.iter().find(|(said, _)| said == message);
        let (_, line) = found.unwrap_or_else(|| panic!("{message}: {lines:#?}"));
        assert_eq!(line[field], value, "{line}");
    }

    // A refusal says which trace it is.
    let answer = ada.patch(&deployment.users, &json!({ "fullName": 7 })).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let problem: Value = answer.json().await.unwrap();
    let refused = problem["traceId"].as_str().unwrap().to_owned();
    let span =
        eventually_some("the refused request's span", LIMIT, || async { collector.trace(&refused).pop() })
            .await;
    assert_eq!(span.attributes["http.response.status_code"], "422");
    assert_eq!(logged(&deployment, &refused)[0].1["status"], 422);

    // The caller's trace goes on, whether it is recorded or not.
    for (trace_id, flags, name) in [
        ("0af7651916cd43dd8448eb211c80319c", "01", "Ada Lovelace"),
        ("1bf7651916cd43dd8448eb211c80319c", "00", "Ada Byron"),
    ] {
        let traceparent = format!("00-{trace_id}-b7ad6b7169203331-{flags}");
        let request = ada.patch(&deployment.users, &json!({ "fullName": name }));
        let answer = request.header("traceparent", traceparent).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        mailed(&deployment, name).await;
        let lines = sent(&deployment, trace_id).await;
        assert!(lines.iter().any(|(message, _)| message == "answered"), "{lines:#?}");
        if flags == "01" {
            let spans = whole_path(&collector, trace_id).await;
            assert_eq!(spans[PATH[0].0].parent, "b7ad6b7169203331");
            assert_eq!(spans["send mail"].parent, spans[PATH[0].0].id);
        }
    }
    deployment.stop().await;
    // What was left has come by now.
    let unrecorded = collector.trace("1bf7651916cd43dd8448eb211c80319c");
    assert!(unrecorded.is_empty(), "{unrecorded:#?}");
    let all = format!("{:?}", collector.spans());
    for personal in [PASSWORD, "ada@example.org", "Ada King", "Lovelace", "argon2"] {
        assert!(!all.contains(personal), "{personal} is in a span");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_takes_connections_and_never_answers_holds_up_nobody() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let told = [("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    let Some(deployment) = Deployment::start_with("untraced", &told).await else { return };
    let body = json!({ "username": "ada", "email": "ada@example.org", "fullName": "Ada" });
    let ada = Account::register(&deployment.users, body).await;
    let answer = ada.patch(&deployment.users, &json!({ "fullName": "Ada King" })).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    mailed(&deployment, "Ada King").await;
    deployment.process("serve").logged("spans cannot be exported", LIMIT).await;
    deployment.stop().await;
}
