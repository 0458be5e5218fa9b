//! What only somebody may do to an account who has shown that it is theirs: by the token of a link, or by the
//! password.

use chrono::TimeDelta;
use shared_kernel::{AccountStatus, ActionToken};

use super::{ChangeStamp, PasswordHash, User};

impl User {
    /// The account after the holder of the token has shown that the address is theirs, or `None` when the token
    /// does not fit the account (any more): the waiting address comes into force, or the one in force is
    /// confirmed.
    #[must_use]
    pub fn confirmed(&self, token: &ActionToken, stamp: ChangeStamp) -> Option<Self> {
        let mut after = self.clone();
        let awaited = match (&self.pending_email, self.status) {
            (Some(pending), _) => {
                after.email = after.pending_email.take()?;
                pending
            }
            (None, AccountStatus::Unconfirmed) => &self.email,
            (None, AccountStatus::Confirmed) => return None,
        };
        if !self.is_as_told(token) || awaited.as_str() != token.address {
            return None;
        }
        after.confirm();
        Some(after.secured(stamp))
    }

    /// The account after the holder of the token, who reads the mail of the address in force, has stopped the
    /// change to another one; `None` when the token does not fit, or there is nothing to stop.
    #[must_use]
    pub fn address_change_cancelled(&self, token: &ActionToken, stamp: ChangeStamp) -> Option<Self> {
        if !self.is_as_told(token) || self.email.as_str() != token.address || self.pending_email.is_none() {
            return None;
        }
        let mut after = self.clone();
        after.pending_email = None;
        Some(after.secured(stamp))
    }

    /// Whether the token lets its holder choose a new password.
    pub fn lets_reset_password(&self, token: &ActionToken) -> bool {
        self.is_as_told(token) && self.email.as_str() == token.address
    }

    /// The account with a password that the reader of its address has chosen, who has thereby confirmed it.
    #[must_use]
    pub fn with_reset_password(&self, password: PasswordHash, stamp: ChangeStamp) -> Self {
        let mut after = self.with_new_password(password, stamp);
        after.confirm();
        after
    }

    /// The account with a newly chosen password. A change of the address that still waits is called off: the link
    /// that stops it counts no more, and whoever asked for it may be who the new password is to keep out.
    #[must_use]
    pub fn with_new_password(&self, password: PasswordHash, stamp: ChangeStamp) -> Self {
        let mut after = self.clone();
        after.password = password;
        after.pending_email = None;
        // Moves in any case: that is what tells others that a password was chosen.
        after.password_changed_at = stamp.at.max(self.password_changed_at + TimeDelta::microseconds(1));
        after.secured(stamp)
    }

    fn confirm(&mut self) {
        self.status = AccountStatus::Confirmed;
        self.confirmation_asked_at = None;
    }

