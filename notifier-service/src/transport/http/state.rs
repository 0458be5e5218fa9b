use std::ops::Deref;
use std::sync::Arc;

use super::OperatorToken;
use crate::interactors::{CancelMail, InspectMails, RedriveMails, ResendMail};

/// What an operator can do.
pub struct Operator {
    /// Looks.
    pub inspect: InspectMails,
    /// Puts one mail back.
    pub resend: ResendMail,
    /// Takes one mail out.
    pub cancel: CancelMail,
    /// Puts many back.
    pub redrive: RedriveMails,
}

/// An operator's use cases, and what they are guarded by.
pub(super) struct Guarded {
    pub(super) operator: Operator,
    /// Whoever has it may do all of that.
    pub(super) token: OperatorToken,
}

pub(super) type Shared = Arc<Guarded>;

impl Deref for Guarded {
    type Target = Operator;

    fn deref(&self) -> &Operator {
        &self.operator
    }
}
