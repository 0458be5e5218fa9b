use chrono::{DateTime, NaiveDate, Utc};
use shared_kernel::{AccountStatus, EventId, Locale, UserField, UserId};

use super::user_update::check_date_of_birth;
use super::{
    DateOfBirth, EmailAddress, FieldUpdate, FieldViolation, FullName, PasswordHash, PostalAddress, Role,
    UserUpdate, Username,
};

/// An account, as one row of `users` holds it.
#[derive(Debug, Clone)]
pub struct User {
    /// A UUIDv7.
    pub id: UserId,
    /// Unique without regard to case.
    pub username: Username,
    /// The address in force; unique without regard to case.
    pub email: EmailAddress,
    /// An address that waits for its confirmation. It reserves nothing.
    pub pending_email: Option<EmailAddress>,
    /// Never leaves the database but to be verified.
    pub password: PasswordHash,
    /// The name to be addressed by.
    pub full_name: Option<FullName>,
    /// Never leaves the database but to its owner.
    pub date_of_birth: Option<DateOfBirth>,
    /// Never leaves the database but to its owner.
    pub address: Option<PostalAddress>,
    /// Whether the address in force was confirmed.
    pub status: AccountStatus,
    /// The language of mail.
    pub locale: Locale,
    /// What the account's owner may do.
    pub role: Role,
    /// Rises by one with every change; the `ETag` in REST.
    pub version: i64,
    /// Rises with every confirmation, change or cancelling of an address and change of password.
    pub security_version: i64,
    /// When the password was last chosen.
    pub password_changed_at: DateTime<Utc>,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub last_updated: DateTime<Utc>,
    /// Since when the owner of the address in force is asked to confirm it. `None` once it is confirmed, and for an
    /// account from before this service, which was sent no link.
    pub confirmation_asked_at: Option<DateTime<Utc>>,
    /// The outbox row of the last change.
    pub last_event_id: EventId,
}

/// The moment and the identity of one change.
#[derive(Debug, Clone, Copy)]
pub struct ChangeStamp {
    /// The id that the change's event will have.
    pub event_id: EventId,
    /// When the change is made.
    pub at: DateTime<Utc>,
}

/// What somebody who registers says of themselves.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are the columns of the same names")]
pub struct Registration {
    pub username: Username,
    pub email: EmailAddress,
    pub full_name: Option<FullName>,
    pub date_of_birth: Option<DateOfBirth>,
    pub address: Option<PostalAddress>,
    pub locale: Locale,
}

impl Registration {
    /// What somebody who knows the person would try first as their password.
    pub fn personal(&self) -> Vec<&str> {
        let name = self.full_name.as_ref().map(FullName::as_str);
        [self.username.as_str(), self.email.as_str()].into_iter().chain(name).collect()
    }

    /// Checks the rules that need the date.
    ///
    /// # Errors
    ///
    /// The field that breaks one.
    pub fn check(&self, today: NaiveDate) -> Result<(), FieldViolation> {
        self.date_of_birth.map_or(Ok(()), |date| check_date_of_birth(date, today))
    }
}

impl User {
    /// A new administrator's account, whose address the operator vouches for.
    pub fn register_admin(
        registration: Registration,
        password: PasswordHash,
        id: UserId,
        stamp: ChangeStamp,
    ) -> Self {
        let user = Self::register(registration, password, id, stamp);
        Self { status: AccountStatus::Confirmed, role: Role::Admin, confirmation_asked_at: None, ..user }
    }

    /// A new, unconfirmed account.
    pub fn register(
        registration: Registration,
        password: PasswordHash,
        id: UserId,
        stamp: ChangeStamp,
    ) -> Self {
        let Registration { username, email, full_name, date_of_birth, address, locale } = registration;
        Self {
            id,
            username,
            email,
            pending_email: None,
            password,
            full_name,
            date_of_birth,
            address,
            status: AccountStatus::Unconfirmed,
            locale,
            role: Role::User,
            version: 1,
            security_version: 1,
            password_changed_at: stamp.at,
            created_at: stamp.at,
            last_updated: stamp.at,
            confirmation_asked_at: Some(stamp.at),
            last_event_id: stamp.event_id,
        }
    }

    /// The account after an update, or `None` when the update changes nothing.
    #[must_use]
    pub fn updated(&self, update: UserUpdate, stamp: ChangeStamp) -> Option<Self> {
        let mut after = self.clone();
        update.username.apply(&mut after.username);
        update.full_name.apply(&mut after.full_name);
        update.date_of_birth.apply(&mut after.date_of_birth);
        update.address.apply(&mut after.address);
        update.locale.apply(&mut after.locale);
        match update.email {
            // Who replaces the whole repeats what they do not mean to change.
            FieldUpdate::Set(email) if !(update.whole && email == self.email) => {
                after.change_email(email, stamp.at);
            }
            FieldUpdate::Set(_) | FieldUpdate::Keep => {}
        }
        let changed = after.differences(self);
        if changed.is_empty() {
            return None;
        }
        if changed.iter().any(|field| matches!(field, UserField::Email | UserField::PendingEmail)) {
            return Some(after.secured(stamp));
        }
        Some(after.changed(stamp))
    }

