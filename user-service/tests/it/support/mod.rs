//! What the suites share.

pub(crate) mod api;
pub(crate) mod databases;
pub(crate) mod kafka;
pub(crate) mod outbox;
pub(crate) mod people;
pub(crate) mod relay;
pub(crate) mod servers;
pub(crate) mod waiting;

/// Runs every case of a contract on each of the engines, in a module and a database of its own.
macro_rules! on_each_engine {
    ($engines:tt $cases:tt) => {
        $crate::support::on_each_engine!(@engines $engines $cases);
    };
    (@engines [$($module:ident: $engine:ident),*] $cases:tt) => {
        $(
            mod $module {
                $crate::support::on_each_engine!(@cases $engine $cases);
            }
        )*
    };
    (@cases $engine:ident [$($case:ident),* $(,)?]) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                use $crate::support::databases::{Engine, with_database};
                with_database(Engine::$engine, super::super::$case).await;
            }
        )*
    };
}

pub(crate) use on_each_engine;
