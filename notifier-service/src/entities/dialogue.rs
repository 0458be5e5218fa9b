/// How far a dialogue with a mail server got. The stage at which it ended decides whose fault that was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DialogueStage {
    /// The connection, from the first byte if `smtps` asks for TLS; the server's greeting; EHLO.
    Connect,
    /// STARTTLS.
    Encrypt,
    /// AUTH.
    Authenticate,
    /// MAIL FROM.
    MailFrom,
    /// RCPT TO.
    RcptTo,
    /// DATA.
    Data,
    /// The message up to its final dot, and the answer to it.
    Message,
}

impl DialogueStage {
    /// Every stage, in the order of the dialogue.
    pub const ALL: [Self; 7] = [
        Self::Connect,
        Self::Encrypt,
        Self::Authenticate,
        Self::MailFrom,
        Self::RcptTo,
        Self::Data,
        Self::Message,
    ];

    /// Its name in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Encrypt => "encrypt",
            Self::Authenticate => "authenticate",
            Self::MailFrom => "mail-from",
            Self::RcptTo => "rcpt-to",
            Self::Data => "data",
            Self::Message => "message",
        }
    }

    /// The stage of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == name)
    }

    /// Whether an answer at this stage is about the mail. Before it, trouble is the server's or ours.
    pub fn is_about_the_mail(self) -> bool {
        self >= Self::RcptTo
    }
}

/// What was said about a mail, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The stage of the dialogue at which it was said; `None` where there was no dialogue.
    pub stage: Option<DialogueStage>,
    /// The server's words, or ours where it had none. May hold the address.
    pub words: String,
}

impl Answer {
    /// At that stage.
    pub fn at(stage: DialogueStage, words: impl Into<String>) -> Self {
        Self { stage: Some(stage), words: words.into() }
    }

    /// Without a dialogue.
    pub fn ours(words: impl Into<String>) -> Self {
        Self { stage: None, words: words.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_is_found_by_its_name_and_only_the_last_three_are_about_the_mail() {
        for stage in DialogueStage::ALL {
            assert_eq!(DialogueStage::from_name(stage.as_str()), Some(stage));
        }
        assert_eq!(DialogueStage::from_name("quit"), None);
        let about_the_mail = DialogueStage::ALL.into_iter().filter(|stage| stage.is_about_the_mail());
        assert_eq!(
            about_the_mail.collect::<Vec<_>>(),
            [DialogueStage::RcptTo, DialogueStage::Data, DialogueStage::Message]
        );
    }
}
