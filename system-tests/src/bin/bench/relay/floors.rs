//! The floors as contestants.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use shared_kernel::CDC_PARTITIONS;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::backlog::BinlogPlace;
use super::floor_read::first_and_last;
use super::ground::Ground;
use super::run::{Run, exactly_on_topic, until_on_topic};
use super::{child, record_file};
use crate::Failure;
use crate::clock::now;
use crate::progress::{Progress, say};
use crate::sampler::Sampler;
use crate::topic::Topic;

/// Only reads and decodes the binary log, from that place on.
pub(super) async fn read(ground: &Ground, from: &BinlogPlace, what: &str) -> Result<Run, Failure> {
    let (offset, rows) = (from.offset.to_string(), ground.changes.to_string());
    let started = now();
    let (file, database) = (from.file.as_str(), ground.database.name());
    let arguments =
        ["floor-read", "--file", file, "--offset", &offset, "--database", database, "--rows", &rows];
    let mut child = child::start(&arguments, &ground.servers.mysql_url)?;
    let sampler = Sampler::start(child.id().ok_or("the process is there")?);
    let mut lines = BufReader::new(child.stdout.take().ok_or("its output is read")?).lines();
    let (mut progress, mut decoded) = (Progress::new(what, ground.changes), 0);
    let when = loop {
        let line = lines.next_line().await?.ok_or("it ended before it had read all")?;
        if let Some(when) = first_and_last(&line) {
            break when;
        }
        decoded = line.parse()?;
        progress.at(decoded);
    };
    progress.end();
    let usage = sampler.finish();
    child::release(child).await?;
    if decoded != ground.changes {
        return Err(format!("{what}: {decoded} rows for {} changes", ground.changes).into());
    }
    Ok(Run::new(ground.changes, started, when, &usage))
}

/// Keeps all records of a topic in files, one a partition.
pub(super) async fn keep_records(ground: &Ground, topic: &Topic) -> Result<Vec<PathBuf>, Failure> {
    let paths: Vec<_> =
        (0..CDC_PARTITIONS).map(|partition| ground.folder.join(format!("{partition}.records"))).collect();
    let files: Result<Vec<_>, _> = paths.iter().map(|path| File::create(path).map(BufWriter::new)).collect();
    let files = topic.read(files?, |files, message| {
        Ok(record_file::write(&mut files[usize::try_from(rdkafka::Message::partition(message))?], message)?)
    });
    for mut file in files.await? {
        file.flush()?;
    }
    let sizes: Result<Vec<_>, _> = paths.iter().map(|path| path.metadata().map(|file| file.len())).collect();
    let bytes: u64 = sizes?.into_iter().sum();
    say(format!(
        "a record of the relay's has {} bytes, with its key and its headers",
        bytes / ground.changes
    ));
    Ok(paths)
}

/// Only produces those records.
pub(super) async fn produce(
    ground: &Ground,
    topic: &Topic,
    records: &[PathBuf],
    what: &str,
) -> Result<Run, Failure> {
    let paths: Vec<_> = records.iter().map(|path| path.to_string_lossy()).collect();
    let mut arguments = vec!["floor-produce", "--brokers", &ground.servers.brokers, "--topic", topic.name()];
    arguments.extend(paths.iter().flat_map(|path| ["--records", path]));
    let started = now();
    let child = child::start(&arguments, &ground.servers.mysql_url)?;
    let process = child.id().ok_or("the process is there")?;
    let sampler = Sampler::start(process);
    until_on_topic(topic, ground.changes, process, what).await?;
    let usage = sampler.finish();
    child::release(child).await?;
    exactly_on_topic(topic, ground.changes, what).await?;
    Ok(Run::new(ground.changes, started, topic.first_and_last().await?, &usage))
}
