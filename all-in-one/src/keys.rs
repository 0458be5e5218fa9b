//! Keys that the program makes for itself and keeps in the data folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use notifier_service::transport::http::{BadOperatorToken, OperatorToken};
use secrecy::{ExposeSecret, SecretString};
use shared_kernel::{BadKeys, SigningKeys};
use thiserror::Error;

/// The file of the key by which the links of mails are signed.
pub const ACTION_TOKEN_KEY: &str = "action-token.key";

/// The file of the key by which access tokens are signed.
pub const SESSION_KEY: &str = "session.key";

/// The file of the token that the notifier's operator logs in with.
pub const OPERATOR_TOKEN: &str = "operator.token";

/// As many random bytes as HMAC-SHA256 makes use of; a key is written in twice as many hexadecimal digits.
const KEY_BYTES: usize = 32;
/// Enough that no two starts choose the same name for their draft.
const DRAFT_BYTES: usize = 8;

/// A key can be neither read nor made.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error("the key file {} cannot be used", file.display())]
    Unusable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file holds no key.
    #[error("the key file {}", file.display())]
    Bad {
        /// The file.
        file: PathBuf,
        /// What it must hold.
        #[source]
        source: BadKeys,
    },
    /// The file holds no token.
    #[error("the token file {}", file.display())]
    BadToken {
        /// The file.
        file: PathBuf,
        /// What it must hold.
        #[source]
        source: BadOperatorToken,
    },
}

/// Reads the key in that file of a folder; makes it from the system's randomness where there is none. Starts
/// that come at the same time get the same key, and none of them ever finds half of one.
///
/// # Errors
///
/// [`KeyFileError`], which names the file.
pub fn read_or_create(folder: &Path, name: &str) -> Result<SigningKeys, KeyFileError> {
    let file = folder.join(name);
    let text = read_or_make(&file).map_err(|source| KeyFileError::Unusable { file: file.clone(), source })?;
    SigningKeys::parse(text.expose_secret()).map_err(|source| KeyFileError::Bad { file, source })
}

/// Reads the operator's token in that file of a folder, as [`read_or_create`] does a key.
///
/// # Errors
///
/// [`KeyFileError`], which names the file.
pub fn read_or_create_token(folder: &Path, name: &str) -> Result<OperatorToken, KeyFileError> {
    let file = folder.join(name);
    let text = read_or_make(&file).map_err(|source| KeyFileError::Unusable { file: file.clone(), source })?;
    OperatorToken::parse(text.expose_secret().trim_end())
        .map_err(|source| KeyFileError::BadToken { file, source })
}

fn read_or_make(file: &Path) -> io::Result<SecretString> {
    match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(file)?,
        read => return read.map(SecretString::from),
    }
    fs::read_to_string(file).map(SecretString::from)
}

/// Writes a new key into a draft and gives it its name when it is whole and on the disk, unless another start
/// has been quicker.
fn make(file: &Path) -> io::Result<()> {
    let draft = file.with_added_extension(format!("{}.draft", random_hex::<DRAFT_BYTES>()?.expose_secret()));
    let linked = write(&draft, &random_hex::<KEY_BYTES>()?)
        // Not a rename, which would take the place of a key that is in use.
        .and_then(|()| fs::hard_link(&draft, file));
    let removed = fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        linked => linked?,
    }
    removed?;
    file.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn write(draft: &Path, key: &SecretString) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    writeln!(file, "{}", key.expose_secret())?;
    file.sync_all()
}

fn random_hex<const BYTES: usize>() -> io::Result<SecretString> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Barrier;

    use super::*;

    const NAME: &str = "some.key";

    /// What the keys make of a text: the same for the same keys.
    fn mark(keys: &SigningKeys) -> [u8; 32] {
        keys.fingerprint("test", b"text")
    }

    fn names_in(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let made = read_or_create(folder.path(), NAME).unwrap();
        assert_eq!(mark(&read_or_create(folder.path(), NAME).unwrap()), mark(&made));
        let file = folder.path().join(NAME);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.trim_end().len() == 64 && text.trim_end().bytes().all(|b| b.is_ascii_hexdigit()));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(names_in(folder.path()), [NAME], "no draft is left");
    }

    #[test]
    fn every_file_and_every_folder_has_a_key_of_its_own() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let marks = [(&one, NAME), (&one, "other.key"), (&other, NAME)]
            .map(|(folder, name)| mark(&read_or_create(folder.path(), name).unwrap()));
        assert!(marks[0] != marks[1] && marks[0] != marks[2] && marks[1] != marks[2]);
    }

    #[test]
    fn starts_at_the_same_time_get_the_same_key() {
        const STARTS: usize = 8;
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let together = Barrier::new(STARTS);
            let start = || {
                together.wait();
                mark(&read_or_create(folder.path(), NAME).unwrap())
            };
            let marks: Vec<_> = std::thread::scope(|scope| {
                let starts: Vec<_> = (0..STARTS).map(|_| scope.spawn(start)).collect();
                starts.into_iter().map(|start| start.join().unwrap()).collect()
            });
            assert!(marks.iter().all(|mark| *mark == marks[0]));
            assert_eq!(names_in(folder.path()), [NAME]);
        }
    }

    #[test]
    fn what_a_crash_left_behind_is_no_key() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("some.key.0123456789abcdef.draft"), "abc").unwrap();
        read_or_create(folder.path(), NAME).unwrap();
    }

    #[test]
    fn a_file_without_a_key_is_refused_by_its_name_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(NAME);
        fs::write(&file, "short secret").unwrap();
        let error = read_or_create(folder.path(), NAME).unwrap_err();
        let said = shared_kernel::in_words(&error);
        assert!(said.contains(NAME) && said.contains("32 characters") && !said.contains("secret"), "{said}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "short secret");
        let error = read_or_create(&folder.path().join("missing"), NAME).unwrap_err();
        assert!(matches!(error, KeyFileError::Unusable { .. }), "{error:?}");
    }
}
