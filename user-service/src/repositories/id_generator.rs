use uuid::Uuid;

/// New ids.
pub trait IdGenerator: Send + Sync {
    /// A UUIDv7 that was never given before. Ids given by one process rise.
    fn next_id(&self) -> Uuid;
}
