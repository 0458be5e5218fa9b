use uuid::Uuid;

use crate::repositories::IdGenerator;

/// UUIDv7 from the system's clock and random source: the one place of this service that uses them.
#[derive(Debug, Default, Clone, Copy)]
pub struct UuidV7IdGenerator;

impl IdGenerator for UuidV7IdGenerator {
    #[expect(clippy::disallowed_methods, reason = "this is the owner of ids")]
    fn next_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}
