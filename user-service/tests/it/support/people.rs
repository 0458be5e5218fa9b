//! People, their accounts and what happens to them.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shared_kernel::{EventId, Locale, UserEvent, UserId};
use user_service::data_sources::{SystemClock, UuidV7IdGenerator};
use user_service::entities::{
    self, ChangeStamp, EmailAddress, FieldUpdate, FullName, NewPassword, PasswordHash, Registration, User,
    UserUpdate, Username,
};
use user_service::interactors::{
    DeleteUser, RegisterUser, RegisterUserInput, UpdateUser, UpdateUserInput, UserError,
};
use user_service::repositories::{IdGenerator, PasswordHasher, PasswordHasherError, UserRepository};

pub(crate) fn time(microseconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_700_000_000_000_000 + microseconds).unwrap()
}

pub(crate) fn new_stamp() -> ChangeStamp {
    ChangeStamp { event_id: EventId(UuidV7IdGenerator.next_id()), at: time(123_456) }
}

pub(crate) fn registration(username: &str, email: &str) -> Registration {
    Registration {
        username: Username::parse(username).unwrap(),
        email: EmailAddress::parse(email).unwrap(),
        full_name: None,
        date_of_birth: None,
        address: None,
        locale: Locale::En,
    }
}

/// An account with everything optional left out.
pub(crate) fn account(username: &str, email: &str) -> User {
    let id = UserId(UuidV7IdGenerator.next_id());
    User::register(registration(username, email), PasswordHash::new("$argon2id$fake".into()), id, new_stamp())
}

/// `name` at example.org.
pub(crate) fn person(name: &str) -> User {
    account(name, &format!("{name}@example.org"))
}

/// All that an account holds; `Debug` leaves out the password.
pub(crate) fn everything(user: &User) -> String {
    format!("{user:#?} {}", user.password.expose())
}

pub(crate) fn new_name(name: &str) -> UserUpdate {
    UserUpdate { full_name: FieldUpdate::Set(Some(FullName::parse(name).unwrap())), ..UserUpdate::default() }
}

/// Updates of new accounts, round robin: `count` events of each of `users` people, their versions rising.
pub(crate) fn updates_of(users: usize, count: usize) -> Vec<UserEvent> {
    let mut people: Vec<_> = (0..users).map(|n| person(&format!("user{n}"))).collect();
    let mut events = Vec::with_capacity(users * count);
    for n in 0..count {
        for before in &mut people {
            let after = before.updated(new_name(&format!("Name {n}")), new_stamp()).unwrap();
            events.push(entities::updated(before, &after, None));
            *before = after;
        }
    }
    events
}

/// The use cases that change accounts.
pub(crate) struct Changes {
    pub(crate) register: RegisterUser,
    pub(crate) update: UpdateUser,
    pub(crate) delete: DeleteUser,
}

impl Changes {
    pub(crate) fn on(users: &Arc<dyn UserRepository>) -> Arc<Self> {
        let (clock, ids) = (Arc::new(SystemClock), Arc::new(UuidV7IdGenerator));
        Arc::new(Self {
            register: RegisterUser::new(users.clone(), Arc::new(NoHasher), clock.clone(), ids.clone()),
            update: UpdateUser::new(users.clone(), clock.clone(), ids.clone()),
            delete: DeleteUser::new(users.clone(), clock, ids),
        })
    }

    pub(crate) async fn register(&self, username: &str, email: &str) -> Result<User, UserError> {
        let password = NewPassword::parse("correct horse").unwrap();
        let registration = registration(username, email);
        self.register.execute(RegisterUserInput { registration, password, traceparent: None }).await
    }

    pub(crate) async fn update(&self, id: UserId, update: UserUpdate) -> Result<User, UserError> {
        self.update.execute(UpdateUserInput { id, update, expected_version: None, traceparent: None }).await
    }
}

/// Hashing has tests of its own; here it would only take time.
struct NoHasher;

#[async_trait]
impl PasswordHasher for NoHasher {
    async fn hash(&self, _password: NewPassword) -> Result<PasswordHash, PasswordHasherError> {
        Ok(PasswordHash::new("$argon2id$fake".into()))
    }
}
