//! The background detector, with what only this crate can ask: parking_lot's own detector, by the
//! feature `deadlock_detection`.

use crate::Finding;
use std::time::Duration;

/// What a [`Detector`] does. [`start`](Self::start) starts it.
#[derive(Clone, Debug)]
#[must_use = "nothing runs before `start`"]
pub struct DetectorBuilder(lockgraph_core::Builder);

impl DetectorBuilder {
    /// How often it looks; a quarter of the threshold by default.
    pub fn interval(self, interval: Duration) -> DetectorBuilder {
        DetectorBuilder(self.0.interval(interval))
    }

    /// The threshold: waits that last so long are reported (LG010). Ten seconds by default.
    pub fn stall(self, threshold: Duration) -> DetectorBuilder {
        DetectorBuilder(self.0.stall(threshold))
    }

    /// Calls `callback` with what this detector has found, on its thread, after the callbacks of
    /// [`on_finding`](crate::on_finding): also where an earlier find had the same fingerprint. A
    /// panic in it is caught and costs one warning.
    pub fn on_finding(
        self,
        callback: impl Fn(&Finding) + Send + Sync + 'static,
    ) -> DetectorBuilder {
        DetectorBuilder(self.0.on_finding(callback))
    }

    /// Starts the thread. Its findings go where all go, see [`on_finding`](crate::on_finding).
    ///
    /// # Panics
    /// Where the system cannot start a thread.
    pub fn start(self) -> Detector {
        Detector { _runs: self.0.start() }
    }
}

/// A background thread that reports what nobody else could; it stops when this is dropped.
///
/// - LG010: waits over a threshold, with every holder and waiter of the process.
/// - LG002 that nobody closed: on Linux, where no thread of the process can ever run again, whatever
///   keeps them: a guard that has moved to another thread, messages that each waits for from the other, a
///   reader behind a writer that could not be proven.
/// - With the feature `deadlock_detection`, LG002 among parking_lot's own locks that are not tracked,
///   such as those of dependencies, with a backtrace for each thread. Where the level is `deny` (the
///   default in tier `full`) or `abort`, the process then aborts.
///
/// That feature polls `parking_lot::deadlock::check_deadlock()`, which *drains*: it returns each
/// deadlock once, to whoever asks first, and parks the threads for ever. So it belongs to one poller of the process:
/// start one detector, and have nobody else ask. It makes every parking_lot lock of the program somewhat slower,
/// and cannot be had together with `send_guard`.
///
/// ```
/// use lockgraph::Detector;
/// use std::time::Duration;
///
/// let detector = Detector::builder()
///     .interval(Duration::from_millis(500))
///     .stall(Duration::from_secs(20))
///     .on_finding(|finding| eprintln!("{}", finding.message()))
///     .start();
/// // ..
/// drop(detector);
/// ```
#[derive(Debug)]
pub struct Detector {
    _runs: lockgraph_core::Detector,
}

impl Detector {
    /// A detector that looks every two and a half seconds, for stalls over ten.
    pub fn builder() -> DetectorBuilder {
        let builder = lockgraph_core::Detector::builder();
        #[cfg(feature = "deadlock_detection")]
        let builder = builder.unseen(of_parking_lot);
        DetectorBuilder(builder)
    }
}

#[cfg(feature = "deadlock_detection")]
fn of_parking_lot() -> Vec<Vec<lockgraph_core::UnseenThread>> {
    use lockgraph_core::UnseenThread;
    let deadlocks = ::parking_lot::deadlock::check_deadlock();
    let mut found = Vec::new();
    for threads in &deadlocks {
        let threads = threads.iter().map(|thread| UnseenThread {
            id: thread.thread_id(),
            stack: format!("{:?}", thread.backtrace()),
        });
        found.push(threads.collect());
    }
    found
}
