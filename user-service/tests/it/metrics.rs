//! What the API tells at `/metrics`.

use std::sync::Arc;

use reqwest::{Method, StatusCode};

use crate::support::api::{Api, config, with_api, with_api_on};
use crate::support::databases::Engine;

/// How many requests with these labels were counted.
async fn counted(api: &Api, labels: &str) -> u64 {
    let text = api.send(api.request(Method::GET, "/metrics")).await.text;
    let line = format!("http_server_request_duration_seconds_count{{{labels}}} ");
    text.lines().find_map(|it| it.strip_prefix(&line)).map_or(0, |count| count.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_measured_by_route_and_never_by_what_anybody_may_make_up() {
    with_api(async |api: Arc<Api>| {
        let ada = api.sign_up("ada").await;
        for _ in 0..2 {
            api.get(&ada, &ada.path()).await.expect(StatusCode::OK);
        }
        for made_up in ["/wp-login.php", "/nowhere/1", "/nowhere/2"] {
            api.send(api.request(Method::from_bytes(b"BREW").unwrap(), made_up))
                .await
                .expect_problem(404, "no-such-route");
        }
        for (labels, count) in [
            (r#"method="GET",route="/users/{id}",status="200""#, 2),
            (r#"method="POST",route="/users",status="201""#, 1),
            (r#"method="_OTHER",route="_OTHER",status="404""#, 3),
        ] {
            assert_eq!(counted(&api, labels).await, count, "{labels}");
        }
        let answer = api.send(api.request(Method::GET, "/metrics")).await;
        assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4");
        for left_out in [&ada.id, "ada", "BREW", "wp-login", "nowhere"] {
            assert!(!answer.text.contains(left_out), "{left_out}: {}", answer.text);
        }
        for told in [
            "inf_user_part_ready{part=\"database\",service=\"user-service\"} ",
            "inf_user_database_connections_max{service=\"user-service\"} ",
            "\nuser_service_outbox_changes 1\n",
            "\nprocess_open_fds ",
        ] {
            assert!(answer.text.contains(told), "{told}: {}", answer.text);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_tells_nothing_where_metrics_have_an_address_of_their_own() {
    let mut config = config();
    config.http.tells_metrics = false;
    with_api_on(Engine::Sqlite, config, async |api: Arc<Api>| {
        api.send(api.request(Method::GET, "/metrics")).await.expect_problem(404, "no-such-route");
    })
    .await;
}
