//! What the pages say, in each language.

mod en;
mod es;
mod pt_br;

use shared_kernel::Locale;

/// Everything that is said in one language.
pub(super) struct Texts {
    pub(super) confirm_address: Question,
    pub(super) cancel_address_change: Question,
    pub(super) reset_password: Question,

    /// The labels of the two fields, and what helps to fill in the first.
    pub(super) new_password: &'static str,
    pub(super) new_password_again: &'static str,
    pub(super) password_hint: &'static str,

    pub(super) address_confirmed: Message,
    pub(super) address_change_cancelled: Message,
    pub(super) password_reset: Message,

    pub(super) link_void: Message,
    pub(super) address_taken: Message,
    pub(super) unreadable: Message,
    pub(super) too_often: Message,
    pub(super) unavailable: Message,
    pub(super) failed: Message,

    pub(super) password_too_short: &'static str,
    pub(super) password_too_long: &'static str,
    pub(super) password_invalid_characters: &'static str,
    pub(super) password_too_weak: &'static str,
    pub(super) passwords_differ: &'static str,
    pub(super) password_refused: &'static str,
}

/// A page's heading and what stands below it.
#[derive(Clone, Copy)]
pub(super) struct Message {
    pub(super) title: &'static str,
    pub(super) text: &'static str,
}

/// A page with a button.
#[derive(Clone, Copy)]
pub(super) struct Question {
    pub(super) message: Message,
    pub(super) button: &'static str,
}

pub(super) fn texts(locale: Locale) -> &'static Texts {
    match locale {
        Locale::En => &en::TEXTS,
        Locale::PtBr => &pt_br::TEXTS,
        Locale::Es => &es::TEXTS,
    }
}
