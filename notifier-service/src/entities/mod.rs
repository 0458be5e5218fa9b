//! Domain types and rules. Pure: no async, no I/O, no clock, no randomness.

mod action_links;
mod attempt;
mod circuit_breaker;
mod delivery_policy;
mod dialogue;
mod lease;
mod link_lifetimes;
mod mail;
mod mask;
mod notification;
mod notification_kind;
mod one_line;
mod plan;
mod plan_update;
mod public_url;
mod received_record;
mod retry_schedule;

pub use action_links::{ActionLink, ActionLinks};
pub use attempt::{Attempt, AttemptOutcome};
pub use circuit_breaker::{Admission, BreakerChange, BreakerPace, CircuitBreaker};
pub use delivery_policy::DeliveryPolicy;
pub use dialogue::{Answer, DialogueStage};
pub use lease::{Claimed, Lease, LeaseToken};
pub use link_lifetimes::LinkLifetimes;
pub use mail::Mail;
pub use mask::{mask_address, mask_in};
pub use notification::{Notification, NotificationId, Recipient};
pub use notification_kind::NotificationKind;
pub use one_line::one_line;
pub use plan::plan;
pub use public_url::{BadPublicUrl, PublicUrl};
pub use received_record::{Place, ReceivedRecord};
pub use retry_schedule::RetrySchedule;
