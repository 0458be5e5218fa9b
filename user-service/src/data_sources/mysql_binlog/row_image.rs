//! Rows as the log has them, read in place: of a large transaction every byte is looked at once, and nothing is copied
//! that is not asked for.

use chrono::{DateTime, NaiveDate, Utc};
use mysql_async::Value;
use mysql_async::binlog::events::{OptionalMetadataField, RowsEventData, TableMapEvent};
use mysql_async::binlog::value::BinlogValue;
use mysql_async::consts::ColumnType;
use mysql_common::io::ParseBuf;
use uuid::Uuid;

/// A column as the table's definition has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ColumnDefinition {
    pub(super) name: String,
    /// Of an `ENUM`: what its numbers mean, from 1.
    pub(super) values: Vec<String>,
}

/// Where the columns that somebody wants are in the rows of a table, for one version of its definition.
#[derive(Debug)]
pub(super) struct Layout<const WANTED: usize> {
    columns: Vec<Column>,
    /// For each that is wanted, where it is, if it is there.
    places: [Option<usize>; WANTED],
}

#[derive(Debug)]
struct Column {
    kind: ColumnType,
    /// What the log says of the type: lengths, decimals.
    meta: Vec<u8>,
    width: Width,
    wanted: Option<usize>,
    values: Vec<String>,
}

/// The log leaves out the zeros at the end of a `BINARY(16)`.
pub(super) fn uuid(logged: &[u8]) -> Option<Uuid> {
    let mut bytes = [0; 16];
    bytes.get_mut(..logged.len())?.copy_from_slice(logged);
    Some(Uuid::from_bytes(bytes))
}

/// How long a value is.
#[derive(Debug, Clone, Copy)]
enum Width {
    Bytes(usize),
    /// So many bytes in front of it tell.
    Told(usize),
}

/// What a row holds in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    /// The table has no such column.
    Missing,
    /// The table has the column, but the log does not tell it.
    Untold,
    Null,
    /// As it is in the log, without the length in front of it.
    Bytes(&'a [u8]),
}

/// The wanted columns of one row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Image<'a, const WANTED: usize> {
    pub(super) layout: &'a Layout<WANTED>,
    pub(super) cells: [Cell<'a>; WANTED],
}

/// The row is not as its table was introduced.
#[derive(Debug)]
pub(super) struct BadRow;

/// The columns as the log tells them, which it does with `binlog_row_metadata=FULL` only.
pub(super) fn definition_in_log(table: &TableMapEvent<'_>) -> Option<Vec<ColumnDefinition>> {
    let (mut names, mut enums) = (None, Vec::new());
    for field in table.iter_optional_meta() {
        match field.ok()? {
            OptionalMetadataField::ColumnName(told) => {
                let all = told.iter_names().map(|name| Some(name.ok()?.name().into_owned()));
                names = Some(all.collect::<Option<Vec<_>>>()?);
            }
            OptionalMetadataField::EnumStrValue(told) => {
                for values in told.iter_values() {
                    let values = values.ok()?;
                    enums.push(values.values().iter().map(|value| value.value().into_owned()).collect());
                }
            }
            _ => {}
        }
    }
    let mut enums = enums.into_iter();
    let columns = names?.into_iter().enumerate().map(|(place, name)| {
        let is_enum = matches!(table.get_column_type(place), Ok(Some(ColumnType::MYSQL_TYPE_ENUM)));
        ColumnDefinition { name, values: is_enum.then(|| enums.next()).flatten().unwrap_or_default() }
    });
    Some(columns.collect())
}

