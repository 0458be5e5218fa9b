use std::error::Error;
use std::path::PathBuf;

use thiserror::Error as ThisError;

/// The mail templates cannot be used. Says which file and, where it is known, which line.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum TemplateError {
    /// The folder, or a file in it, cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file in the folder takes the place of no template.
    #[error("{} takes the place of no template; there are {known}", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// What may be there.
        known: String,
    },
    /// A template cannot be understood, or not be filled in with sample data.
    #[error("{file}{}: {words}", in_line(*line))]
    Broken {
        /// The file, or the name of the embedded template.
        file: String,
        /// Its line, from 1.
        line: Option<usize>,
        /// What is wrong.
        words: String,
    },
    /// A template can be filled in, and leaves out what its mail is for.
    #[error("{file}: {lacks} is missing")]
    Incomplete {
        /// The file, or the name of the embedded template.
        file: String,
        /// What is not in the mail.
        lacks: &'static str,
    },
}

fn in_line(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(", line {line}"))
}

/// The error of a template that another one includes or extends, rather than that of the other one.
pub(super) fn innermost(error: &minijinja::Error) -> &minijinja::Error {
    let mut innermost = error;
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(inner) = inner.downcast_ref::<minijinja::Error>()
            && inner.name().is_some()
        {
            innermost = inner;
        }
        source = inner.source();
    }
    innermost
}
