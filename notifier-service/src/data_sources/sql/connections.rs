use sqlx::{Database, Pool};
use telemetry::metrics::Connections;

/// Those of these pools together.
pub(in crate::data_sources) fn connections<DB: Database>(pools: &[&Pool<DB>]) -> Connections {
    let mut all = Connections { used: 0, idle: 0, most: 0 };
    for pool in pools {
        let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
        all.idle += idle;
        all.used += pool.size().saturating_sub(idle);
        all.most += pool.options().get_max_connections();
    }
    all
}
