//! Secrets and texts, given directly or in files.

use std::path::Path;

use super::setting_error::SettingError;

/// A secret, given directly or in a file, whose last line break does not belong to it.
pub(super) fn secret(
    value: Option<&str>,
    file: Option<&Path>,
    flag: &'static str,
    variable: &'static str,
) -> Result<String, SettingError> {
    match (value, file) {
        (Some(value), _) => Ok(value.to_owned()),
        (None, Some(file)) => std::fs::read_to_string(file)
            .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
            .map_err(|source| SettingError::UnreadableFile { flag, variable, file: file.to_owned(), source }),
        (None, None) => Err(SettingError::Missing { flag, variable }),
    }
}

/// What a file holds that is given by name alone.
pub(super) fn text_file(
    file: &Path,
    flag: &'static str,
    variable: &'static str,
) -> Result<String, SettingError> {
    std::fs::read_to_string(file).map_err(|source| SettingError::UnreadableText {
        flag,
        variable,
        file: file.to_owned(),
        source,
    })
}
