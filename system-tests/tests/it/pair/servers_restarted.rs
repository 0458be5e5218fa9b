//! Nothing is lost or reordered, and nobody has to help, when the servers that the services use are killed under load
//! and started again.

use std::time::Duration;

use system_tests::{OwnServer, Server, SteadyLoad};

use super::deployment::{Deployment, Servers};
use super::told::all_is_told;

/// How often the server is killed.
const ROUNDS: usize = 2;
/// How many updates are answered in each round, and after how many of them the server is killed.
const UPDATES: usize = 60;
const BEFORE_THE_KILL: usize = 25;
const LIMIT: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_is_told_of_everything_though_mysql_is_killed_and_started_again() {
    let Some(brokers) = Server::Kafka.address() else { return };
    let Some(mut mysql) = OwnServer::mysql(&[]).await else { return };
    let servers = Servers { userdata: mysql.address(), notifier: mysql.address(), brokers };
    let deployment = Deployment::start_on("mysql_restarted", servers, &[]).await;
    let load = SteadyLoad::start(&deployment.users).await;
    for round in 0..ROUNDS {
        load.allow(UPDATES);
        load.answered(round * UPDATES + BEFORE_THE_KILL, LIMIT).await;
        mysql.kill();
        mysql.start_again().await;
        load.answered((round + 1) * UPDATES, LIMIT).await;
    }
    all_is_told(&deployment, &load.end().await, LIMIT).await;
    deployment.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_is_told_of_everything_though_kafka_is_killed_and_started_again() {
    let Some(mysql) = Server::MySql.address() else { return };
    let Some(mut kafka) = OwnServer::kafka().await else { return };
    let servers = Servers { userdata: mysql.clone(), notifier: mysql, brokers: kafka.address() };
    let deployment = Deployment::start_on("kafka_restarted", servers, &[]).await;
    let load = SteadyLoad::start(&deployment.users).await;
    for round in 0..ROUNDS {
        load.allow(UPDATES);
        load.answered(round * UPDATES + BEFORE_THE_KILL, LIMIT).await;
        kafka.kill();
        // The API needs no broker, so these pile up.
        load.answered((round + 1) * UPDATES, LIMIT).await;
        kafka.start_again().await;
    }
    all_is_told(&deployment, &load.end().await, LIMIT).await;
    deployment.stop().await;
}
