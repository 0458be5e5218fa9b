//! What a process uses, as Linux accounts for it (`man 5 proc`).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;

use crate::clock::now;

const INTERVAL: Duration = Duration::from_millis(20);

/// Linux tells processor time in hundredths of a second on every architecture that this runs on.
const TICK: Duration = Duration::from_millis(10);

/// Looks at a process again and again.
pub(crate) struct Sampler {
    process: u32,
    usage: Arc<Mutex<Usage>>,
    _task: AbortOnDropHandle<()>,
}

/// What a process has used.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usage {
    /// Moments and the processor time until then, of user and system together, in their order.
    samples: Vec<(Duration, Duration)>,
    /// The most memory that was resident at once (`VmHWM`), in KiB.
    pub(crate) peak_memory: u64,
}

impl Sampler {
    /// Begins to look at the process of that id.
    pub(crate) fn start(process: u32) -> Self {
        let usage = Arc::new(Mutex::new(Usage::default()));
        let shared = Arc::clone(&usage);
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            let mut ticks = interval(INTERVAL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                look(process, &shared);
            }
        }));
        Self { process, usage, _task: task }
    }

    /// Looks for the last time.
    pub(crate) fn finish(self) -> Usage {
        look(self.process, &self.usage);
        std::mem::take(&mut *self.usage.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Usage {
    /// The processor time until that moment: exact to a hundredth of a second, since it changes evenly between two
    /// samples at most.
    pub(crate) fn cpu_until(&self, moment: Duration) -> Duration {
        let next = self.samples.partition_point(|(at, _)| *at < moment);
        let Some(&(after, later)) = self.samples.get(next) else {
            return self.samples.last().map(|(_, cpu)| *cpu).unwrap_or_default();
        };
        let Some(&(before, earlier)) = next.checked_sub(1).and_then(|last| self.samples.get(last)) else {
            return later;
        };
        let share = (moment - before).as_secs_f64() / (after - before).as_secs_f64();
        earlier + (later - earlier).mul_f64(share)
    }
}

/// Whether the process is gone, or only waits for its parent to take notice.
pub(crate) fn has_ended(process: u32) -> bool {
    let stat = read(process, "stat");
    stat.rsplit_once(") ").is_none_or(|(_, fields)| fields.starts_with(['Z', 'X']))
}

/// A process that has ended has no more to tell.
fn look(process: u32, usage: &Mutex<Usage>) {
    let mut usage = usage.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(cpu) = processor_time(&read(process, "stat")) {
        usage.samples.push((now(), cpu));
    }
    if let Some(peak) = peak_memory(&read(process, "status")) {
        usage.peak_memory = usage.peak_memory.max(peak);
    }
}

fn read(process: u32, file: &str) -> String {
    std::fs::read_to_string(format!("/proc/{process}/{file}")).unwrap_or_default()
}

/// The fields `utime` and `stime` of `/proc/PID/stat`.
fn processor_time(stat: &str) -> Option<Duration> {
    // The name before it is in brackets, and may hold spaces and brackets.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11).map(|field| field.parse::<u32>().ok());
    Some(TICK * (fields.next()?? + fields.next()??))
}

fn peak_memory(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn what_linux_tells_is_read() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 900 0 0 0 150 25 3 4 20 0 1 0 1 1 1";
        assert_eq!(processor_time(stat), Some(ms(1750)));
        assert_eq!(peak_memory("VmPeak:\t  9 kB\nVmHWM:\t   1234 kB\nVmRSS:\t 5 kB\n"), Some(1234));
        assert_eq!(processor_time(""), None);
    }

    #[test]
    fn processor_time_between_samples_is_interpolated() {
        let usage = Usage { samples: vec![(ms(100), ms(40)), (ms(200), ms(60))], peak_memory: 0 };
        let until = |moment| usage.cpu_until(ms(moment));
        assert_eq!(
            [until(0), until(100), until(150), until(200), until(300)].map(|cpu| cpu.as_millis()),
            [40, 40, 50, 60, 60]
        );
        assert_eq!(Usage::default().cpu_until(ms(1)), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_process_that_works_uses_processor_time_and_memory() {
        let sampler = Sampler::start(std::process::id());
        let begun = now();
        while now() - begun < ms(100) {
            std::hint::black_box(now());
        }
        let usage = sampler.finish();
        assert!(usage.cpu_until(now()) > Duration::ZERO && usage.peak_memory > 100, "{usage:?}");
    }
}
