//! A row of `users` and the account it stands for. Macros, because the drivers' row and query types
//! differ by database while the columns do not.

/// Builds a [`User`](crate::entities::User) from a driver's row, in the columns of
/// [`SELECT_USER`](super::statements::SELECT_USER). Evaluates to `Result<User, sqlx::Error>`.
macro_rules! user_from_row {
    ($row:expr) => {{
        use chrono::{DateTime, NaiveDate, Utc};
        use shared_kernel::{AccountStatus, EventId, Locale, UserId};
        use sqlx::Row as _;
        use uuid::Uuid;

        use crate::entities::{
            DateOfBirth, EmailAddress, FullName, PasswordHash, PostalAddress, Role, User, Username,
        };

        let row = $row;
        (|| {
            let status: String = row.try_get("status")?;
            let status = crate::data_sources::sql::known("status", &status, AccountStatus::from_name)?;
            let role: String = row.try_get("role")?;
            let role = crate::data_sources::sql::known("role", &role, Role::from_name)?;
            Ok::<User, sqlx::Error>(User {
                id: UserId(row.try_get::<Uuid, _>("id")?),
                username: Username::from_stored(row.try_get("username")?),
                email: EmailAddress::from_stored(row.try_get("email")?),
                pending_email: row
                    .try_get::<Option<String>, _>("pendingEmail")?
                    .map(EmailAddress::from_stored),
                password: PasswordHash::new(row.try_get("password")?),
                full_name: row.try_get::<Option<String>, _>("fullName")?.map(FullName::from_stored),
                date_of_birth: row
                    .try_get::<Option<NaiveDate>, _>("dateOfBirth")?
                    .map(DateOfBirth::from_stored),
                address: row.try_get::<Option<String>, _>("address")?.map(PostalAddress::from_stored),
                status,
                locale: Locale::from(row.try_get::<String, _>("locale")?),
                role,
                version: row.try_get("version")?,
                security_version: row.try_get("securityVersion")?,
                password_changed_at: row.try_get::<DateTime<Utc>, _>("passwordChangedAt")?,
                created_at: row.try_get::<DateTime<Utc>, _>("createdAt")?,
                last_updated: row.try_get::<DateTime<Utc>, _>("lastUpdated")?,
                confirmation_asked_at: row.try_get("confirmationAskedAt")?,
                // Null in a row that was there before events were.
                last_event_id: EventId(row.try_get::<Option<Uuid>, _>("lastEventId")?.unwrap_or_default()),
            })
        })()
    }};
}

/// Binds the columns of a user in the order of [`INSERT_USER`](super::statements::INSERT_USER) and
/// [`UPDATE_USER`](super::statements::UPDATE_USER).
macro_rules! bind_user {
    ($sql:expr, $user:expr) => {{
        use crate::data_sources::sql::Moment;

        let user: &crate::entities::User = $user;
        sqlx::query($sql)
            .bind(user.username.as_str())
            .bind(user.email.as_str())
            .bind(user.pending_email.as_ref().map(crate::entities::EmailAddress::as_str))
            .bind(user.password.expose())
            .bind(user.full_name.as_ref().map(crate::entities::FullName::as_str))
            .bind(user.date_of_birth.map(crate::entities::DateOfBirth::date))
            .bind(user.address.as_ref().map(crate::entities::PostalAddress::as_str))
            .bind(user.status.as_str())
            .bind(user.locale.as_str())
            .bind(user.role.as_str())
            .bind(user.version)
            .bind(user.security_version)
            .bind(Moment(user.password_changed_at))
            .bind(Moment(user.created_at))
            .bind(Moment(user.last_updated))
            .bind(user.confirmation_asked_at.map(Moment))
            .bind(user.last_event_id.0)
            .bind(user.id.0)
    }};
}

pub(in crate::data_sources) use {bind_user, user_from_row};
