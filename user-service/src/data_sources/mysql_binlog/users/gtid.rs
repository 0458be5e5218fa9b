//! Global transaction ids: which transactions have been passed, whatever server's log they were read from.
//!
//! MySQL keeps a set of them (<https://dev.mysql.com/doc/refman/9.0/en/replication-gtids-concepts.html>), MariaDB the
//! last one of each domain (<https://mariadb.com/kb/en/gtid/>).

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use mysql_async::binlog::events::PreviousGtidsSid;
use mysql_common::packets::{GnoInterval, Sid, Tag};
use thiserror::Error;
use uuid::Uuid;

/// The id of one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Gtid {
    MySql { source: Source, number: u64 },
    MariaDb { domain: u32, server: u32, sequence: u64 },
}

/// Who numbers MySQL's transactions: a server, or one of its tags.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Source {
    pub(super) server: Uuid,
    /// Empty for transactions without one.
    pub(super) tag: String,
}

/// The transactions that have been passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Gtids {
    MySql(BTreeMap<Source, Vec<Range<u64>>>),
    MariaDb(BTreeMap<u32, (u32, u64)>),
}

/// It is not in the form in which servers write it.
#[derive(Debug, Error)]
#[error("{0:?} is no set of GTIDs")]
pub(super) struct BadGtids(String);

impl Gtids {
    /// Reads what MySQL calls `gtid_executed`.
    pub(super) fn of_mysql(text: &str) -> Result<Self, BadGtids> {
        let bad = || BadGtids(text.to_owned());
        let mut sets = Self::MySql(BTreeMap::new());
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let mut parts = part.split(':').map(str::trim);
            let server = parts.next().and_then(|uuid| Uuid::try_parse(uuid).ok()).ok_or_else(bad)?;
            let mut source = Source { server, tag: String::new() };
            for part in parts {
                if part.starts_with(|first: char| first.is_ascii_digit()) {
                    let (first, last) = part.split_once('-').unwrap_or((part, part));
                    let (first, last): (u64, u64) =
                        (first.parse().map_err(|_| bad())?, last.parse().map_err(|_| bad())?);
                    if first == 0 || first > last {
                        return Err(bad());
                    }
                    sets.add_range(&source, first..last.saturating_add(1));
                } else {
                    Tag::new(part).map_err(|_| bad())?;
                    part.clone_into(&mut source.tag);
                }
            }
        }
        Ok(sets)
    }

    /// What a file of MySQL's log says is in those before it.
    pub(super) fn of_sids(sids: &[PreviousGtidsSid<'_>]) -> Self {
        let mut all = Self::MySql(BTreeMap::new());
        for sid in sids {
            let tag = sid.tag().map(|tag| tag.as_str().to_owned()).unwrap_or_default();
            let source = Source { server: Uuid::from_bytes(sid.uuid()), tag };
            for interval in sid.intervals() {
                all.add_range(&source, interval.start()..interval.end());
            }
        }
        all
    }

    /// Reads what MariaDB calls `gtid_binlog_pos`.
    pub(super) fn of_mariadb(text: &str) -> Result<Self, BadGtids> {
        let bad = || BadGtids(text.to_owned());
        let mut last = BTreeMap::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let mut numbers = part.splitn(3, '-');
            let mut next = || numbers.next().ok_or_else(bad);
            let (domain, server, sequence) = (next()?, next()?, next()?);
            let domain = domain.parse().map_err(|_| bad())?;
            let (server, sequence) =
                (server.parse().map_err(|_| bad())?, sequence.parse().map_err(|_| bad())?);
            last.insert(domain, (server, sequence));
        }
        Ok(Self::MariaDb(last))
    }

    /// An empty set of the kind that the transaction's server keeps.
    pub(super) fn none_like(gtid: &Gtid) -> Self {
        match gtid {
            Gtid::MySql { .. } => Self::MySql(BTreeMap::new()),
            Gtid::MariaDb { .. } => Self::MariaDb(BTreeMap::new()),
        }
    }

    /// Those of another kind of server are not taken up.
    pub(super) fn add(&mut self, gtid: &Gtid) {
        match (self, gtid) {
            (all @ Self::MySql(_), Gtid::MySql { source, number }) => {
                all.add_range(source, *number..number.saturating_add(1));
            }
            (Self::MariaDb(last), Gtid::MariaDb { domain, server, sequence }) => {
                last.insert(*domain, (*server, *sequence));
            }
            _ => {}
        }
    }

    /// Adds all of those, which were passed later.
    pub(super) fn extend(&mut self, later: &Self) {
        match (self, later) {
            (all @ Self::MySql(_), Self::MySql(later)) => {
                for (source, ranges) in later {
                    for range in ranges {
                        all.add_range(source, range.clone());
                    }
                }
            }
            (Self::MariaDb(last), Self::MariaDb(later)) => last.extend(later),
            _ => {}
        }
    }

    fn add_range(&mut self, source: &Source, added: Range<u64>) {
        let Self::MySql(all) = self else { return };
        let Some(ranges) = all.get_mut(source) else {
            all.insert(source.clone(), vec![added]);
            return;
        };
        // Nearly always the next number.
        if let Some(last) = ranges.last_mut()
            && last.end == added.start
        {
            last.end = added.end;
            return;
        }
        ranges.push(added);
        ranges.sort_unstable_by_key(|range| range.start);
        ranges.dedup_by(|next, one| {
            let meet = next.start <= one.end;
            if meet {
                one.end = one.end.max(next.end);
            }
            meet
        });
    }

    /// As MySQL's replication protocol takes them.
    pub(super) fn as_sids(&self) -> Vec<Sid<'static>> {
        let Self::MySql(all) = self else { return vec![] };
        let sids = all.iter().map(|(source, ranges)| {
            let intervals = ranges.iter().map(|range| GnoInterval::new(range.start, range.end)).collect();
            let sid = Sid::new(source.server.into_bytes()).with_intervals(intervals);
            match Tag::new(source.tag.clone()) {
                Ok(tag) => sid.with_tag(tag),
                Err(_none) => sid,
            }
        });
        sids.collect()
    }
}

