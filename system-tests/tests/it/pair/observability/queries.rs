//! What the shipped files ask of Prometheus.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Whether what is before that text is a function's or an aggregation's name.
fn is_call(rest: &str) -> bool {
    ["(", "by ", "by(", "without ", "without("].iter().any(|next| rest.starts_with(next))
}

/// What every Prometheus has by itself.
const OF_PROMETHEUS: &str = "up";

pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("deploy/observability")
}

/// The metrics that the dashboard and the alerts name.
pub(super) fn metrics_asked_for() -> BTreeSet<String> {
    let dashboard = std::fs::read_to_string(folder().join("grafana/dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    let mut expressions: Vec<String> =
        targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect();
    assert!(expressions.len() > 20, "{expressions:?}");
    expressions.extend(alerts().into_values());
    let mut metrics: BTreeSet<_> = expressions.iter().flat_map(|expression| metrics_in(expression)).collect();
    assert!(metrics.remove(OF_PROMETHEUS), "an alert asks for {OF_PROMETHEUS}");
    metrics
}

/// The expression of each alert.
pub(super) fn alerts() -> BTreeMap<String, String> {
    let file = std::fs::read_to_string(folder().join("alerts.yml")).unwrap();
    let file: Value = serde_saphyr::from_str(&file).unwrap();
    let groups = file["groups"].as_array().unwrap().iter();
    let rules = groups.flat_map(|group| group["rules"].as_array().unwrap());
    rules
        .map(|rule| [&rule["alert"], &rule["expr"]].map(|it| it.as_str().unwrap().to_owned()).into())
        .collect()
}

/// The metrics that an expression names: what is left of its names without functions, keywords, labels and texts.
pub(super) fn metrics_in(expression: &str) -> BTreeSet<String> {
    let mut metrics = BTreeSet::new();
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        if first.is_ascii_alphabetic() || first == '_' {
            let (word, after) = rest.split_at(rest.find(|c| !is_part(c)).unwrap_or(rest.len()));
            let next = after.trim_start();
            rest = after;
            if ["by", "on", "without", "ignoring"].contains(&word) {
                // The labels in the parentheses behind it.
                rest = next.split_once(')').unwrap().1;
            } else if !is_call(next) && !["and", "or", "unless"].contains(&word) {
                metrics.insert(word.to_owned());
            }
        } else if first == '{' || first == '[' {
            rest = rest.split_once(if first == '{' { '}' } else { ']' }).unwrap().1;
        } else if first.is_ascii_digit() {
            rest = rest.trim_start_matches(|c: char| is_part(c) || c == '.');
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    metrics
}

#[test]
fn only_metrics_are_taken_for_metrics() {
    let expression = "histogram_quantile(0.99, sum by (le, route) (rate(a_bucket{x=\"b_total\", y!=\"/c\"}[5m]))) > 2.5e1 \
                      and max(d_seconds) / on (job) e_max == 0";
    assert_eq!(Vec::from_iter(metrics_in(expression)), ["a_bucket", "d_seconds", "e_max"]);
}
