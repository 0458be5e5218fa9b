use std::ops::Deref;
use std::sync::Arc;

use super::OperatorToken;
use crate::interactors::{
    CancelMail, InspectMails, ListDeadLetters, RedriveDeadLetters, RedriveMails, ResendMail,
};

/// What an operator can do to mails.
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

/// What an operator can do to the records that were set aside on the dead-letter topic.
pub struct DeadLetterCommands {
    /// Looks.
    pub list: ListDeadLetters,
    /// Records those that can be.
    pub redrive: RedriveDeadLetters,
}

/// An operator's use cases, and what they are guarded by.
pub(super) struct Guarded {
    pub(super) operator: Operator,
    pub(super) letters: DeadLetterCommands,
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
