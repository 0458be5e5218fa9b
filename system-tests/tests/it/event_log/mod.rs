//! One suite for both event logs: what user-service's publisher puts in, notifier-service's consumer gets
//! out, whatever the broker.

mod contract;
mod logs;

/// Runs every case of the suite on a log of its own. A log that cannot be had says why.
macro_rules! event_log_contract {
    ($($log:ident),* $(,)?) => {$(
        mod $log {
            use super::{contract, logs};

            event_log_contract!(@cases $log:
                one_users_events_keep_their_order,
                what_is_committed_does_not_come_again,
                what_was_read_and_not_committed_comes_again_after_a_crash,
                members_of_a_group_share_the_partitions,
                a_member_that_leaves_hands_over_at_once,
                groups_do_not_disturb_each_other,
            );
        }
    )*};
    (@cases $log:ident: $($case:ident),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let Some(log) = logs::$log().await else { return };
            contract::$case(&*log).await;
            log.remove().await;
        }
    )*};
}

event_log_contract!(table_broker, kafka);
