//! The layer rule, enforced on the modules of both services: see [`rules`] for the table.
//!
//! The compiler's half of it, by cargo features, is `scripts/check-layers`.

mod adapters;
mod check;
mod paths;
mod rules;
mod service;
mod tokens;
mod violation;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rules::Place;
use service::Service;
use violation::Rule;

#[test]
fn the_modules_of_user_service_keep_to_their_layers() {
    assert_keeps_to_its_layers("user-service");
}

#[test]
fn the_modules_of_notifier_service_keep_to_their_layers() {
    assert_keeps_to_its_layers("notifier-service");
}

fn assert_keeps_to_its_layers(name: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let service = Service::read(&root.join(name), &name.replace('-', "_"), ".rs");
    let violations: Vec<_> = check::check(&service).iter().map(|it| format!("{name}/{it}")).collect();
    assert!(violations.is_empty(), "{} violations:\n{}", violations.len(), violations.join("\n"));
    let adapters = adapters::adapters(&service);
    let has_type = adapters.iter().any(|it| it.starts_with(char::is_uppercase));
    assert!(has_type, "{name}: no type that is an adapter was found, so none was looked for");
}

#[test]
fn exactly_the_seeded_violations_are_reported() {
    for fixture in fixtures() {
        let service = Service::read(&fixture, "fixture", ".rs.txt");
        let reported: BTreeSet<Mark> = check::check(&service)
            .into_iter()
            .map(|it| (it.file, it.line, it.rule.name().to_owned()))
            .collect();
        let seeded = marks(&fixture);
        let missed: Vec<_> = seeded.difference(&reported).collect();
        let wrong: Vec<_> = reported.difference(&seeded).collect();
        let name = fixture.display();
        assert!(
            missed.is_empty() && wrong.is_empty(),
            "{name}\nmissed: {missed:#?}\nreported wrongly: {wrong:#?}"
        );
    }
}

#[test]
fn each_rule_has_a_seeded_violation_in_each_place_that_it_holds_for() {
    let seeded: BTreeSet<Mark> = fixtures().iter().flat_map(|it| marks(it)).collect();
    for rule in Rule::ALL {
        assert!(
            seeded.iter().any(|(_, _, it)| it == rule.name()),
            "no fixture has a violation of {}",
            rule.name()
        );
    }
    for layer in Place::LAYERS {
        let folder = format!("src/{}/", layer.name());
        for rule in [Rule::Layer, Rule::Technology] {
            assert!(
                seeded.iter().any(|(file, _, it)| file.starts_with(&folder) && it == rule.name()),
                "no fixture has a violation of {} in {folder}",
                rule.name()
            );
        }
    }
}

#[test]
fn the_clean_fixture_has_no_marks() {
    let clean = fixtures().into_iter().find(|it| it.ends_with("clean")).unwrap();
    assert_eq!(marks(&clean), BTreeSet::new());
}

/// File, line and rule of a violation.
type Mark = (String, usize, String);

/// The trees of fixtures. Their files are named `.rs.txt`, so that nothing compiles or formats them.
fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/layers/fixtures");
    folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// What `// VIOLATION: rule` at the end of lines says is to be reported there.
fn marks(fixture: &Path) -> BTreeSet<Mark> {
    let mut marks = BTreeSet::new();
    for file in service::files(&fixture.join("src"), ".rs.txt") {
        let name = file.strip_prefix(fixture).unwrap().to_str().unwrap().to_owned();
        for (index, line) in std::fs::read_to_string(&file).unwrap().lines().enumerate() {
            if let Some((_, rule)) = line.split_once("// VIOLATION: ") {
                marks.insert((name.clone(), index + 1, rule.trim().to_owned()));
            }
        }
    }
    marks
}