impl<const WANTED: usize> Layout<WANTED> {
    /// Finds the wanted columns by their names, and holds the number of columns against the log, which may be of before
    /// or after a change of the table that the definition does not know.
    pub(super) fn new(
        table: &TableMapEvent<'_>,
        definition: Vec<ColumnDefinition>,
        wanted: [&str; WANTED],
    ) -> Result<Self, String> {
        if usize::try_from(table.columns_count()) != Ok(definition.len()) {
            let (logged, known) = (table.columns_count(), definition.len());
            return Err(format!("{logged} columns, and the table has {known}"));
        }
        let mut places = [None; WANTED];
        let columns = definition.into_iter().enumerate().map(|(place, column)| {
            let Ok(Some(kind)) = table.get_column_type(place) else {
                return Err(format!("the column {} has a type that is not known", column.name));
            };
            let wanted = wanted.iter().position(|wanted| *wanted == column.name);
            if let Some(wanted) = wanted {
                places[wanted] = Some(place);
            }
            let meta = table.get_column_metadata(place).unwrap_or_default().to_vec();
            let width =
                width(kind, &meta).ok_or_else(|| format!("the column {} is {kind:?}", column.name))?;
            Ok(Column { kind, meta, width, wanted, values: column.values })
        });
        let columns = columns.collect::<Result<_, _>>()?;
        Ok(Self { columns, places })
    }

    /// The type of a wanted column.
    pub(super) fn kind(&self, wanted: usize) -> Option<ColumnType> {
        self.places[wanted].map(|place| self.columns[place].kind)
    }

    /// What the number of an `ENUM` means.
    pub(super) fn named(&self, wanted: usize, number: u64) -> Option<&str> {
        let values = &self.columns[self.places[wanted]?].values;
        values.get(usize::try_from(number).ok()?.checked_sub(1)?).map(String::as_str)
    }

    /// The moment that a wanted column tells.
    pub(super) fn moment(&self, wanted: usize, bytes: &[u8]) -> Option<DateTime<Utc>> {
        let column = &self.columns[self.places[wanted]?];
        let value =
            ParseBuf(bytes).parse::<BinlogValue<'_>>((column.kind, &column.meta, false, false)).ok()?;
        let BinlogValue::Value(Value::Date(year, month, day, hour, minute, second, microseconds)) = value
        else {
            return None;
        };
        let day = NaiveDate::from_ymd_opt(year.into(), month.into(), day.into())?;
        let time = day.and_hms_micro_opt(hour.into(), minute.into(), second.into(), microseconds)?;
        Some(time.and_utc())
    }

    /// The rows of an event.
    pub(super) fn rows<'a>(&'a self, event: &'a RowsEventData<'a>) -> Rows<'a, WANTED> {
        let is_partial = matches!(event, RowsEventData::PartialUpdateRowsEvent(_));
        let documents =
            self.columns.iter().filter(|column| column.kind == ColumnType::MYSQL_TYPE_JSON).count();
        let partial = is_partial.then_some(documents);
        Rows {
            layout: self,
            before: event.columns_before_image().map(|told| told.iter().map(|told| *told).collect()),
            after: event.columns_after_image().map(|told| told.iter().map(|told| *told).collect()),
            partial,
            rest: event.rows_data(),
        }
    }

    /// Reads one image from the front of what is left.
    fn image<'a>(&'a self, told: &[bool], rest: &mut &'a [u8]) -> Option<Image<'a, WANTED>> {
        let count = told.iter().filter(|told| **told).count();
        let nulls = take(rest, count.div_ceil(8))?;
        let mut cells = [Cell::Missing; WANTED];
        let mut number = 0;
        for (column, told) in self.columns.iter().zip(told) {
            let cell = if *told {
                let is_null = nulls[number / 8] & (1 << (number % 8)) != 0;
                number += 1;
                if is_null { Cell::Null } else { Cell::Bytes(column.width.take(rest)?) }
            } else {
                Cell::Untold
            };
            if let Some(wanted) = column.wanted {
                cells[wanted] = cell;
            }
        }
        Some(Image { layout: self, cells })
    }
}

/// The rows of an event, each as it was and as it is, where it was and is.
pub(super) struct Rows<'a, const WANTED: usize> {
    layout: &'a Layout<WANTED>,
    /// Which columns the images have.
    before: Option<Vec<bool>>,
    after: Option<Vec<bool>>,
    /// With `binlog_row_value_options=PARTIAL_JSON`: how many columns are documents.
    partial: Option<usize>,
    rest: &'a [u8],
}

impl<'a, const WANTED: usize> Iterator for Rows<'a, WANTED> {
    type Item = Result<(Option<Image<'a, WANTED>>, Option<Image<'a, WANTED>>), BadRow>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let row = self.read();
        if row.is_none() {
            // Where the next one begins is not known.
            self.rest = &[];
        }
        Some(row.ok_or(BadRow))
    }
}

