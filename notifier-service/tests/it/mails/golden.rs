use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use notifier_service::entities::samples;
use shared_kernel::Locale;

use super::Post;
use super::message::{check, normalised};

const UPDATE: &str = "UPDATE_GOLDEN=1 cargo test -p notifier-service --test it mails::golden";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/mails")
}

#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says so by the environment")]
fn is_to_update() -> bool {
    std::env::var("UPDATE_GOLDEN").is_ok()
}

/// Keeps the whole message of each mail in each language, so that every change of what people read is seen in review.
#[tokio::test]
async fn every_mail_in_every_language_is_as_its_golden_file() {
    let post = Post::open().await;
    let mut files = BTreeSet::new();
    for sample in Locale::ALL.into_iter().flat_map(samples) {
        let (mail, accepted) = post.send(&sample.notification).await;
        check(&accepted, &mail, &sample.notification, "ada@example.org");

        let file = format!("{}.{}.eml", sample.notification.locale.as_str(), sample.name);
        let path = folder().join(&file);
        let actual = normalised(&accepted.message);
        if is_to_update() {
            std::fs::create_dir_all(folder()).unwrap();
            std::fs::write(&path, &actual).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(actual, golden, "{file} differs; to accept what is new: {UPDATE}");
        files.insert(file);
    }
    let kept: BTreeSet<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(kept, files, "there are golden files of no mail");
}
