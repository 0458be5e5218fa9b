//! The layer rule of both services.
//!
//! | layer | may use | does not know |
//! |---|---|---|
//! | `entities` | – | async, clocks, any technology |
//! | `repositories` (ports) | entities | any technology |
//! | `interactors` (use cases) | entities, repositories | any technology |
//! | `transport` (what drives the service) | interactors, entities | databases, mail; a broker only in its consumer, templates only in pages |
//! | `data_sources` (adapters) | repositories, entities | HTTP servers, the command line |
//!
//! Any of them may use shared-kernel and libraries without I/O. Around the layers stand `composition`, `config`,
//! `cli`, `lib.rs` and `main.rs`. Only `composition` may name an adapter: what is in `data_sources` and implements a
//! port or is async. `config` and `cli` may use the plain settings types there, one by one and by name.
//!
//! Modules under `#[cfg(test)]` are free to use anything.

/// The places of a service's source that rules are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Entities,
    Repositories,
    Interactors,
    Transport,
    DataSources,
    Composition,
    Config,
    Cli,
    /// `lib.rs` and `main.rs`.
    Root,
}

use Place::{Cli, Composition, Config, DataSources, Entities, Interactors, Repositories, Root, Transport};

/// What the use cases, their ports and the entities must not know.
const TECHNOLOGIES: &[&str] = &[
    "argon2",
    "axum",
    "clap",
    "getrandom",
    "governor",
    "kafka_connection",
    "lettre",
    "minijinja",
    "mysql_async",
    "mysql_common",
    "prometheus",
    "rdkafka",
    "reqwest",
    "ring",
    "sqlx",
    "table_broker",
    "telemetry",
    "tokio",
    "tokio_rustls",
    "tokio_util",
    "tower",
    "tower_http",
    "utoipa",
    "utoipa_axum",
    "zxcvbn",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
];

/// What the entities must not know besides.
const IMPURE: &[&str] = &[
    "async_trait",
    "futures_util",
    "std::future",
    "std::task",
    "std::time::Instant",
    "std::time::SystemTime",
];

impl Place {
    pub(super) const LAYERS: [Self; 5] = [Entities, Repositories, Interactors, Transport, DataSources];

    /// The place that a module of the crate's root is.
    pub(super) fn named(module: &str) -> Option<Self> {
        [Entities, Repositories, Interactors, Transport, DataSources, Composition, Config, Cli]
            .into_iter()
            .find(|it| it.name() == module)
    }

    /// The place that a module is in; none when it is in none of them.
    pub(super) fn of(module: &[String]) -> Option<Self> {
        module.first().map_or(Some(Root), |first| Self::named(first))
    }

    /// The name of its module.
    pub(super) fn name(self) -> &'static str {
        match self {
            Entities => "entities",
            Repositories => "repositories",
            Interactors => "interactors",
            Transport => "transport",
            DataSources => "data_sources",
            Composition => "composition",
            Config => "config",
            Cli => "cli",
            Root => "the crate's root",
        }
    }

    /// The other places that it may use.
    pub(super) fn may_use(self) -> &'static [Self] {
        match self {
            Entities => &[],
            Repositories => &[Entities],
            Interactors => &[Entities, Repositories],
            Transport => &[Interactors, Entities],
            DataSources => &[Repositories, Entities],
            Composition => &[Config, Transport, Interactors, Repositories, Entities, DataSources],
            Config => &[Transport, Interactors, Entities, DataSources],
            Cli => &[Config, Transport, Interactors, Entities, DataSources],
            Root => &[Composition, Config, Cli],
        }
    }

    /// Whether it may name an adapter.
    pub(super) fn may_name_adapters(self) -> bool {
        matches!(self, Composition | DataSources)
    }

    /// The crates and modules that its file must not use.
    pub(super) fn banned(self, file: &str) -> Vec<&'static str> {
        match self {
            Entities => [IMPURE, TECHNOLOGIES].concat(),
            Repositories | Interactors => TECHNOLOGIES.to_vec(),
            Transport => {
                let mut banned = vec![
                    "argon2",
                    "clap",
                    "getrandom",
                    "lettre",
                    "mysql_async",
                    "mysql_common",
                    "sqlx",
                    "zxcvbn",
                ];
                // Pages for people are what HTTP has to say, and no adapter of a port.
                if !file.starts_with("src/transport/http/pages/") {
                    banned.push("minijinja");
                }
                let consumer_of =
                    |broker: &str| file.starts_with(&format!("src/transport/{broker}_consumer"));
                if !consumer_of("kafka") {
                    banned.extend(["kafka_connection", "rdkafka"]);
                }
                if !consumer_of("table_broker") {
                    banned.push("table_broker");
                }
                banned
            }
            DataSources => vec!["axum", "clap", "tower", "tower_http"],
            Composition | Config | Cli | Root => Vec::new(),
        }
    }
}
