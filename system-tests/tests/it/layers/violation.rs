//! What is reported.

use std::fmt;

/// The rules that can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    /// A layer uses what it may not.
    Layer,
    /// A file outside of `composition` and `data_sources` names an adapter.
    Adapter,
    /// A layer uses a technology that is not for it to know.
    Technology,
    /// The entities are not pure.
    Async,
    /// A layer has nothing in it that was looked at.
    EmptyLayer,
    /// A module is in no layer.
    UnknownModule,
    /// A file is not Rust.
    Unparsable,
    /// Code comes from a file that the scan does not connect with a module.
    HiddenFile,
}

impl Rule {
    pub(super) const ALL: [Self; 8] = [
        Self::Layer,
        Self::Adapter,
        Self::Technology,
        Self::Async,
        Self::EmptyLayer,
        Self::UnknownModule,
        Self::Unparsable,
        Self::HiddenFile,
    ];

    /// Its name in reports and in the marks of fixtures.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Layer => "layer",
            Self::Adapter => "adapter",
            Self::Technology => "technology",
            Self::Async => "async",
            Self::EmptyLayer => "empty-layer",
            Self::UnknownModule => "unknown-module",
            Self::Unparsable => "unparsable",
            Self::HiddenFile => "hidden-file",
        }
    }
}

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Violation {
    /// Relative to the service's folder.
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) rule: Rule,
    /// What is used there, and what may be.
    pub(super) message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, rule, message } = self;
        let rule = rule.name();
        write!(f, "{file}:{line}: {message} [{rule}; the rules: system-tests/tests/it/layers/rules.rs]")
    }
}
