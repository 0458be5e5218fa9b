//! How `UserRepository` finds accounts, on each database.

use std::iter;
use std::sync::Arc;

use shared_kernel::{AccountStatus, UserId};
use user_service::entities::{EmailAddress, Login, Role, User, Username};
use user_service::interactors::ListUsers;
use user_service::repositories::{PageRequest, UserFilter};
use uuid::Uuid;

use crate::support::databases::TestDatabase;
use crate::support::on_each_engine;
use crate::support::people::{account, admin, everything, named, person, store, time, year_2100};

type Db = Arc<TestDatabase>;

mod on {
    super::on_each_engine! {
        [sqlite: Sqlite, mariadb: MariaDb, mysql: MySql]
        [
            pages_hold_every_account_once_and_in_order,
            a_login_finds_its_account_without_regard_to_case,
            a_pending_address_finds_nobody,
            a_malformed_login_finds_nobody,
            unconfirmed_accounts_come_oldest_first,
            accounts_that_were_there_before_and_admins_never_count_as_unconfirmed,
            a_filter_holds_on_every_page,
        ]
    }
}

async fn pages_hold_every_account_once_and_in_order(database: Db) {
    let users = database.users();
    let mut people: Vec<_> = (0..10).map(|n| person(&format!("user{n}"))).collect();
    people.sort_by_key(|user| user.id);
    // Stored in another order than that of their ids.
    for user in people.iter().rev() {
        store(&users, [user]).await;
    }
    let list = ListUsers::new(users.clone());
    for limit in [1, 3, 5, 10, 11] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = PageRequest { after, limit, ..PageRequest::default() };
            let page = list.execute(admin(), page).await.unwrap();
            assert!(!page.users.is_empty() && page.users.len() <= limit as usize, "limit {limit}");
            seen.extend(page.users.iter().map(|user| user.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, people.iter().map(|user| user.id).collect::<Vec<_>>(), "limit {limit}");
    }
    let after = Some(UserId(Uuid::max()));
    let past_the_end = users.list(PageRequest { after, limit: 3, ..PageRequest::default() }).await.unwrap();
    assert!(past_the_end.is_empty());
}

async fn a_login_finds_its_account_without_regard_to_case(database: Db) {
    let users = database.users();
    let people = [account("Ada", "José@Example.org"), account("bob", "bob@example.org")];
    store(&users, &people).await;
    for (login, found) in [
        ("Ada", Some(&people[0])),
        ("aDA", Some(&people[0])),
        ("José@Example.org", Some(&people[0])),
        ("JOSÉ@EXAMPLE.ORG", Some(&people[0])),
        ("BOB", Some(&people[1])),
        ("bob@example.org", Some(&people[1])),
        ("jose@example.org", None),
        ("carol", None),
        ("%", None),
        ("b_b", None),
    ] {
        let user = users.find_by_login(&Login::parse(login)).await.unwrap();
        assert_eq!(user.as_ref().map(everything), found.map(everything), "{login}");
    }
    // A username is no address, and no address a username.
    let swapped = Login::Username(Username::from_stored("bob@example.org".into()));
    assert!(users.find_by_login(&swapped).await.unwrap().is_none());
    let swapped = Login::Email(EmailAddress::from_stored("bob".into()));
    assert!(users.find_by_login(&swapped).await.unwrap().is_none());
}

async fn a_pending_address_finds_nobody(database: Db) {
    let (users, mut ada) = (database.users(), person("ada"));
    ada.pending_email = Some(EmailAddress::parse("new@example.org").unwrap());
    store(&users, [&ada]).await;
    assert!(users.find_by_login(&Login::parse("new@example.org")).await.unwrap().is_none());
    let filter = UserFilter { email: ada.pending_email.clone(), ..UserFilter::default() };
    let page = PageRequest { filter, after: None, limit: 10 };
    assert!(users.list(page).await.unwrap().is_empty());
    assert!(users.find_by_login(&Login::parse("ada@example.org")).await.unwrap().is_some());
}

