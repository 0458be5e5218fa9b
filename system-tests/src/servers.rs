use std::sync::atomic::{AtomicU32, Ordering};

/// A real server that tests use. `scripts/test` starts them; a server of one's own is given by the
/// environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// Oracle's MySQL 9.
    MySql,
    /// MariaDB 10.11.
    MariaDb,
    /// Apache Kafka 4.
    Kafka,
    /// Debezium's MySQL connector with Kafka Connect, which a [`Connector`](crate::Connector) runs.
    Debezium,
}

impl Server {
    /// Where the server is: a URL without a database, `host:port` of a Kafka broker, or a folder of jars. `None`, and a line that
    /// says why, when it was decided that the server cannot be had.
    ///
    /// # Panics
    ///
    /// When nothing was decided: a test that silently does not run is none.
    pub fn address(self) -> Option<String> {
        let (variable, skip) = self.variables();
        if let Some(address) = variable_of_the_test_run(variable) {
            return Some(address);
        }
        let reason = variable_of_the_test_run(skip).unwrap_or_else(|| {
            panic!("{variable} is not set: run `scripts/test`, or give a server by {variable}, or a reason by {skip}")
        });
        println!("not run: {reason}");
        None
    }

    /// Whether a test can start one of its own: where `scripts/test-servers` has started this one, its programs are on
    /// this machine. If not, a line says why.
    pub(crate) fn is_to_be_had_here(self) -> bool {
        if self.address().is_none() {
            return false;
        }
        let (variable, skip) = self.variables();
        let here = variable_of_the_test_run(&format!("{}_PID", skip.replace("SKIP_", ""))).is_some();
        if !here {
            println!(
                "not run: {variable} names a server that was given, and a test kills only servers of its own"
            );
        }
        here
    }

    /// Where it is, and why it cannot be had.
    fn variables(self) -> (&'static str, &'static str) {
        match self {
            Self::MySql => ("TEST_MYSQL_URL", "TEST_SKIP_MYSQL"),
            Self::MariaDb => ("TEST_MARIADB_URL", "TEST_SKIP_MARIADB"),
            Self::Kafka => ("TEST_KAFKA_BROKERS", "TEST_SKIP_KAFKA"),
            Self::Debezium => ("TEST_DEBEZIUM", "TEST_SKIP_DEBEZIUM"),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test binary has no command line of its own to read them by")]
fn variable_of_the_test_run(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A name that no other test of this machine uses at the same time: for databases, topics, groups.
pub fn unique_name(what: &str) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    #[expect(clippy::disallowed_methods, reason = "a name that is unique over test runs needs the time")]
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_millis();
    format!("{what}_{}_{now}_{count}", std::process::id())
}
