use chrono::{DateTime, Utc};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Encode, Type};

/// A moment as a column of ours takes it.
///
/// The servers get the `DATETIME` that the columns are. What the driver makes of a `DateTime<Utc>` is a `TIMESTAMP`,
/// which on MariaDB ends in January 2038 and is `NULL` from then on.
pub(in crate::data_sources) struct Moment(pub(in crate::data_sources) DateTime<Utc>);

#[cfg(feature = "mysql")]
impl Type<sqlx::MySql> for Moment {
    fn type_info() -> sqlx::mysql::MySqlTypeInfo {
        <chrono::NaiveDateTime as Type<sqlx::MySql>>::type_info()
    }
}

#[cfg(feature = "mysql")]
impl Encode<'_, sqlx::MySql> for Moment {
    fn encode_by_ref(&self, buffer: &mut Vec<u8>) -> Result<IsNull, BoxDynError> {
        Encode::<sqlx::MySql>::encode_by_ref(&self.0.naive_utc(), buffer)
    }
}

#[cfg(feature = "sqlite")]
impl Type<sqlx::Sqlite> for Moment {
    fn type_info() -> sqlx::sqlite::SqliteTypeInfo {
        <DateTime<Utc> as Type<sqlx::Sqlite>>::type_info()
    }
}

#[cfg(feature = "sqlite")]
impl Encode<'_, sqlx::Sqlite> for Moment {
    fn encode_by_ref(&self, buffer: &mut sqlx::sqlite::SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<sqlx::Sqlite>::encode_by_ref(&self.0, buffer)
    }
}