async fn a_malformed_login_finds_nobody(database: Db) {
    let users = database.users();
    // As an older program may have left it.
    store(&users, [&named("")]).await;
    assert_eq!(Login::parse("a b"), Login::Neither);
    assert!(users.find_by_login(&Login::Neither).await.unwrap().is_none());
}

async fn unconfirmed_accounts_come_oldest_first(database: Db) {
    let users = database.users();
    // With and without fractions of a second, which SQLite keeps as text.
    let moments = [500_000, 0, 1_000_000, 500_001, 2_000_000, 499_999];
    let mut people: Vec<_> = (0..).map(|n| person(&format!("user{n}"))).take(moments.len()).collect();
    for (user, moment) in people.iter_mut().zip(moments) {
        user.confirmation_asked_at = Some(time(moment));
    }
    people[4].status = AccountStatus::Confirmed;
    store(&users, &people).await;
    let ids = |order: &[usize]| order.iter().map(|n| people[*n].id).collect::<Vec<_>>();
    assert_eq!(users.unconfirmed_since(year_2100(), 10).await.unwrap(), ids(&[1, 5, 0, 3, 2]));
    assert_eq!(users.unconfirmed_since(year_2100(), 3).await.unwrap(), ids(&[1, 5, 0]));
    // Before that moment, and not at it.
    for (before, order) in [
        (0, &[][..]),
        (1, &[1]),
        (499_999, &[1]),
        (500_000, &[1, 5]),
        (500_001, &[1, 5, 0]),
        (1_000_000, &[1, 5, 0, 3]),
        (1_000_001, &[1, 5, 0, 3, 2]),
    ] {
        assert_eq!(users.unconfirmed_since(time(before), 10).await.unwrap(), ids(order), "{before}");
    }
}

async fn accounts_that_were_there_before_and_admins_never_count_as_unconfirmed(database: Db) {
    let (users, mut root) = (database.users(), person("root"));
    root.role = Role::Admin;
    let people = [root, person("before"), person("ada")];
    store(&users, &people).await;
    database.execute("UPDATE users SET confirmationAskedAt = NULL WHERE username = 'before'").await;
    assert_eq!(users.unconfirmed_since(year_2100(), 10).await.unwrap(), [people[2].id]);
}

async fn a_filter_holds_on_every_page(database: Db) {
    let users = database.users();
    let mut people: Vec<_> = (0..9).map(|n| person(&format!("user{n}"))).collect();
    for user in people.iter_mut().step_by(2) {
        user.status = AccountStatus::Confirmed;
    }
    store(&users, people.iter().rev()).await;
    let mut cases = 0;
    for username in [None, Some("USER4"), Some("user5"), Some("nobody")] {
        for email in [None, Some("User4@example.org"), Some("nobody@example.org")] {
            for status in [None, Some(AccountStatus::Confirmed), Some(AccountStatus::Unconfirmed)] {
                let filter = UserFilter {
                    username: username.map(|name| Username::parse(name).unwrap()),
                    email: email.map(|address| EmailAddress::parse(address).unwrap()),
                    status,
                };
                for after in iter::once(None).chain(people.iter().map(|user| Some(user.id))) {
                    for limit in [1, 2, 9] {
                        let page = PageRequest { filter: filter.clone(), after, limit };
                        let found = users.list(page.clone()).await.unwrap();
                        let expected = expected(&people, &page);
                        assert_eq!(found.iter().map(everything).collect::<Vec<_>>(), expected, "{page:?}");
                        cases += 1;
                    }
                }
            }
        }
    }
    assert_eq!(cases, 4 * 3 * 3 * 10 * 3);
}

/// What a page holds of people who are in the order of their ids.
fn expected(people: &[User], page: &PageRequest) -> Vec<String> {
    let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
    let UserFilter { username, email, status } = &page.filter;
    people
        .iter()
        .filter(|user| page.after.is_none_or(|after| user.id > after))
        .filter(|user| username.as_ref().is_none_or(|name| same(name.as_str(), user.username.as_str())))
        .filter(|user| email.as_ref().is_none_or(|address| same(address.as_str(), user.email.as_str())))
        .filter(|user| status.is_none_or(|status| status == user.status))
        .take(page.limit as usize)
        .map(everything)
        .collect()
}
