//! `notifier-service preview`, run as a process.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use mail_parser::MessageParser;
use notifier_service::entities::samples;
use shared_kernel::Locale;

fn preview(folder: &Path, settings: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_notifier-service"));
    command.args(["preview", "--folder"]).arg(folder).env_clear().envs(settings.iter().copied());
    command.output().unwrap()
}

#[test]
fn every_mail_in_every_language_is_written_in_all_its_forms() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("new");
    let settings = [
        ("NOTIFIER_MAIL_FROM", "accounts@sender.example"),
        ("NOTIFIER_PUBLIC_URL", "https://accounts.example.org/people"),
        ("NOTIFIER_CONTACT", "https://help.example.org"),
    ];
    let output = preview(&folder, &settings);
    assert!(output.status.success(), "{output:?}");
    let index = fs::read_to_string(folder.join("index.html")).unwrap();
    let mut files = 1;
    for locale in Locale::ALL {
        for sample in samples(locale) {
            let stem = format!("{}.{}", locale.as_str(), sample.name);
            let read = |form: &str| fs::read_to_string(folder.join(format!("{stem}.{form}"))).unwrap();
            let (message, text, html) = (read("eml"), read("txt"), read("html"));
            assert!(!message.replace("\r\n", "").contains(['\r', '\n']), "a line break that is none: {stem}");
            assert!(message.is_ascii(), "{stem}");
            let parsed = MessageParser::default().parse(message.as_bytes()).unwrap();
            assert_eq!(parsed.body_text(0).unwrap().replace("\r\n", "\n").trim_end(), text.trim_end());
            assert_eq!(parsed.body_html(0).unwrap().replace("\r\n", "\n").trim_end(), html.trim_end());
            // The host is the service's name where the sender has none.
            assert!(text.contains("accounts.example.org") && text.contains("https://help.example.org"));
            for form in ["eml", "txt", "html"] {
                assert!(index.contains(&format!("href=\"{stem}.{form}\"")), "{stem}.{form}");
            }
            files += 3;
        }
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), files);
}

#[test]
fn templates_in_a_folder_take_their_place_and_faults_are_told_with_file_and_line() {
    let scratch = tempfile::tempdir().unwrap();
    let (folder, templates) = (scratch.path().join("mails"), scratch.path().join("templates"));
    fs::create_dir_all(templates.join("es")).unwrap();
    let settings = [("NOTIFIER_TEMPLATES", templates.to_str().unwrap())];

    fs::write(templates.join("es/deleted.subject"), "Adiós, {{ name }}").unwrap();
    assert!(preview(&folder, &settings).status.success());
    let index = fs::read_to_string(folder.join("index.html")).unwrap();
    assert!(index.contains("Adiós, Ada Lovelace") && index.contains("Your account ada was deleted"));

    fs::write(templates.join("es/deleted.text"), "Hola\n{{ nombre }}").unwrap();
    let output = preview(&folder, &settings);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(said.contains("es/deleted.text, line 2: undefined value"), "{said}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let output = preview(Path::new("/proc/no-such-folder"), &[]);
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("/proc/no-such-folder"), "{said}");
}
