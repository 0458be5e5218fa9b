//! The fault campaign: the pair under load on servers of its own while everything around it breaks, and an oracle that
//! judges it from the outside.

mod campaign;
mod client;
mod evidence;
mod fault;
mod life;
mod mail_server;
mod oracle;
mod pair;
mod plan;
mod proxy;
mod replica;
mod settings;
mod told;
mod verdict;

pub use campaign::run;
pub use evidence::{
    AcceptedMail, Answer, Change, Disturbance, Evidence, Key, Kind, Leftovers, LifeRecord, RefusedMail, Row,
    What,
};
pub use fault::{Fault, Link, Role, Server, Stage, Trouble, Wiring};
pub use life::{LifePlan, Step};
pub use oracle::{Judgement, judge};
pub use plan::{Plan, PlannedFault};
pub use settings::{Database, Defect, Settings};
pub use told::Told;
pub use verdict::Verdict;