    /// What somebody who knows the person would try first as their password.
    pub fn personal(&self) -> Vec<&str> {
        let name = self.full_name.as_ref().map(FullName::as_str);
        [self.username.as_str(), self.email.as_str()].into_iter().chain(name).collect()
    }

    /// Whether this address would be a new one: not the one in force, and not the one that waits already.
    pub fn is_new_address(&self, email: &EmailAddress) -> bool {
        *email != self.email && Some(email) != self.pending_email.as_ref()
    }

    /// After a change that ends every token that was made before it.
    pub(super) fn secured(mut self, stamp: ChangeStamp) -> Self {
        self.security_version += 1;
        self.changed(stamp)
    }

    fn changed(mut self, stamp: ChangeStamp) -> Self {
        self.version += 1;
        self.last_updated = stamp.at;
        self.last_event_id = stamp.event_id;
        self
    }

    /// The columns in which this account differs from another state of it, in a fixed order.
    pub fn differences(&self, other: &Self) -> Vec<UserField> {
        [
            (UserField::Username, self.username != other.username),
            (UserField::Email, self.email != other.email),
            (UserField::PendingEmail, self.pending_email != other.pending_email),
            // What a new password is: the moment of choosing moved. A rehash of the same one is no change.
            (UserField::Password, self.password_changed_at != other.password_changed_at),
            (UserField::FullName, self.full_name != other.full_name),
            (UserField::DateOfBirth, self.date_of_birth != other.date_of_birth),
            (UserField::Address, self.address != other.address),
            (UserField::Status, self.status != other.status),
            (UserField::Locale, self.locale != other.locale),
        ]
        .into_iter()
        .filter_map(|(field, differs)| differs.then_some(field))
        .collect()
    }

    /// A confirmed address stays in force until the new one is confirmed too. An unconfirmed one may be
    /// a stranger's, mistyped: it is replaced at once. Asking for the address in force calls off a
    /// pending one.
    fn change_email(&mut self, email: EmailAddress, now: DateTime<Utc>) {
        match self.status {
            AccountStatus::Unconfirmed if email == self.email => {}
            AccountStatus::Unconfirmed => {
                self.email = email;
                self.confirmation_asked_at = Some(now);
            }
            AccountStatus::Confirmed if email == self.email => self.pending_email = None,
            AccountStatus::Confirmed => self.pending_email = Some(email),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use uuid::Uuid;

    use super::*;

    pub(crate) fn stamp(n: u128) -> ChangeStamp {
        ChangeStamp {
            event_id: EventId(Uuid::from_u128(n)),
            at: DateTime::from_timestamp_micros(1_700_000_000_000_000 + i64::try_from(n).unwrap()).unwrap(),
        }
    }

    pub(crate) fn ada(status: AccountStatus) -> User {
        let registration = Registration {
            username: Username::parse("ada").unwrap(),
            email: EmailAddress::parse("ada@old.example").unwrap(),
            full_name: None,
            date_of_birth: None,
            address: None,
            locale: Locale::En,
        };
        let mut user = User::register(
            registration,
            PasswordHash::new("$argon2id$x".into()),
            UserId(Uuid::from_u128(9)),
            stamp(1),
        );
        user.status = status;
        user
    }

    fn new_email(address: &str) -> UserUpdate {
        UserUpdate { email: FieldUpdate::Set(EmailAddress::parse(address).unwrap()), ..UserUpdate::default() }
    }

    #[test]
    fn an_update_that_changes_nothing_is_none() {
        let user = ada(AccountStatus::Unconfirmed);
        assert!(user.updated(UserUpdate::default(), stamp(2)).is_none());
        assert!(user.updated(new_email("ada@old.example"), stamp(2)).is_none());
    }

    #[test]
    fn a_change_raises_the_version_and_carries_the_stamp() {
        let update = UserUpdate { locale: FieldUpdate::Set(Locale::Es), ..UserUpdate::default() };
        let after = ada(AccountStatus::Confirmed).updated(update, stamp(2)).unwrap();
        assert_eq!((after.version, after.security_version), (2, 1));
        assert_eq!((after.last_event_id, after.last_updated), (stamp(2).event_id, stamp(2).at));
    }

    #[test]
    fn an_unconfirmed_address_is_replaced_at_once() {
        let after = ada(AccountStatus::Unconfirmed).updated(new_email("ada@new.example"), stamp(2)).unwrap();
        assert_eq!((after.email.as_str(), after.pending_email), ("ada@new.example", None));
        assert_eq!(after.security_version, 2);
    }

    #[test]
    fn a_confirmed_address_stays_in_force_while_the_new_one_is_pending() {
        let before = ada(AccountStatus::Confirmed);
        let after = before.updated(new_email("ada@new.example"), stamp(2)).unwrap();
        assert_eq!(after.email.as_str(), "ada@old.example");
        assert_eq!(after.pending_email.as_ref().map(EmailAddress::as_str), Some("ada@new.example"));
        assert_eq!(after.differences(&before), [UserField::PendingEmail]);
        let called_off = after.updated(new_email("ada@old.example"), stamp(3)).unwrap();
        assert_eq!(called_off.pending_email, None);
        let replaced = UserUpdate { whole: true, ..new_email("ada@old.example") };
        assert!(after.updated(replaced, stamp(3)).is_none(), "a PUT of the same address calls nothing off");
    }
}
