use shared_kernel::{AccountStatus, UserField, UserSnapshot};

use super::NotificationKind;
use super::plan::Draft;

/// Which mails an update asks for. Each kind at most once, and at least one goes to the address in force.
///
/// A change of address, password or status has mails of its own. What else changed is named in `updated`, and
/// so is any change that fits none of the known ones.
pub(super) fn plan_update<'a>(
    before: &'a UserSnapshot,
    after: &'a UserSnapshot,
    changed: &[UserField],
) -> Vec<Draft<'a>> {
    let was_confirmed = before.status == AccountStatus::Confirmed;
    let is_confirmed = after.status == AccountStatus::Confirmed;
    let became_confirmed = is_confirmed && !was_confirmed;
    let in_force = |kind| Draft::new(kind, after, &after.email);
    let mut mails = Vec::new();
    // The changes that are told by a mail of their own.
    let mut told = Vec::new();

    if before.email != after.email {
        told.push(UserField::Email);
        if before.pending_email.as_ref() == Some(&after.email) && after.pending_email.is_none() {
            told.push(UserField::PendingEmail);
        }
        mails.push(if is_confirmed {
            in_force(NotificationKind::AddressConfirmed).beside(&before.email)
        } else {
            in_force(NotificationKind::ConfirmAddress)
        });
        // An address that nobody confirmed may be a stranger's, mistyped.
        if was_confirmed {
            let former = Draft::new(NotificationKind::AddressReplaced, after, &before.email);
            mails.push(former.beside(&after.email));
        }
    } else if became_confirmed {
        mails.push(in_force(NotificationKind::AccountConfirmed));
    }
    if became_confirmed {
        told.push(UserField::Status);
    }
    if let Some(pending) = &after.pending_email
        && before.pending_email != after.pending_email
    {
        told.push(UserField::PendingEmail);
        mails.push(Draft::new(NotificationKind::ConfirmNewAddress, after, pending));
        mails.push(in_force(NotificationKind::AddressChangeRequested).beside(pending));
    }
    if let (Some(stopped), None) = (&before.pending_email, &after.pending_email)
        && before.email == after.email
    {
        told.push(UserField::PendingEmail);
        mails.push(in_force(NotificationKind::AddressChangeStopped).beside(stopped));
    }
    if changed.contains(&UserField::Password) {
        told.push(UserField::Password);
        mails.push(in_force(NotificationKind::PasswordChanged));
    }

    let others: Vec<_> = changed.iter().filter(|field| !told.contains(field)).cloned().collect();
    if !others.is_empty() || mails.is_empty() {
        mails.push(in_force(NotificationKind::Updated).naming(others));
    }
    mails
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shared_kernel::{Locale, UserId};
    use uuid::Uuid;

    use super::*;
    use AccountStatus::{Confirmed, Unconfirmed};

    const OLD: &str = "old@example.org";
    const NEW: &str = "new@example.org";

    fn ada(email: &str, pending: Option<&str>, status: AccountStatus) -> UserSnapshot {
        UserSnapshot {
            id: UserId(Uuid::from_u128(7)),
            username: "ada".into(),
            email: email.into(),
            pending_email: pending.map(str::to_owned),
            full_name: None,
            status,
            locale: Locale::En,
        }
    }

    /// Kind, recipient, the other address and the fields of each mail.
    type Told = Vec<(&'static str, String, Option<String>, Vec<UserField>)>;

    fn told(before: &UserSnapshot, after: &UserSnapshot, changed: &[UserField]) -> Told {
        let told = |mail: Draft<'_>| {
            let Draft { kind, recipient, other_address, changed, .. } = mail;
            (kind.as_str(), recipient.to_owned(), other_address.map(str::to_owned), changed)
        };
        plan_update(before, after, changed).into_iter().map(told).collect()
    }

    fn mail(kind: &'static str, recipient: &str) -> (&'static str, String, Option<String>, Vec<UserField>) {
        (kind, recipient.to_owned(), None, vec![])
    }

    fn beside(
        kind: &'static str,
        recipient: &str,
        other: &str,
    ) -> (&'static str, String, Option<String>, Vec<UserField>) {
        (kind, recipient.to_owned(), Some(other.to_owned()), vec![])
    }

    fn updated(
        recipient: &str,
        changed: &[UserField],
    ) -> (&'static str, String, Option<String>, Vec<UserField>) {
        ("updated", recipient.to_owned(), None, changed.to_vec())
    }

    #[test]
    fn ordinary_fields_are_named_to_the_address_in_force() {
        let ada = ada(OLD, None, Confirmed);
        let changed = [UserField::FullName, UserField::Address, UserField::Other("shoeSize".into())];
        assert_eq!(told(&ada, &ada, &changed), [updated(OLD, &changed)]);
    }

    #[test]
    fn a_new_address_of_an_unconfirmed_account_gets_a_link_and_the_old_one_nothing() {
        let (before, after) = (ada(OLD, None, Unconfirmed), ada(NEW, None, Unconfirmed));
        assert_eq!(told(&before, &after, &[UserField::Email]), [mail("confirm-address", NEW)]);
        let with_more = told(&before, &after, &[UserField::Email, UserField::FullName]);
        assert_eq!(with_more, [mail("confirm-address", NEW), updated(NEW, &[UserField::FullName])]);
    }

    #[test]
    fn a_pending_address_gets_a_link_and_the_one_in_force_a_warning() {
        let requested = [mail("confirm-new-address", NEW), beside("address-change-requested", OLD, NEW)];
        for earlier in [None, Some("other@example.org")] {
            let (before, after) = (ada(OLD, earlier, Confirmed), ada(OLD, Some(NEW), Confirmed));
            assert_eq!(told(&before, &after, &[UserField::PendingEmail]), requested);
        }
    }

    #[test]
    fn a_change_that_was_called_off_is_told_to_the_address_that_stays() {
        let (before, after) = (ada(OLD, Some(NEW), Confirmed), ada(OLD, None, Confirmed));
        let changed = [UserField::PendingEmail];
        assert_eq!(told(&before, &after, &changed), [beside("address-change-stopped", OLD, NEW)]);
    }

    #[test]
    fn a_pending_address_that_came_into_force_is_told_to_both() {
        let (before, after) = (ada(OLD, Some(NEW), Confirmed), ada(NEW, None, Confirmed));
        let changed = [UserField::Email, UserField::PendingEmail];
        let both = [beside("address-confirmed", NEW, OLD), beside("address-replaced", OLD, NEW)];
        assert_eq!(told(&before, &after, &changed), both);
    }

    #[test]
    fn a_confirmation_is_told_once() {
        let (before, after) = (ada(OLD, None, Unconfirmed), ada(OLD, None, Confirmed));
        assert_eq!(told(&before, &after, &[UserField::Status]), [mail("account-confirmed", OLD)]);
    }

    #[test]
    fn a_new_password_is_told_apart_from_what_else_changed() {
        let ada = ada(OLD, None, Confirmed);
        let alone = told(&ada, &ada, &[UserField::Password]);
        assert_eq!(alone, [mail("password-changed", OLD)]);
        let with_more = told(&ada, &ada, &[UserField::Password, UserField::Locale]);
        assert_eq!(with_more, [mail("password-changed", OLD), updated(OLD, &[UserField::Locale])]);
    }

    #[test]
    fn odd_changes_are_named_to_the_address_in_force() {
        // No change of ours takes a confirmation back, or says that something changed which did not.
        let (confirmed, unconfirmed) = (ada(OLD, None, Confirmed), ada(OLD, None, Unconfirmed));
        let status = [UserField::Status];
        assert_eq!(told(&confirmed, &unconfirmed, &status), [updated(OLD, &status)]);
        let email = [UserField::Email];
        assert_eq!(told(&confirmed, &confirmed, &email), [updated(OLD, &email)]);
        assert_eq!(told(&confirmed, &confirmed, &[]), [updated(OLD, &[])]);
        // An address that was changed past its confirmation leaves the pending one to be named.
        let (before, after) = (ada(OLD, Some("x@example.org"), Confirmed), ada(NEW, None, Confirmed));
        let told = told(&before, &after, &[UserField::Email, UserField::PendingEmail]);
        assert_eq!(told.last(), Some(&updated(NEW, &[UserField::PendingEmail])));
    }

    fn any_address() -> impl Strategy<Value = String> {
        prop_oneof![Just(OLD.to_owned()), Just(NEW.to_owned()), Just("x@example.org".to_owned())]
    }

    fn any_user() -> impl Strategy<Value = UserSnapshot> {
        let status = prop_oneof![Just(Confirmed), Just(Unconfirmed)];
        (any_address(), prop::option::of(any_address()), status)
            .prop_map(|(email, pending, status)| ada(&email, pending.as_deref(), status))
    }

    fn any_changed() -> impl Strategy<Value = Vec<UserField>> {
        prop::sample::subsequence(UserField::KNOWN.to_vec(), 0..=UserField::KNOWN.len())
    }

    proptest! {
        #[test]
        fn whatever_changed_each_kind_comes_once_and_the_address_in_force_is_told(
            (before, after, changed) in (any_user(), any_user(), any_changed())
        ) {
            let told = told(&before, &after, &changed);
            let mut kinds: Vec<_> = told.iter().map(|(kind, ..)| *kind).collect();
            kinds.sort_unstable();
            kinds.dedup();
            prop_assert_eq!(kinds.len(), told.len());
            prop_assert!(told.iter().any(|(_, recipient, ..)| *recipient == after.email));
            let named: Vec<_> = told.iter().flat_map(|(.., named)| named.clone()).collect();
            let special =
                [UserField::Email, UserField::PendingEmail, UserField::Password, UserField::Status];
            for field in &changed {
                prop_assert!(named.contains(field) || special.contains(field), "{:?} of {:?}", field, told);
            }
            if before.status == Unconfirmed && before.email != after.email {
                let is_still_known = after.pending_email.as_ref() == Some(&before.email);
                let old_is_told = told.iter().any(|(_, recipient, ..)| *recipient == before.email);
                prop_assert_eq!(old_is_told, is_still_known && before.pending_email != after.pending_email);
            }
        }
    }
}
