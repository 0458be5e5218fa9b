//! The REST API and what is done beside it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use telemetry::metrics::Metrics;
use telemetry::{Readiness, Tracer};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::database::Database;
use super::{Ports, StartError};
use crate::config::ApiConfig;
use crate::data_sources::OsSecretGenerator;
use crate::interactors::{
    AnswerPasswordResets, Authenticate, CancelAddressChange, ChangePassword, ConfirmAddress, DeleteUser,
    GetUser, Idempotence, ListUsers, LogIn, LogInPorts, LogOut, RefreshSession, RegisterUser, RemoveExpired,
    RequestConfirmation, RequestPasswordReset, ResetPassword, UpdateUser,
};
use crate::repositories::SecretGenerator;
use crate::transport::http::{self, UseCases};
use crate::transport::{housekeeping_loop, password_reset_loop};

/// How long requests under way may go on after the service was told to stop.
const REQUEST_DRAIN: Duration = Duration::from_secs(3);

/// The REST API and what is done beside it.
pub(super) struct Api {
    router: Router,
    header_timeout: Duration,
    answer_password_resets: AnswerPasswordResets,
    remove_expired: RemoveExpired,
    housekeeping_interval: Duration,
}

impl Api {
    /// Serves until `shutdown`, and meanwhile answers requests for a password reset and clears away what has expired.
    pub(super) async fn run(&self, listener: TcpListener, shutdown: CancellationToken) {
        tokio::join!(
            self.serve(listener, shutdown.clone()),
            password_reset_loop::run(&self.answer_password_resets, shutdown.clone()),
            housekeeping_loop::run(&self.remove_expired, self.housekeeping_interval, shutdown),
        );
    }

    async fn serve(&self, listener: TcpListener, shutdown: CancellationToken) {
        let server = http::serve(listener, self.router.clone(), self.header_timeout, shutdown.clone());
        let out_of_time = async {
            shutdown.cancelled().await;
            tokio::time::sleep(REQUEST_DRAIN).await;
        };
        tokio::select! {
            () = server => {}
            () = out_of_time => {
                tracing::warn!("requests were still under way and are cut off; what they did not commit is undone");
            }
        }
    }
}

pub(super) fn build(
    database: &Database,
    config: ApiConfig,
    readiness: Readiness,
    tracer: Tracer,
    metrics: &Metrics,
) -> Result<Api, StartError> {
    let Ports { users, strength, passwords, clock, ids } = Ports::new(database, config.passwords)?;
    let secrets: Arc<dyn SecretGenerator> = Arc::new(OsSecretGenerator);
    let (sessions, answers) = (database.sessions(), database.answers());
    let idempotence =
        Arc::new(Idempotence::new(users.clone(), answers.clone(), clock.clone(), config.answers_kept));
    let (session_keys, action_keys) = (config.session_keys, config.action_token_keys);
    let log_in = LogInPorts {
        users: users.clone(),
        passwords: passwords.clone(),
        secrets: secrets.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
    };
    let use_cases = UseCases {
        register_user: RegisterUser::new(
            idempotence.clone(),
            strength.clone(),
            passwords.clone(),
            clock.clone(),
            ids.clone(),
        ),
        get_user: GetUser::new(users.clone()),
        list_users: ListUsers::new(users.clone()),
        update_user: UpdateUser::new(users.clone(), passwords.clone(), clock.clone(), ids.clone()),
        delete_user: DeleteUser::new(users.clone(), clock.clone()),
        log_in: LogIn::new(log_in, session_keys.clone(), config.sessions),
        refresh_session: RefreshSession::new(
            users.clone(),
            secrets,
            clock.clone(),
            session_keys.clone(),
            config.sessions,
        ),
        log_out: LogOut::new(users.clone()),
        authenticate: Authenticate::new(sessions.clone(), clock.clone(), session_keys.clone()),
        change_password: ChangePassword::new(
            users.clone(),
            strength.clone(),
            passwords.clone(),
            clock.clone(),
            ids.clone(),
        ),
        request_password_reset: RequestPasswordReset::new(idempotence.clone(), clock.clone(), ids.clone()),
        reset_password: ResetPassword::new(
            users.clone(),
            strength,
            passwords,
            clock.clone(),
            ids.clone(),
            action_keys.clone(),
        ),
        request_confirmation: RequestConfirmation::new(idempotence, clock.clone(), ids.clone()),
        confirm_address: ConfirmAddress::new(users.clone(), clock.clone(), ids.clone(), action_keys.clone()),
        cancel_address_change: CancelAddressChange::new(
            users.clone(),
            clock.clone(),
            ids.clone(),
            action_keys,
        ),
    };
    Ok(Api {
        header_timeout: config.http.limits.header_timeout,
        router: http::router(use_cases, config.http, session_keys, readiness, tracer, metrics),
        answer_password_resets: AnswerPasswordResets::new(
            users.clone(),
            database.password_resets(),
            clock.clone(),
            ids.clone(),
        ),
        remove_expired: RemoveExpired::new(users, sessions, answers, clock, config.unconfirmed_for),
        housekeeping_interval: config.housekeeping_interval,
    })
}
