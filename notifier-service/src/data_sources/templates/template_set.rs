use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior, Value};
use shared_kernel::Locale;

use super::embedded::TEMPLATES;
use super::error::{TemplateError, innermost};
use crate::entities::NotificationKind;

/// The templates of mails: those that are embedded in the program, or a folder's in their place.
pub struct MailTemplates {
    environment: Environment<'static>,
    /// The files that took the place of embedded templates, by the templates' names.
    files: HashMap<&'static str, PathBuf>,
}

impl MailTemplates {
    /// Those that are embedded in the program.
    ///
    /// # Errors
    ///
    /// [`TemplateError`] names the template that cannot be understood, and the line.
    pub fn embedded() -> Result<Self, TemplateError> {
        Self::with_files(HashMap::new())
    }

    /// Those of a folder, such as `en/updated.text`, and for the others those that are embedded. Names that begin with a
    /// dot are passed over.
    ///
    /// # Errors
    ///
    /// [`TemplateError`] names the file that cannot be read or understood, or that is no template's.
    pub fn overridden_in(folder: &Path) -> Result<Self, TemplateError> {
        let mut files = HashMap::new();
        for (path, is_folder) in entries(folder)? {
            if !is_folder {
                let (name, path) = known(folder, path)?;
                files.insert(name, path);
                continue;
            }
            for (path, _) in entries(&path)? {
                let (name, path) = known(folder, path)?;
                files.insert(name, path);
            }
        }
        Self::with_files(files)
    }

    fn with_files(files: HashMap<&'static str, PathBuf>) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        // A misspelt fact is an error that the start finds, not an empty space that a reader does.
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| {
            if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
        });
        let mut templates = Self { environment, files };
        for (name, embedded) in TEMPLATES.into_iter().flatten() {
            let added = match templates.files.get(name) {
                Some(path) => {
                    let source = fs::read_to_string(path)
                        .map_err(|source| TemplateError::Unreadable { path: path.clone(), source })?;
                    templates.environment.add_template_owned(*name, source)
                }
                None => templates.environment.add_template(name, embedded),
            };
            added.map_err(|error| templates.broken(&error))?;
        }
        Ok(templates)
    }

    /// Fills a template in.
    pub(super) fn fill_in(&self, name: &str, facts: &Value) -> Result<String, Error> {
        self.environment.get_template(name)?.render(facts)
    }

    /// An error of one of these templates, with its file and line.
    pub(super) fn broken(&self, error: &Error) -> TemplateError {
        let error = innermost(error);
        let name = error.name().unwrap_or("a template");
        let words = match error.detail() {
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        };
        TemplateError::Broken { file: self.file_of(name), line: error.line(), words }
    }

    /// Where a template is from.
    pub(super) fn file_of(&self, name: &str) -> String {
        self.files.get(name).map_or_else(|| name.to_owned(), |path| path.display().to_string())
    }
}

/// What is in a folder, in the order of the names, and which of it is a folder again.
fn entries(folder: &Path) -> Result<Vec<(PathBuf, bool)>, TemplateError> {
    let unreadable = |path: &Path, source| TemplateError::Unreadable { path: path.to_owned(), source };
    let mut paths = fs::read_dir(folder)
        .and_then(|entries| {
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
        })
        .map_err(|source| unreadable(folder, source))?;
    // Versions of a mounted folder and the notes of file managers.
    paths.retain(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')));
    paths.sort();
    paths
        .into_iter()
        .map(|path| match fs::metadata(&path) {
            Ok(metadata) => Ok((path, metadata.is_dir())),
            Err(source) => Err(unreadable(&path, source)),
        })
        .collect()
}

/// The template whose place a file takes.
fn known(folder: &Path, path: PathBuf) -> Result<(&'static str, PathBuf), TemplateError> {
    let name: Vec<_> = path
        .strip_prefix(folder)
        .unwrap_or(&path)
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    let name = name.join("/");
    match TEMPLATES.into_iter().flatten().find(|(known, _)| *known == name) {
        Some((known, _)) => Ok((known, path)),
        None => Err(TemplateError::Unknown { path, known: known_names() }),
    }
}

fn known_names() -> String {
    let shared: Vec<_> = TEMPLATES[0].iter().map(|(name, _)| *name).collect();
    let own: Vec<_> =
        TEMPLATES[1].iter().filter_map(|(name, _)| name.split_once('/')).map(|(_, name)| name).collect();
    let own = own.into_iter().filter(|name| name.starts_with("layout.") || name.starts_with("link."));
    format!(
        "{} and, each in a folder {}: {}, and KIND.subject, KIND.text and KIND.html, where KIND is one of {}",
        shared.join(", "),
        Locale::ALL.map(Locale::as_str).join(", "),
        own.collect::<Vec<_>>().join(", "),
        NotificationKind::ALL.map(NotificationKind::as_str).join(", "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overridden(files: &[(&str, &str)]) -> Result<MailTemplates, String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, source) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, source).unwrap();
        }
        MailTemplates::overridden_in(folder.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_kind_in_every_language_is_embedded() {
        let templates = MailTemplates::embedded().unwrap_or_else(|error| panic!("{error}"));
        for locale in Locale::ALL {
            for kind in NotificationKind::ALL {
                for part in ["subject", "text", "html"] {
                    let name = format!("{}/{}.{part}", locale.as_str(), kind.as_str());
                    assert!(templates.environment.get_template(&name).is_ok(), "{name}");
                }
            }
        }
    }

    #[test]
    fn a_file_takes_the_place_of_its_template_alone() {
        let templates = overridden(&[
            ("en/updated.subject", "Changed, {{ name }}"),
            (".git/config", "not a template"),
            ("en/.updated.subject.swp", "not a template"),
        ])
        .unwrap();
        let facts = minijinja::context! { name => "Ada", username => "ada" };
        assert_eq!(templates.fill_in("en/updated.subject", &facts).unwrap(), "Changed, Ada");
        assert_eq!(templates.fill_in("en/deleted.subject", &facts).unwrap(), "Your account ada was deleted");
    }

    #[test]
    fn a_file_of_an_unknown_name_is_refused_with_the_known_ones() {
        for name in
            ["en/update.text", "fr/updated.text", "updated.text", "en/deep/updated.text", "en/updated.txt"]
        {
            let error = overridden(&[(name, "x")]).err().expect(name);
            let shown = name.replace("/updated.text", "");
            assert!(error.contains(if name.contains("deep") { &shown } else { name }), "{error}");
            for known in ["layout.html", "en, pt-BR, es", "KIND.subject", "link.text", "address-replaced"] {
                assert!(error.contains(known), "{known} in {error}");
            }
        }
    }

    #[test]
    fn a_template_that_cannot_be_understood_is_told_with_its_file_and_line() {
        let error = overridden(&[("es/updated.text", "Hola\n{{ name }\n")]).err().unwrap();
        assert!(error.contains("es/updated.text, line 2: syntax error"), "{error}");
        let error = MailTemplates::overridden_in(Path::new("/no/such/folder")).err().unwrap().to_string();
        assert!(error.contains("/no/such/folder cannot be read"), "{error}");
    }
}
