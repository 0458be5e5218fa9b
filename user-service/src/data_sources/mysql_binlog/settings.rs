//! What the server must be set to.

use super::error::BinlogError;

/// The settings that matter, as rows of name and value. What a server does not know is not among them: MariaDB commits
/// in the order of its log always, and only MariaDB compresses single events.
pub(super) const QUERY: &str = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('log_bin', 'server_id', 'binlog_format', \
     'binlog_row_image', 'binlog_order_commits', 'log_bin_compress')";

struct Need {
    name: &'static str,
    /// In words.
    needed: &'static str,
    holds: fn(&str) -> bool,
    fix: &'static str,
}

const NEEDS: [Need; 6] = [
    Need {
        name: "log_bin",
        needed: "ON",
        holds: |value| value == "ON",
        fix: "start the server with --log-bin, or relay with --capture outbox-polled",
    },
    Need {
        name: "server_id",
        needed: "a number other than 0",
        holds: |value| value != "0",
        fix: "SET GLOBAL server_id = 1, and the same in the server's configuration",
    },
    Need {
        name: "binlog_format",
        needed: "ROW",
        holds: |value| value == "ROW",
        fix: "SET GLOBAL binlog_format = ROW, the same in the server's configuration, and let the writers connect anew",
    },
    Need {
        name: "binlog_row_image",
        needed: "FULL",
        holds: |value| value == "FULL",
        fix: "SET GLOBAL binlog_row_image = FULL, the same in the server's configuration, and let the writers connect anew",
    },
    // Otherwise a change may become visible after one that stands behind it in the log, and a sweep could miss it.
    Need {
        name: "binlog_order_commits",
        needed: "ON",
        holds: |value| value == "ON",
        fix: "SET GLOBAL binlog_order_commits = ON, and the same in the server's configuration",
    },
    Need {
        name: "log_bin_compress",
        needed: "OFF",
        holds: |value| value == "OFF",
        fix: "SET GLOBAL log_bin_compress = OFF, and the same in the server's configuration",
    },
];

/// Refuses the first setting that is not as needed.
pub(super) fn check(found: &[(String, String)]) -> Result<(), BinlogError> {
    for need in NEEDS {
        let value = found.iter().find(|(name, _)| name == need.name).map(|(_, value)| value);
        match value {
            Some(value) if !(need.holds)(value) => {
                return Err(BinlogError::Setting {
                    name: need.name,
                    value: value.clone(),
                    needed: need.needed,
                    fix: need.fix.to_owned(),
                });
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(changed: &[(&str, &str)]) -> Vec<(String, String)> {
        let good = [
            ("log_bin", "ON"),
            ("server_id", "1"),
            ("binlog_format", "ROW"),
            ("binlog_row_image", "FULL"),
            ("binlog_order_commits", "ON"),
        ];
        let kept = good.iter().filter(|(name, _)| changed.iter().all(|(other, _)| name != other));
        kept.chain(changed).map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn a_server_that_is_set_up_is_taken() {
        check(&with(&[])).expect("what is needed");
        check(&with(&[("log_bin_compress", "OFF")])).expect("MariaDB");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_value_and_the_fix() {
        for (name, value, fix) in [
            ("log_bin", "OFF", "--log-bin"),
            ("server_id", "0", "SET GLOBAL server_id = 1"),
            ("binlog_format", "MIXED", "SET GLOBAL binlog_format = ROW"),
            ("binlog_row_image", "MINIMAL", "SET GLOBAL binlog_row_image = FULL"),
            ("binlog_order_commits", "OFF", "SET GLOBAL binlog_order_commits = ON"),
            ("log_bin_compress", "ON", "SET GLOBAL log_bin_compress = OFF"),
        ] {
            let told = check(&with(&[(name, value)])).expect_err(name).to_string();
            assert!(told.contains(&format!("{name} is {value}")) && told.contains(fix), "{told}");
        }
    }
}
