//! Events that are larger than what is ordinarily taken into memory.

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Row};

use super::super::error::{BinlogError, PlaceError};
use super::super::server::{BinlogServer, LARGEST_PACKET};

/// Where one begins.
#[derive(Debug, Clone)]
pub(super) struct LargeEvent {
    pub(super) file: String,
    pub(super) offset: u64,
}

/// What the server says of it.
struct Told {
    kind: String,
    /// In bytes, as it is in the log.
    size: u64,
    /// In bytes, when it is in memory.
    unpacked: u64,
}

impl LargeEvent {
    /// Connects so that the event can be read, if it takes up no more than `most` (bytes) in memory. A compressed
    /// transaction is one event, which is unpacked as a whole; of any other transaction an event is at most a row.
    pub(super) async fn connect(&self, server: &BinlogServer, most: usize) -> Result<Conn, BinlogError> {
        let mut connection = server.connect().await?;
        let told = self.ask(&mut connection).await?;
        let Told { kind, size, unpacked } =
            told.ok_or(BinlogError::TimedOut("say what is in its binary log"))?;
        if usize::try_from(unpacked).map_or(true, |unpacked| unpacked > most) {
            let place = format!("{} at {}", self.file, self.offset);
            let needed = unpacked.div_ceil(1024 * 1024);
            return Err(BinlogError::Place(if kind == COMPRESSED {
                PlaceError::LargeTransaction { place, needed, most: most / (1024 * 1024) }
            } else {
                PlaceError::LargeEvent { place, kind, needed, most: most / (1024 * 1024) }
            }));
        }
        let packet = usize::try_from(size).unwrap_or(usize::MAX).saturating_add(LARGEST_PACKET);
        server.connect_for(packet).await
    }

    async fn ask(&self, connection: &mut Conn) -> Result<Option<Told>, BinlogError> {
        // The file's name is the server's own; a statement that shows events takes no parameters.
        let sql =
            format!("SHOW BINLOG EVENTS IN '{}' FROM {} LIMIT 1", self.file.replace('\'', ""), self.offset);
        let row: Option<Row> = connection.query_first(sql).await.map_err(BinlogError::reading)?;
        Ok(row.and_then(|row| {
            let text = |index| row.get_opt::<String, _>(index)?.ok();
            let end: u64 = row.get_opt(4)?.ok()?;
            let (kind, info) = (text(2)?, text(5).unwrap_or_default());
            let size = end.saturating_sub(self.offset);
            let unpacked = decompressed_size(&info).unwrap_or(size);
            Some(Told { kind, size, unpacked })
        }))
    }
}

/// What MySQL calls the event of a compressed transaction there.
const COMPRESSED: &str = "Transaction_payload";

/// What is told of a compressed transaction: `compression='ZSTD', decompressed_size=4711 bytes`.
fn decompressed_size(info: &str) -> Option<u64> {
    let (_before, size) = info.split_once("decompressed_size=")?;
    size.split(|end: char| !end.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_a_compressed_transaction_is_read() {
        assert_eq!(decompressed_size("compression='ZSTD', decompressed_size=4711 bytes"), Some(4711));
        assert_eq!(decompressed_size("table_id: 90 flags: STMT_END_F"), None);
    }
}
