//! What the containers are started with, against the programs: the Dockerfile, `docker-compose.yml` and `k8s/` are read, and each
//! command and each variable in them must be one that the program knows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use all_in_one::try_it_now::TryItNow;
use serde_json::Value;
use system_tests::help_of;

use crate::pair::deployment::COMMANDS;

const PROGRAMS: [&str; 2] = ["user-service", "notifier-service"];

/// One container of ours: where it is described, what it runs, and the names of the variables that it sets.
#[derive(Debug, Clone)]
struct Start {
    place: String,
    program: String,
    subcommand: String,
    variables: BTreeSet<String>,
}

fn read(file: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
    std::fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn documents(file: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(&read(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// A start of one of our programs; `None` for other people's.
fn start(place: String, command: &Value, variables: BTreeSet<String>) -> Option<Start> {
    let words: Vec<&str> = command.as_array()?.iter().filter_map(Value::as_str).collect();
    let program = words.first()?.trim_start_matches("/usr/local/bin/");
    if !PROGRAMS.contains(&program) {
        return None;
    }
    let [_, subcommand] = words[..] else { panic!("{place}: a program and a subcommand: {words:?}") };
    Some(Start { place, program: program.to_owned(), subcommand: subcommand.to_owned(), variables })
}

fn starts_of_compose() -> Vec<Start> {
    let file = "docker-compose.yml";
    let [compose] = &documents(file)[..] else { panic!("{file} is one document") };
    let services = compose["services"].as_object().unwrap();
    let start = |(name, service): (&String, &Value)| {
        let variables =
            service["environment"].as_object().map_or_else(BTreeSet::new, |it| it.keys().cloned().collect());
        start(format!("{file}: {name}"), &service["command"], variables)
    };
    services.iter().filter_map(start).collect()
}

fn starts_of_kubernetes() -> Vec<Start> {
    let list = documents("k8s/base/kustomization.yaml");
    let files = list[0]["resources"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
    let mut starts = Vec::new();
    for file in files {
        for manifest in documents(&format!("k8s/base/{file}")) {
            for container in
                manifest["spec"]["template"]["spec"]["containers"].as_array().into_iter().flatten()
            {
                let named = container["env"].as_array().into_iter().flatten();
                let variables = named.map(|variable| variable["name"].as_str().unwrap().to_owned()).collect();
                let place = format!("k8s/base/{file}: {}", manifest["metadata"]["name"]);
                starts.push(
                    start(place, &container["command"], variables).expect("the base runs our programs alone"),
                );
            }
        }
    }
    starts
}

/// `CMD` and `HEALTHCHECK` of the last stage, which have the variables of `ENV`.
fn starts_of_the_image() -> Vec<Start> {
    let dockerfile = read("Dockerfile");
    let stage = dockerfile.rsplit("\nFROM ").next().unwrap();
    let variables: BTreeSet<String> = stage
        .lines()
        .filter_map(|line| {
            Some(line.strip_prefix("ENV ")?.split_once('=').expect("ENV NAME=VALUE").0.to_owned())
        })
        .collect();
    let commands = stage.lines().filter(|line| line.starts_with("CMD ") || line.starts_with("HEALTHCHECK "));
    let starts = commands.map(|line| {
        let command: Value = serde_json::from_str(line.split_once("CMD ").expect("a command").1).unwrap();
        start(format!("Dockerfile: {line}"), &command, variables.clone())
            .expect("the image runs our programs")
    });
    starts.collect()
}

#[test]
fn every_command_and_variable_of_a_container_is_one_that_the_program_knows() {
    let starts = [starts_of_the_image(), starts_of_compose(), starts_of_kubernetes()].concat();
    let mut helps = BTreeMap::new();
    for Start { place, program, subcommand, variables } in &starts {
        let help = helps
            .entry((program, subcommand))
            .or_insert_with(|| help_of(program, subcommand).unwrap_or_else(|said| panic!("{place}: {said}")));
        for variable in variables {
            let listed = [format!("[env: {variable}]"), format!("[env: {variable}=")];
            assert!(
                listed.iter().any(|it| help.contains(it)),
                "{place}: {program} {subcommand} has no {variable}"
            );
        }
    }
    assert!(starts.iter().any(|start| !start.variables.is_empty()), "{starts:?}");
}

#[test]
fn compose_and_kubernetes_run_all_that_a_deployment_runs() {
    for starts in [starts_of_compose(), starts_of_kubernetes()] {
        let run: BTreeSet<_> = starts.iter().map(|start| (&*start.program, &*start.subcommand)).collect();
        assert_eq!(run, BTreeSet::from(COMMANDS), "{starts:?}");
    }
}

#[test]
fn the_image_checks_its_health_by_a_program_that_is_in_it() {
    let starts = starts_of_the_image();
    let run: Vec<_> = starts.iter().map(|start| (&*start.program, &*start.subcommand)).collect();
    assert_eq!(run, [("user-service", "healthcheck"), ("user-service", "serve")]);
}

#[test]
fn a_variable_or_a_command_that_no_program_knows_is_noticed() {
    assert!(help_of("user-service", "serves").is_err());
    let help = help_of("user-service", "relay").unwrap();
    assert!(
        help.contains("[env: USER_SERVICE_HEALTH_LISTEN=") && !help.contains("[env: USER_SERVICE_LISTEN="),
        "{help}"
    );
}

#[test]
fn what_the_containers_tell_to_try_is_what_the_program_tells() {
    let program = TryItNow {
        data_dir: PathBuf::new(),
        api: "127.0.0.1:8080".parse().unwrap(),
        operator: "127.0.0.1:8081".parse().unwrap(),
        mailbox: Some("127.0.0.1:8025".parse().unwrap()),
        smtp: None,
    };
    let commands = |text: &str| -> Vec<String> {
        let pasted = |line: &&str| ["  curl ", "  ID=", "  TOKEN="].iter().any(|it| line.starts_with(it));
        text.lines().filter(pasted).map(str::to_owned).collect()
    };
    let told = commands(&read("deploy/try-it-now.txt"));
    assert_eq!(told, commands(&program.to_string()));
    assert_eq!(told.len(), 5, "{told:#?}");
    let compose = &documents("docker-compose.yml")[0]["services"];
    assert_eq!(compose["user-service"]["ports"][0], "127.0.0.1:8080:8080");
    assert_eq!(compose["mailpit"]["ports"][0], "127.0.0.1:8025:8025");
}

/// CI has no container engine to run these commands with, so they are in `console` blocks and only what they name is looked for.
#[test]
fn compose_keeps_changes_from_being_left_to_a_debezium_that_is_not_there() {
    let [compose] = &documents("docker-compose.yml")[..] else { panic!("it is one document") };
    let services = &compose["services"];
    assert!(services["relay"]["depends_on"]["capture-check"].is_object(), "the relay waits for it");
    // Compose makes one dollar of two.
    let script = services["capture-check"]["command"][0].as_str().unwrap().replace("$$", "$");
    let lets_pass = |capture: &str, profiles: &str| {
        let mut bash = Command::new("bash");
        bash.args(["-c", &script]).env("CAPTURE", capture).env("PROFILES", profiles);
        bash.output().unwrap().status.success()
    };
    for profiles in ["", "observability", "debezium", "observability,debezium"] {
        assert!(lets_pass("outbox-binlog", profiles), "{profiles}");
        assert_eq!(lets_pass("outbox-requests", profiles), profiles.contains("debezium"), "{profiles}");
    }
}

#[test]
fn the_files_that_the_commands_for_containers_name_are_there() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
    for (page, least) in [("README.md", 1), ("docs/OPERATIONS.md", 5)] {
        let text = read(page);
        let blocks = text.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        let words = blocks.flat_map(str::split_whitespace);
        let named: Vec<&str> = words
            .filter(|word| ["scripts/", "k8s/", "debezium/"].iter().any(|folder| word.starts_with(folder)))
            .collect();
        assert!(named.len() >= least, "{page}: {named:?}");
        for file in named {
            assert!(root.join(file).exists(), "{page}: {file}");
        }
    }
}
