//! The background thread: what takes so long that nobody who runs would notice.
//!
//! It looks at the owners now and then, and reports each wait over the threshold once (LG010), with
//! every holder and waiter of the process; one report tells of all waits that are too long by then.
//! It works where every other thread is stuck: it takes no lock that an owner with a wait may have.
//! What it locks itself is not tracked.
//!
//! Started by the program ([`Detector::builder`]), or with `LOCKGRAPH=..,stall=10s` before the first
//! lock request of a thread that holds nothing; never where a lock is contended.

use crate::config;
use crate::door;
use crate::recorder;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What a [`Detector`] does. [`start`](Self::start) starts it.
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing runs before `start`"]
pub struct Builder {
    interval: Option<Duration>,
    stall: Duration,
}

impl Builder {
    /// How often it looks; a quarter of the threshold by default.
    pub const fn interval(mut self, interval: Duration) -> Builder {
        self.interval = Some(interval);
        self
    }

    /// The threshold: waits that last so long are reported. Ten seconds by default.
    pub const fn stall(mut self, threshold: Duration) -> Builder {
        self.stall = threshold;
        self
    }

    /// Starts the thread. Its findings go where all go: see [`on_finding`](crate::on_finding).
    ///
    /// # Panics
    /// Where the system cannot start a thread.
    pub fn start(self) -> Detector {
        let stop = Arc::new(AtomicBool::new(false));
        let interval = self.interval.unwrap_or(self.stall / 4).max(Duration::from_millis(1));
        let (stops, threshold) = (Arc::clone(&stop), self.stall.as_micros() as u64);
        let run = move || {
            let mut told = Vec::new();
            door::untracked(|| {
                while !stops.load(Ordering::Acquire) {
                    recorder::stalls(threshold, &mut told);
                    thread::park_timeout(interval);
                }
            });
        };
        let thread = thread::Builder::new().name("lockgraph".to_owned()).spawn(run);
        Detector { stop, thread: Some(thread.expect("failed to spawn thread")) }
    }
}

/// The background thread; stops when dropped.
pub struct Detector {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Detector {
    /// A detector of stalls over ten seconds.
    pub const fn builder() -> Builder {
        Builder { interval: None, stall: Duration::from_secs(10) }
    }
}

impl Drop for Detector {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // Whatever its end was, it has ended.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Detector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detector").finish_non_exhaustive()
    }
}

/// Starts the detector that the configuration asks for, once. It runs as long as the process.
pub(crate) fn ensure() {
    static STARTED: AtomicBool = AtomicBool::new(false);
    if let Some(threshold) = config::stall() {
        if !STARTED.swap(true, Ordering::Relaxed) {
            std::mem::forget(Detector::builder().stall(threshold).start());
        }
    }
}
