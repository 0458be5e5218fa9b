//! The start of a program's log, on stderr.

mod json;

use std::io::IsTerminal;
use std::str::FromStr;

use thiserror::Error;
use tracing_subscriber::EnvFilter;

use self::json::JsonLines;

/// How lines of the log look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// `Human` where stderr is a terminal, `Json` where it is not.
    Auto,
    /// One JSON object a line.
    Json,
    /// Text for somebody who reads along, in colours where stderr is a terminal.
    Human,
}

/// What is said of a format that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it must be auto, json or human")]
pub struct BadLogFormat;

/// What is said of a filter that cannot be read.
#[derive(Debug, Error)]
#[error("it must be a level or a filter such as info,sqlx=warn")]
pub struct BadLogFilter(#[source] tracing_subscriber::filter::ParseError);

impl FromStr for LogFormat {
    type Err = BadLogFormat;

    fn from_str(text: &str) -> Result<Self, BadLogFormat> {
        match text {
            "auto" => Ok(Self::Auto),
            "json" => Ok(Self::Json),
            "human" => Ok(Self::Human),
            _ => Err(BadLogFormat),
        }
    }
}

/// Starts the log of this process: what `filter` lets through, in `format`.
///
/// # Errors
///
/// When `filter` is neither a level nor a filter as `tracing-subscriber` reads it.
///
/// # Panics
///
/// When the process has a log already.
pub fn start(filter: &str, format: LogFormat) -> Result<(), BadLogFilter> {
    let filter = EnvFilter::try_new(filter).map_err(BadLogFilter)?;
    let terminal = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if format == LogFormat::Json || (format == LogFormat::Auto && !terminal) {
        log.fmt_fields(json::fields()).event_format(JsonLines).init();
    } else {
        log.with_ansi(terminal).init();
    }
    Ok(())
}
