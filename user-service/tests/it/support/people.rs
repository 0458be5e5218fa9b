//! People, their accounts and what happens to them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shared_kernel::{EventId, Locale, UserEvent, UserId};
use user_service::data_sources::{SystemClock, UuidV7IdGenerator};
use user_service::entities::{
    self, Caller, ChangeStamp, EmailAddress, FieldUpdate, Fingerprint, FullName, GivenPassword, NewPassword,
    PasswordHash, Registration, Role, SessionId, StoredAnswer, User, UserUpdate, Username, Violation,
};
use user_service::interactors::{
    DeleteUser, DeleteUserInput, Idempotence, Once, Outcome, RegisterUser, RegisterUserInput, UpdateUser,
    UpdateUserInput, UserError,
};
use user_service::repositories::{
    AnswerRepository, IdGenerator, PasswordHasher, PasswordHasherError, PasswordStrength, RepositoryError,
    UserRepository, Verification,
};
use uuid::Uuid;

pub(crate) fn time(microseconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_700_000_000_000_000 + microseconds).unwrap()
}

pub(crate) fn year_2100() -> DateTime<Utc> {
    DateTime::from_timestamp(4_102_444_800, 0).unwrap()
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

/// Keeps accounts, and tells of them.
pub(crate) async fn store(users: &Arc<dyn UserRepository>, people: impl IntoIterator<Item = &User>) {
    let mut transaction = users.begin().await.unwrap();
    for user in people {
        transaction.insert(user).await.unwrap();
        transaction.append(&entities::registered(user, None)).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

/// `name` at example.org.
pub(crate) fn person(name: &str) -> User {
    account(name, &format!("{name}@example.org"))
}

/// An account of that name, which need not be one that this service gives.
pub(crate) fn named(username: &str) -> User {
    User { username: Username::from_stored(username.to_owned()), ..person("somebody") }
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

/// The use cases that change accounts, as an administrator calls them.
pub(crate) struct Changes {
    register: RegisterUser,
    update: UpdateUser,
    delete: DeleteUser,
}

impl Changes {
    pub(crate) fn on(users: &Arc<dyn UserRepository>) -> Arc<Self> {
        let (clock, ids) = (Arc::new(SystemClock), Arc::new(UuidV7IdGenerator));
        Arc::new(Self {
            register: registering(users, Arc::new(NoAnswers)),
            update: UpdateUser::new(users.clone(), Arc::new(NoPasswords), clock.clone(), ids),
            delete: DeleteUser::new(users.clone(), clock),
        })
    }

    pub(crate) async fn register(&self, username: &str, email: &str) -> Result<User, UserError> {
        match self.register.execute(register_input(username, email, None)).await? {
            Outcome::Done(user) => Ok(user),
            Outcome::Repeated(answer) => panic!("{answer}"),
        }
    }

    pub(crate) async fn update(&self, id: UserId, update: UserUpdate) -> Result<User, UserError> {
        let input = UpdateUserInput {
            caller: admin(),
            id,
            update,
            current_password: None,
            expected_version: None,
            traceparent: None,
        };
        self.update.execute(input).await
    }

    pub(crate) async fn delete(&self, id: UserId, expected_version: Option<i64>) -> Result<(), UserError> {
        let input = DeleteUserInput { caller: admin(), id, expected_version, traceparent: None };
        self.delete.execute(input).await
    }
}

/// Somebody who may do everything.
pub(crate) fn admin() -> Caller {
    Caller { user_id: UserId(Uuid::nil()), role: Role::Admin, session: SessionId(Uuid::nil()) }
}

/// Registering, with answers to idempotent requests kept there.
pub(crate) fn registering(
    users: &Arc<dyn UserRepository>,
    answers: Arc<dyn AnswerRepository>,
) -> RegisterUser {
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(UuidV7IdGenerator));
    let day = Duration::from_secs(24 * 60 * 60);
    let idempotence = Idempotence::new(users.clone(), answers, clock.clone(), day);
    RegisterUser::new(Arc::new(idempotence), Arc::new(NoPasswords), Arc::new(NoPasswords), clock, ids)
}

pub(crate) fn register_input(username: &str, email: &str, once: Option<Once<User>>) -> RegisterUserInput {
    let password = NewPassword::parse("correct horse").unwrap();
    RegisterUserInput { registration: registration(username, email), password, once, traceparent: None }
}

/// Hashing and judging have tests of their own; here they would only take time.
struct NoPasswords;

#[async_trait]
impl PasswordHasher for NoPasswords {
    async fn hash(&self, _password: NewPassword) -> Result<PasswordHash, PasswordHasherError> {
        Ok(PasswordHash::new("$argon2id$fake".into()))
    }

    async fn verify(
        &self,
        _password: &GivenPassword,
        _against: Option<&PasswordHash>,
    ) -> Result<Verification, PasswordHasherError> {
        Ok(Verification::Wrong)
    }

    async fn rehash(&self, _password: &GivenPassword) -> Result<PasswordHash, PasswordHasherError> {
        Ok(PasswordHash::new("$argon2id$fake".into()))
    }
}

#[async_trait]
impl PasswordStrength for NoPasswords {
    async fn weakness(
        &self,
        _password: &NewPassword,
        _personal: &[&str],
    ) -> Result<Option<Violation>, PasswordHasherError> {
        Ok(None)
    }
}

/// For requests that are not idempotent.
struct NoAnswers;

#[async_trait]
impl AnswerRepository for NoAnswers {
    async fn answer(&self, _key: Fingerprint) -> Result<Option<StoredAnswer>, RepositoryError> {
        Ok(None)
    }

    async fn remove_expired_answers(&self, _now: DateTime<Utc>, _max: u32) -> Result<u64, RepositoryError> {
        Ok(0)
    }
}