impl fmt::Display for Gtids {
    /// As the servers write and read them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MySql(all) => {
                for (number, (source, ranges)) in all.iter().enumerate() {
                    write!(f, "{}{source}", if number > 0 { "," } else { "" })?;
                    for range in ranges {
                        let last = range.end - 1;
                        if range.start == last {
                            write!(f, ":{last}")?;
                        } else {
                            write!(f, ":{}-{last}", range.start)?;
                        }
                    }
                }
            }
            Self::MariaDb(last) => {
                for (number, (domain, (server, sequence))) in last.iter().enumerate() {
                    write!(f, "{}{domain}-{server}-{sequence}", if number > 0 { "," } else { "" })?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.server)?;
        if !self.tag.is_empty() {
            write!(f, ":{}", self.tag)?;
        }
        Ok(())
    }
}

impl fmt::Display for Gtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MySql { source, number } => write!(f, "{source}:{number}"),
            Self::MariaDb { domain, server, sequence } => write!(f, "{domain}-{server}-{sequence}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "37af5fcc-e5ca-11f1-8abf-02fc00000001";
    const B: &str = "47af5fcc-e5ca-11f1-8abf-02fc00000001";

    fn numbered(number: u64, tag: &str) -> Gtid {
        Gtid::MySql { source: Source { server: Uuid::parse_str(A).unwrap(), tag: tag.to_owned() }, number }
    }

    #[test]
    fn what_a_server_writes_is_read_and_written_as_servers_read_it() {
        for (text, written) in [
            (String::new(), String::new()),
            (format!("{A}:1-5"), format!("{A}:1-5")),
            (format!("{B}:7,\n{A}:1-5:7:9-10"), format!("{A}:1-5:7:9-10,{B}:7")),
            (format!("{A}:1-5:one:1-3:two:4:6"), format!("{A}:1-5,{A}:one:1-3,{A}:two:4:6")),
        ] {
            assert_eq!(Gtids::of_mysql(&text).unwrap().to_string(), written);
        }
        for text in ["0-1-100", "0-1-100,5-2-7", ""] {
            assert_eq!(Gtids::of_mariadb(text).unwrap().to_string(), text);
        }
        for text in ["x", "x:1-5", &format!("{A}:0"), &format!("{A}:5-1"), &format!("{A}:UPPER:1")] {
            assert!(Gtids::of_mysql(text).is_err(), "{text}");
        }
        for text in ["x", "0-1", "0-1-x"] {
            assert!(Gtids::of_mariadb(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_passed_is_added_in_whatever_order_it_comes() {
        let mut all = Gtids::of_mysql(&format!("{A}:1-5")).unwrap();
        for number in [6, 9, 8, 12, 5] {
            all.add(&numbered(number, ""));
        }
        assert_eq!(all.to_string(), format!("{A}:1-6:8-9:12"));
        all.add(&numbered(7, ""));
        all.add(&numbered(1, "tagged"));
        assert_eq!(all.to_string(), format!("{A}:1-9:12,{A}:tagged:1"));
        let more = Gtids::of_mysql(&format!("{A}:10-11,{B}:3")).unwrap();
        all.extend(&more);
        assert_eq!(all.to_string(), format!("{A}:1-12,{A}:tagged:1,{B}:3"));
        let sids: Vec<_> = all.as_sids().iter().map(ToString::to_string).collect();
        assert_eq!(sids.join(","), all.to_string());
    }

    #[test]
    fn of_mariadb_the_last_of_each_domain_counts() {
        let mut all = Gtids::of_mariadb("0-1-100,5-2-7").unwrap();
        all.add(&Gtid::MariaDb { domain: 0, server: 3, sequence: 101 });
        all.add(&Gtid::MariaDb { domain: 7, server: 3, sequence: 1 });
        all.add(&numbered(1, ""));
        assert_eq!(all.to_string(), "0-3-101,5-2-7,7-3-1");
    }
}
