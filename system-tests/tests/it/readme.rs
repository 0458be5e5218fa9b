//! Every command of the README is run by CI or by a test; here each is traced to the one that does.

use crate::pair::deployment::{COMMANDS, VARIABLES};

/// Commands that are run as they stand, and by what.
const RUN_ELSEWHERE: [(&str, &str); 3] = [
    // starts the program that this builds, and pastes what it prints
    ("cargo run", "all-in-one/tests/it/try_it_now.rs"),
    ("scripts/test", ".ci/run"),
    ("cargo build --release -p user-service -p notifier-service", "scripts/lint"),
];

fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The lines of the README's shell blocks.
fn commands() -> Vec<String> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let blocks = readme.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.flat_map(str::lines).map(str::to_owned).collect()
}

#[test]
fn every_command_of_the_readme_is_run_by_ci_or_a_test() {
    let commands = commands();
    let mut left: Vec<&str> = commands.iter().map(String::as_str).collect();
    for (command, by) in RUN_ELSEWHERE {
        assert!(left.contains(&command), "{command:?} is in the README no more");
        assert!(root().join(by).is_file(), "{by} is what runs {command:?}");
        left.retain(|line| *line != command);
    }
    let exports = VARIABLES.map(|variable| format!("export {variable}="));
    let programs = COMMANDS.map(|(binary, command)| format!("{binary} {command}"));
    let expected = exports.iter().chain(&programs).map(String::as_str);
    let told: Vec<_> = left.iter().map(|line| line.find('=').map_or(*line, |end| &line[..=end])).collect();
    assert_eq!(told, expected.collect::<Vec<_>>(), "what pair/deployment.rs runs");
}

#[test]
fn the_commands_that_ci_runs_are_in_its_scripts() {
    for (command, by) in RUN_ELSEWHERE.into_iter().filter(|(_, by)| !by.ends_with(".rs")) {
        let script = std::fs::read_to_string(root().join(by)).unwrap();
        assert!(script.contains(command), "{command:?} in {by}");
    }
}
