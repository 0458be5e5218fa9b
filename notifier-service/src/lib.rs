//! notifier-service: mail about every change of an account.
//!
//! It reads user events from the topic, writes one ledger row a mail to send, and delivers what the
//! ledger holds. Ports and adapters, in five layers:
//!
//! | module | holds | may use |
//! |---|---|---|
//! | [`entities`] | notifications, the rules of what is sent to whom and when | – |
//! | [`repositories`] | the ports | entities |
//! | [`interactors`] | the use cases: record events, deliver notifications | entities, repositories |
//! | `transport` | what drives them: consumers and loops | interactors, entities |
//! | `data_sources` | the adapters: ledgers, SMTP, templates, dead letters | repositories, entities |
//!
//! `composition` alone names concrete adapters. Without any cargo feature the crate is its first three
//! layers; each adapter is a feature of its own.

#[cfg(feature = "composition")]
pub mod composition;
#[cfg(feature = "composition")]
pub mod config;
pub mod data_sources;
pub mod entities;
pub mod interactors;
pub mod repositories;
#[cfg(any(feature = "consumers", feature = "http"))]
pub mod transport;
