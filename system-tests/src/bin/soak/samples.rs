//! What processes have, as Linux tells it (`man 5 proc`).

/// The first part of the samples, in which caches and pools fill.
const WARM_UP: usize = 6;

/// By how much the least memory may differ between the first samples that count and the last, in KiB: allocators keep and
/// give back by whole pages and arenas.
const SLACK_KIB: u64 = 3 * 1024;

/// By how many file descriptors: pools open a connection more now and then.
const SLACK_DESCRIPTORS: u64 = 8;

pub(crate) const TABLE_HEAD: &str = "| process | least resident after the warm-up, MiB | at the end, MiB | at most, MiB | descriptors after the warm-up | at the end | at most | flat |\n\
     |---|--:|--:|--:|--:|--:|--:|---|";

pub(crate) struct Samples(Vec<OfProcess>);

struct OfProcess {
    name: &'static str,
    id: u32,
    /// Resident memory in KiB, and open file descriptors.
    taken: Vec<(u64, u64)>,
}

impl Samples {
    pub(crate) fn of(processes: impl Iterator<Item = (&'static str, u32)>) -> Self {
        Self(processes.map(|(name, id)| OfProcess { name, id, taken: Vec::new() }).collect())
    }

    /// Looks at each.
    ///
    /// # Panics
    ///
    /// When one has ended.
    pub(crate) fn take(&mut self) {
        for process in &mut self.0 {
            let status = std::fs::read_to_string(format!("/proc/{}/status", process.id));
            let resident = resident(&status.expect("the process runs")).expect("a process has memory");
            let descriptors = std::fs::read_dir(format!("/proc/{}/fd", process.id));
            process.taken.push((resident, descriptors.expect("the process runs").count() as u64));
        }
    }

    /// The last samples, on one line.
    pub(crate) fn now(&self) -> String {
        let last = |process: &OfProcess| {
            let (resident, descriptors) = process.taken.last().copied().unwrap_or_default();
            format!("{} {} MiB, {descriptors} descriptors", process.name, resident / 1024)
        };
        self.0.iter().map(last).collect::<Vec<_>>().join("; ")
    }

    pub(crate) fn are_flat(&self) -> bool {
        self.0.iter().all(|process| process.summary().is_flat())
    }

    /// Rows of [`TABLE_HEAD`].
    pub(crate) fn to_markdown(&self) -> String {
        self.0.iter().map(|process| process.summary().to_markdown(process.name)).collect()
    }
}

impl OfProcess {
    fn summary(&self) -> Summary {
        Summary::of(&self.taken)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Summary {
    /// Of the sixth after the warm-up, and of the last sixth: the least memory, and the median of the descriptors. A leak raises
    /// the least too. What is in use or kept for a moment does not: a hash of a password takes 19 MiB, and how long the allocator
    /// keeps them afterwards is chance.
    begin: (u64, u64),
    end: (u64, u64),
    most: (u64, u64),
}

impl Summary {
    fn of(taken: &[(u64, u64)]) -> Self {
        let part = (taken.len() / WARM_UP).max(1);
        let summary = |values: &[(u64, u64)]| {
            let mut descriptors: Vec<_> = values.iter().map(|sample| sample.1).collect();
            descriptors.sort_unstable();
            let least = values.iter().map(|sample| sample.0).min().unwrap_or_default();
            (least, descriptors.get(descriptors.len() / 2).copied().unwrap_or_default())
        };
        let begin = part.min(taken.len().saturating_sub(1));
        Self {
            begin: summary(&taken[begin..taken.len().min(begin + part)]),
            end: summary(&taken[taken.len().saturating_sub(part)..]),
            most: (
                taken.iter().map(|sample| sample.0).max().unwrap_or_default(),
                taken.iter().map(|sample| sample.1).max().unwrap_or_default(),
            ),
        }
    }

    fn is_flat(self) -> bool {
        self.end.0 <= self.begin.0 + SLACK_KIB && self.end.1 <= self.begin.1 + SLACK_DESCRIPTORS
    }

    fn to_markdown(self, name: &str) -> String {
        let Self { begin, end, most } = self;
        let mib = |kib: u64| format!("{:.1}", kib as f64 / 1024.0);
        let (b, e, m) = (mib(begin.0), mib(end.0), mib(most.0));
        let flat = if self.is_flat() { "yes" } else { "**no**" };
        format!("| {name} | {b} | {e} | {m} | {} | {} | {} | {flat} |\n", begin.1, end.1, most.1)
    }
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_seen_and_a_warm_up_is_not_taken_for_one() {
        let steady: Vec<_> = (0..60).map(|at| (10_000 + at % 7 * 100, 20 + at % 3)).collect();
        let warm: Vec<_> = (0..60).map(|at| (10_000 + at.min(9) * 5_000, 20)).collect();
        assert!(Summary::of(&steady).is_flat() && Summary::of(&warm).is_flat());
        // Of something that takes much and is kept for a while, rarely at first and mostly at the end.
        let kept: Vec<_> =
            (0..60).map(|at| (if at % 10 < 1 + at / 8 { 30_000 } else { 10_000 }, 20)).collect();
        assert!(Summary::of(&kept).is_flat());
        let kept_and_leaking: Vec<_> =
            kept.iter().zip(0..).map(|(kept, at)| (kept.0 + at * 200, kept.1)).collect();
        assert!(!Summary::of(&kept_and_leaking).is_flat());
        let leak: Vec<_> = (0..60).map(|at| (10_000 + at * 200, 20)).collect();
        let descriptors: Vec<_> = (0..60).map(|at| (10_000, 20 + at)).collect();
        assert!(!Summary::of(&leak).is_flat() && !Summary::of(&descriptors).is_flat());
    }

    #[test]
    fn what_linux_tells_is_read() {
        assert_eq!(resident("VmHWM:\t   9 kB\nVmRSS:\t   1234 kB\n"), Some(1234));
        assert_eq!(resident(""), None);
    }
}
