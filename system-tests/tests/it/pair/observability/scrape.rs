use std::collections::BTreeSet;
use std::fmt;

/// What a process told at `/metrics`.
pub(super) struct Scrape {
    job: &'static str,
    pub(super) text: String,
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:\n{}", self.job, self.text)
    }
}

impl Scrape {
    pub(super) fn of(job: &'static str, text: String) -> Self {
        Self { job, text }
    }

    /// Each series with its labels, and its value.
    fn series(&self) -> impl Iterator<Item = (&str, &str)> {
        self.text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '))
    }

    /// The names of the series.
    pub(super) fn names(&self) -> BTreeSet<String> {
        self.series().map(|(series, _)| name(series).to_owned()).collect()
    }

    /// The value of the series without labels of that name.
    pub(super) fn value(&self, of: &str) -> Option<f64> {
        self.series().find(|(series, _)| *series == of).map(|(_, value)| value.parse().unwrap())
    }

    /// The series of these names, with the labels that Prometheus adds, and their values.
    pub(super) fn as_scraped(&self, names: &BTreeSet<String>) -> Vec<(String, String)> {
        let of_prometheus = format!("job=\"{}\",instance=\"{}:0\"", self.job, self.job);
        self.series()
            .filter(|(series, _)| names.contains(name(series)))
            .map(|(series, value)| {
                let labels = series
                    .split_once('{')
                    .map_or(String::new(), |(_, labels)| format!("{},", labels.trim_end_matches('}')));
                (format!("{}{{{labels}{of_prometheus}}}", name(series)), value.to_owned())
            })
            .collect()
    }
}

fn name(series: &str) -> &str {
    series.split_once('{').map_or(series, |(name, _)| name)
}
