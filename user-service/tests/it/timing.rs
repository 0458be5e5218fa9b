//! How long an answer takes tells nothing about who has an account.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use user_service::config::PasswordConfig;

use crate::support::api::{Api, config, with_api_on};
use crate::support::databases::Engine;

/// Of each kind.
const CALLS: usize = 250;

/// How often a time of the one kind is longer than one of the other: a half when they cannot be told apart, 0 or 1
/// when every single one can. (The area under the ROC curve, or Mann and Whitney's U by the number of pairs.)
fn how_well_told_apart(known: &[Duration], unknown: &[Duration]) -> f64 {
    let longer = |one: &Duration| unknown.iter().filter(|other| one > *other).count();
    let equal = |one: &Duration| unknown.iter().filter(|other| one == *other).count();
    let count = |of: &dyn Fn(&Duration) -> usize| known.iter().map(of).sum::<usize>() as f64;
    (count(&longer) + count(&equal) / 2.0) / (known.len() * unknown.len()) as f64
}

/// With so many calls, chance alone moves the result by 0.026 (one standard deviation, under the hypothesis that
/// there is no difference): six of them make a false alarm a matter of one run in a thousand million. A caller would
/// need hundreds of calls about one account to make use of less, and gets ten a minute.
fn assert_alike(what: &str, known: &[Duration], unknown: &[Duration]) {
    let apart = how_well_told_apart(known, unknown);
    let median = |times: &[Duration]| {
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        sorted[sorted.len() / 2]
    };
    println!("{what}: {apart:.3}; medians: known {:?}, unknown {:?}", median(known), median(unknown));
    assert!(
        (0.34..=0.66).contains(&apart),
        "{what}: known and unknown are told apart in {apart:.3} of pairs"
    );
}

/// Calls about a known and an unknown account in turns, the first of each pair changing.
async fn measure(
    api: &Api,
    path: &str,
    body: impl Fn(&str) -> serde_json::Value,
    expected: u16,
) -> (Vec<Duration>, Vec<Duration>) {
    let (mut known, mut unknown) = (Vec::with_capacity(CALLS), Vec::with_capacity(CALLS));
    let mut answers = std::collections::BTreeSet::new();
    for turn in 0..CALLS * 2 {
        let is_known = (turn + turn / 2) % 2 == 0;
        let name = if is_known { format!("user{}", turn % 20) } else { format!("none{}", turn % 20) };
        let began = Instant::now();
        let answer = api.post(path, &body(&format!("{name}@example.org"))).await;
        let took = began.elapsed();
        assert_eq!(answer.status, expected, "{}", answer.text);
        answers.insert(answer.untraced());
        if is_known { known.push(took) } else { unknown.push(took) }
    }
    assert_eq!(answers.len(), 1, "every answer is the same: {answers:?}");
    (known, unknown)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_time_of_an_answer_does_not_tell_whether_there_is_an_account() {
    // As a deployment has it: the cost of a hash is most of the time.
    let mut config = config();
    config.passwords = PasswordConfig::default();
    with_api_on(Engine::Sqlite, config, async |api: Arc<Api>| {
        for n in 0..20 {
            api.sign_up(&format!("user{n}")).await;
        }
        let login = |email: &str| json!({ "login": email, "password": "certainly wrong" });
        let (known, unknown) = measure(&api, "/sessions", login, 401).await;
        assert_alike("login", &known, &unknown);
        let (known, unknown) =
            measure(&api, "/password-resets", |email| json!({ "email": email }), 202).await;
        assert_alike("reset", &known, &unknown);
    })
    .await;
}

#[test]
fn the_measure_sees_a_difference() {
    let times =
        |offset: u64| -> Vec<_> { (0..CALLS as u64).map(|n| Duration::from_micros(n + offset)).collect() };
    assert!((how_well_told_apart(&times(0), &times(0)) - 0.5).abs() < 0.001);
    assert!(how_well_told_apart(&times(100), &times(0)) > 0.66);
    assert!(how_well_told_apart(&times(0), &times(100)) < 0.34);
    assert!((how_well_told_apart(&times(1000), &times(0)) - 1.0).abs() < f64::EPSILON);
}
