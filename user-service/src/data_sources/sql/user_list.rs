use super::statements;
use crate::repositories::UserFilter;

/// The statement that reads a page of accounts: of constants alone, with a place for the id before the page, for each
/// value of the filter in the order of its fields, and for the limit.
///
/// A username or an address is of one account, which its key finds. A status alone is of many, in the order of their
/// ids in the index `users_status`. What it costs to find them the servers misjudge, and so `by_status` tells them to
/// use it: MySQL would rather go through all accounts in the order of their ids, and MariaDB through all of that
/// status from the first one on.
pub(in crate::data_sources) fn list_users(filter: &UserFilter, by_status: Option<&'static str>) -> String {
    let UserFilter { username, email, status } = filter;
    let status_alone = status.is_some() && username.is_none() && email.is_none();
    let parts = [
        by_status.filter(|_| status_alone),
        Some("WHERE id > ?"),
        username.as_ref().map(|_| "AND usernameKey = LOWER(?)"),
        email.as_ref().map(|_| "AND emailKey = LOWER(?)"),
        status.map(|_| "AND status = ?"),
        Some("ORDER BY id LIMIT ?"),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    format!("{}{}", statements::SELECT_USERS, parts.join(" "))
}
