//! A measurement, and a bound so low that only a real mistake misses it.

use table_broker::NewRecord;
use tokio::time::Instant;

use crate::support::{Fixture, TOPIC};

#[tokio::test]
async fn batches_of_500_go_through_at_thousands_a_second() {
    const BATCH: usize = 500;
    const BATCHES: usize = 20;
    let fixture = Fixture::with_partitions(12).await;
    let started = Instant::now();
    for batch in 0..BATCHES {
        let records: Vec<_> = (0..BATCH)
            .map(|index| NewRecord {
                key: format!("user-{}", batch * BATCH + index).into_bytes(),
                value: vec![b'x'; 700],
                headers: (0..8).map(|n| (format!("ce_header{n}"), vec![b'h'; 30])).collect(),
            })
            .collect();
        fixture.broker.append(TOPIC, &records).await.unwrap();
    }
    let rate = |started: Instant| (BATCHES * BATCH) as f64 / started.elapsed().as_secs_f64();
    let appended = rate(started);

    let mut consumer = fixture.consumer();
    let started = Instant::now();
    let mut read = 0;
    while read < BATCH * BATCHES {
        let records = consumer.poll(BATCH, crate::support::DEADLINE).await.unwrap();
        consumer.commit(&records).await.unwrap();
        read += records.len();
    }
    let consumed = rate(started);
    println!("appended {appended:.0}/s, polled and committed {consumed:.0}/s");
    assert!(appended > 1000.0 && consumed > 1000.0, "{appended:.0}/s and {consumed:.0}/s");
}