impl<'a, const WANTED: usize> Rows<'a, WANTED> {
    fn read(&mut self) -> Option<(Option<Image<'a, WANTED>>, Option<Image<'a, WANTED>>)> {
        let rest = &mut self.rest;
        let before = match &self.before {
            Some(told) => Some(self.layout.image(told, rest)?),
            None => None,
        };
        if let Some(documents) = self.partial {
            skip_partial_documents(documents, rest)?;
        }
        let after = match &self.after {
            Some(told) => Some(self.layout.image(told, rest)?),
            None => None,
        };
        Some((before, after))
    }
}

/// Which documents are told in part only stands in front of the row as it is.
fn skip_partial_documents(documents: usize, rest: &mut &[u8]) -> Option<()> {
    let [options] = *take(rest, 1)? else { return None };
    if options != 0 {
        take(rest, documents.div_ceil(8))?;
    }
    Some(())
}

impl Width {
    fn take<'a>(self, rest: &mut &'a [u8]) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(length) => take(rest, length),
            Self::Told(length) => {
                let length = take(rest, length)?;
                let length = length.iter().rev().fold(0, |value, byte| value << 8 | usize::from(*byte));
                take(rest, length)
            }
        }
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

/// What a value of a type takes up in a row
/// (<https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Table__map__event.html>).
fn width(kind: ColumnType, meta: &[u8]) -> Option<Width> {
    use ColumnType::*;
    let meta = |place: usize| meta.get(place).copied().map(usize::from);
    let length_of = |longest: usize| Width::Told(if longest < 256 { 1 } else { 2 });
    let with_fraction = |seconds: usize| Some(Width::Bytes(seconds + meta(0)?.div_ceil(2)));
    Some(match kind {
        MYSQL_TYPE_TINY | MYSQL_TYPE_YEAR => Width::Bytes(1),
        MYSQL_TYPE_SHORT => Width::Bytes(2),
        MYSQL_TYPE_INT24 | MYSQL_TYPE_DATE | MYSQL_TYPE_NEWDATE | MYSQL_TYPE_TIME => Width::Bytes(3),
        MYSQL_TYPE_LONG | MYSQL_TYPE_FLOAT | MYSQL_TYPE_TIMESTAMP => Width::Bytes(4),
        MYSQL_TYPE_LONGLONG | MYSQL_TYPE_DOUBLE | MYSQL_TYPE_DATETIME => Width::Bytes(8),
        MYSQL_TYPE_TIME2 => with_fraction(3)?,
        MYSQL_TYPE_TIMESTAMP2 => with_fraction(4)?,
        MYSQL_TYPE_DATETIME2 => with_fraction(5)?,
        MYSQL_TYPE_ENUM | MYSQL_TYPE_SET => Width::Bytes(meta(1)?),
        MYSQL_TYPE_BIT => Width::Bytes((meta(1)? * 8 + meta(0)?).div_ceil(8)),
        MYSQL_TYPE_NEWDECIMAL => {
            let (scale, whole) = (meta(1)?, meta(0)?.checked_sub(meta(1)?)?);
            // Nine digits in four bytes, and fewer in as many as they need.
            let bytes = |digits: usize| digits / 9 * 4 + (digits % 9).div_ceil(2);
            Width::Bytes(bytes(whole) + bytes(scale))
        }
        MYSQL_TYPE_VARCHAR | MYSQL_TYPE_VAR_STRING => length_of(meta(0)? | meta(1)? << 8),
        // The length's upper bits are in the byte of the type, upside down.
        MYSQL_TYPE_STRING => length_of(meta(1)? | ((meta(0)? & 0x30) ^ 0x30) << 4),
        MYSQL_TYPE_TINY_BLOB
        | MYSQL_TYPE_BLOB
        | MYSQL_TYPE_MEDIUM_BLOB
        | MYSQL_TYPE_LONG_BLOB
        | MYSQL_TYPE_GEOMETRY
        | MYSQL_TYPE_JSON
        | MYSQL_TYPE_VECTOR => Width::Told(meta(0)?),
        _ => return None,
    })
}
