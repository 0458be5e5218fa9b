use super::{Message, Question, Texts};

pub(super) const TEXTS: Texts = Texts {
    confirm_address: Question {
        message: Message {
            title: "Confirm your address",
            text: "Press the button to confirm that this e-mail address is yours.",
        },
        button: "Confirm address",
    },
    cancel_address_change: Question {
        message: Message {
            title: "Keep your current address",
            text: "Somebody asked to change the e-mail address of your account. If it was not you, press the \
                   button: the change is stopped, and your account keeps its current address.",
        },
        button: "Stop the change",
    },
    reset_password: Question {
        message: Message {
            title: "Choose a new password",
            text: "When you change it, every device that is logged in to your account is logged out.",
        },
        button: "Change password",
    },

    new_password: "New password",
    new_password_again: "New password again",
    password_hint: "At least 8 characters. A few uncommon words make a good password.",

    address_confirmed: Message {
        title: "Your address is confirmed",
        text: "All is done. You can close this page.",
    },
    address_change_cancelled: Message {
        title: "The change was stopped",
        text: "Your account keeps its current address. If you did not ask for the change, somebody else may know \
               your password: choose a new one.",
    },
    password_reset: Message {
        title: "Your password was changed",
        text: "All devices were logged out. Log in with the new password.",
    },

    link_void: Message {
        title: "This link does not work any more",
        text: "It was used already, has expired, or did not arrive whole. If you have just used it, all is well. \
               If not, ask for another mail and open the link in the latest one.",
    },
    address_taken: Message {
        title: "This address belongs to another account",
        text: "Another account has confirmed it in the meantime, so yours cannot use it. Your account keeps its \
               current address.",
    },
    unreadable: Message {
        title: "We could not read what was sent",
        text: "Please open the link in the mail once more.",
    },
    too_often: Message { title: "Too many attempts", text: "Please wait a minute and try again." },
    unavailable: Message {
        title: "Please try again in a moment",
        text: "The service cannot do this right now.",
    },
    failed: Message {
        title: "Something went wrong on our side",
        text: "We are sorry. Please try again later.",
    },

    password_too_short: "Use at least 8 characters.",
    password_too_long: "Use at most 128 characters.",
    password_invalid_characters: "Leave out control characters, such as tabs and line breaks.",
    password_too_weak: "This password is too easy to guess. Make it longer, of a few uncommon words, say.",
    passwords_differ: "The two passwords are not the same.",
    password_refused: "This password cannot be used. Please choose another one.",
};
