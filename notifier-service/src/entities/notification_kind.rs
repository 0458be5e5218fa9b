use shared_kernel::ActionPurpose;

/// Which mail a notification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotificationKind {
    /// Welcome to a new account, with a link to confirm its address where that is still to be done.
    Registered,
    /// Which fields of the account changed.
    Updated,
    /// The account is gone.
    Deleted,
    /// A link to confirm the address in force.
    ConfirmAddress,
    /// A link to confirm an address that is to take the place of the one in force.
    ConfirmNewAddress,
    /// To the address in force: another one is to take its place, and here is a link to stop that.
    AddressChangeRequested,
    /// A change to another address was stopped, and the one in force stays.
    AddressChangeStopped,
    /// The address in force was confirmed.
    AccountConfirmed,
    /// To the address that has come into force on a confirmed account.
    AddressConfirmed,
    /// To the address that is in force no more: another one has taken its place.
    AddressReplaced,
    /// The password changed.
    PasswordChanged,
    /// A link to choose a new password.
    ResetPassword,
}

impl NotificationKind {
    /// Every kind of mail.
    pub const ALL: [Self; 12] = [
        Self::Registered,
        Self::Updated,
        Self::Deleted,
        Self::ConfirmAddress,
        Self::ConfirmNewAddress,
        Self::AddressChangeRequested,
        Self::AddressChangeStopped,
        Self::AccountConfirmed,
        Self::AddressConfirmed,
        Self::AddressReplaced,
        Self::PasswordChanged,
        Self::ResetPassword,
    ];

    /// The name in the ledger, in logs and of the templates. Part of a notification's id, so it never
    /// changes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::ConfirmAddress => "confirm-address",
            Self::ConfirmNewAddress => "confirm-new-address",
            Self::AddressChangeRequested => "address-change-requested",
            Self::AddressChangeStopped => "address-change-stopped",
            Self::AccountConfirmed => "account-confirmed",
            Self::AddressConfirmed => "address-confirmed",
            Self::AddressReplaced => "address-replaced",
            Self::PasswordChanged => "password-changed",
            Self::ResetPassword => "reset-password",
        }
    }

    /// The kind of exactly that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether such a mail tells of an address beside the one that it goes to.
    pub fn tells_of_another_address(self) -> bool {
        matches!(
            self,
            Self::AddressChangeRequested
                | Self::AddressChangeStopped
                | Self::AddressConfirmed
                | Self::AddressReplaced
        )
    }

    /// What the link of such a mail is for; `None` for mails that never have one.
    pub fn purpose(self) -> Option<ActionPurpose> {
        match self {
            Self::Registered | Self::ConfirmAddress | Self::ConfirmNewAddress => {
                Some(ActionPurpose::ConfirmAddress)
            }
            Self::AddressChangeRequested => Some(ActionPurpose::CancelAddressChange),
            Self::ResetPassword => Some(ActionPurpose::ResetPassword),
            Self::Updated
            | Self::Deleted
            | Self::AddressChangeStopped
            | Self::AccountConfirmed
            | Self::AddressConfirmed
            | Self::AddressReplaced
            | Self::PasswordChanged => None,
        }
    }

    /// Whether it warns of what somebody else may be doing to the account. Such a mail is worth a try even
    /// where others are not.
    pub fn is_security_alert(self) -> bool {
        matches!(self, Self::PasswordChanged | Self::AddressChangeRequested | Self::AddressReplaced)
    }
}