    /// Whether the account is still as the event was that the token was made from.
    fn is_as_told(&self, token: &ActionToken) -> bool {
        token.user_id == self.id && token.security_version == self.security_version
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use shared_kernel::{ActionPurpose, UserField};

    use super::*;
    use crate::entities::user::tests::{ada, stamp};
    use crate::entities::{EmailAddress, FieldUpdate, UserUpdate};

    /// A token as the notifier makes it from the account's last event.
    fn token_for(user: &User, address: &str) -> ActionToken {
        ActionToken {
            purpose: ActionPurpose::ConfirmAddress,
            user_id: user.id,
            address: address.to_owned(),
            security_version: user.security_version,
            expires: DateTime::UNIX_EPOCH,
        }
    }

    fn with_pending_address() -> User {
        let email = FieldUpdate::Set(EmailAddress::parse("ada@new.example").unwrap());
        let update = UserUpdate { email, ..UserUpdate::default() };
        ada(AccountStatus::Confirmed).updated(update, stamp(2)).unwrap()
    }

    #[test]
    fn a_first_address_is_confirmed_once() {
        let before = ada(AccountStatus::Unconfirmed);
        let token = token_for(&before, "ada@old.example");
        let after = before.confirmed(&token, stamp(2)).unwrap();
        assert_eq!(after.differences(&before), [UserField::Status]);
        assert_eq!((after.version, after.security_version), (2, 2));
        assert!(after.confirmed(&token, stamp(3)).is_none());
    }

    #[test]
    fn a_waiting_address_comes_into_force_when_it_is_confirmed() {
        let before = with_pending_address();
        let after = before.confirmed(&token_for(&before, "ada@new.example"), stamp(3)).unwrap();
        assert_eq!(after.differences(&before), [UserField::Email, UserField::PendingEmail]);
        assert_eq!((after.email.as_str(), after.pending_email), ("ada@new.example", None));
    }

    #[test]
    fn a_token_for_another_address_version_or_account_does_not_count() {
        let before = with_pending_address();
        let good = token_for(&before, "ada@new.example");
        let of_the_old_address = token_for(&before, "ada@old.example");
        let outdated = ActionToken { security_version: good.security_version - 1, ..good.clone() };
        let of_another = ActionToken { user_id: shared_kernel::UserId(uuid::Uuid::nil()), ..good };
        for token in [&of_the_old_address, &outdated, &of_another] {
            assert!(before.confirmed(token, stamp(3)).is_none(), "{token:?}");
        }
        assert!(before.address_change_cancelled(&outdated, stamp(3)).is_none());
        assert!(!before.lets_reset_password(&outdated));
    }

    #[test]
    fn the_owner_of_the_address_in_force_can_stop_a_change() {
        let before = with_pending_address();
        let confirm = token_for(&before, "ada@new.example");
        assert!(before.address_change_cancelled(&confirm, stamp(3)).is_none(), "the new address cannot");
        let stop = token_for(&before, "ada@old.example");
        let after = before.address_change_cancelled(&stop, stamp(3)).unwrap();
        assert_eq!((after.email.as_str(), &after.pending_email), ("ada@old.example", &None));
        assert!(after.confirmed(&confirm, stamp(4)).is_none(), "the other link counts no more");
        assert!(after.address_change_cancelled(&stop, stamp(4)).is_none());
    }

    #[test]
    fn a_new_password_ends_every_token() {
        let before = ada(AccountStatus::Confirmed);
        let token = token_for(&before, "ada@old.example");
        assert!(before.lets_reset_password(&token));
        let after = before.with_new_password(PasswordHash::new("$argon2id$y".into()), stamp(2));
        assert_eq!(after.differences(&before), [UserField::Password]);
        assert!(!after.lets_reset_password(&token));
    }

    #[test]
    fn a_password_is_new_also_when_the_clock_stands_still() {
        let before = ada(AccountStatus::Confirmed);
        let after = before.with_new_password(before.password.clone(), stamp(1));
        assert_eq!(after.differences(&before), [UserField::Password]);
    }

    #[test]
    fn a_new_password_calls_off_what_somebody_else_may_have_asked_for() {
        let before = with_pending_address();
        let after = before.with_new_password(PasswordHash::new("$argon2id$y".into()), stamp(3));
        assert_eq!(after.differences(&before), [UserField::PendingEmail, UserField::Password]);
    }

    #[test]
    fn who_resets_the_password_reads_the_address_and_so_confirms_it() {
        let before = ada(AccountStatus::Unconfirmed);
        let after = before.with_reset_password(PasswordHash::new("$argon2id$y".into()), stamp(2));
        assert_eq!(after.differences(&before), [UserField::Password, UserField::Status]);
        assert_eq!((after.version, after.confirmation_asked_at), (2, None));
        let unchosen = before.with_new_password(PasswordHash::new("$argon2id$y".into()), stamp(2));
        assert_eq!(unchosen.status, AccountStatus::Unconfirmed);
    }
}
