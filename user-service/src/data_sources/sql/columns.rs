/// The value that a column's text names.
pub(in crate::data_sources) fn known<T>(
    column: &str,
    text: &str,
    from_name: impl FnOnce(&str) -> Option<T>,
) -> Result<T, sqlx::Error> {
    from_name(text).ok_or_else(|| bad(column, format!("{text:?} is no {column}")))
}

/// The hash that a column holds.
pub(in crate::data_sources) fn hash(column: &str, bytes: &[u8]) -> Result<[u8; 32], sqlx::Error> {
    bytes.try_into().map_err(|_| bad(column, format!("{} bytes are no hash", bytes.len())))
}

fn bad(column: &str, problem: String) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: problem.into() }
}
