//! The background thread: what nobody who runs, and nobody who is about to park, could notice.
//!
//! It looks at the owners now and then. Each wait over the threshold is reported once (LG010), with
//! every holder and waiter of the process; one report tells of all waits that are too long by then. A
//! process in which nobody can ever run again is reported as a deadlock (LG002), though no owner has
//! closed it: see `wait::standstill`. So are deadlocks that somebody else knows of
//! ([`Builder::unseen`]). It reports or aborts, as the level says, and never panics somebody.
//!
//! It works where every other thread is stuck: it takes no lock that an owner with a wait may have.
//! What it locks itself is not tracked.
//!
//! Started by the program ([`Detector::builder`]), or with `LOCKGRAPH=..,stall=10s` when the recorder
//! starts, or before a lock request of a thread that holds nothing; never where a lock is contended.

use crate::config;
use crate::door;
use crate::finding::Finding;
use crate::owner::{self, SERVES};
use crate::recorder;
use crate::signal;
use crate::sink::{self, Callback};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::Duration;

/// A thread in a deadlock among locks that the recorder does not follow.
#[derive(Clone, Debug)]
pub struct UnseenThread {
    /// Which.
    pub id: ThreadId,
    /// Its stack, as std or the crate `backtrace` print one.
    pub stack: String,
}

/// Deadlocks that were not told before.
type Unseen = fn() -> Vec<Vec<UnseenThread>>;

/// What a [`Detector`] does. [`start`](Self::start) starts it.
#[derive(Clone)]
#[must_use = "nothing runs before `start`"]
pub struct Builder {
    interval: Option<Duration>,
    stall: Duration,
    callback: Option<Callback>,
    unseen: Option<Unseen>,
}

impl Builder {
    /// How often it looks; a quarter of the threshold by default.
    pub fn interval(mut self, interval: Duration) -> Builder {
        self.interval = Some(interval);
        self
    }

    /// The threshold: waits that last so long are reported. Ten seconds by default.
    pub fn stall(mut self, threshold: Duration) -> Builder {
        self.stall = threshold;
        self
    }

    /// Calls `callback` with what this detector has found, after all others were told (see
    /// [`on_finding`](crate::on_finding)), on its thread. With every find: also where an earlier one
    /// had the same fingerprint. A panic in it is caught and costs one warning.
    pub fn on_finding(mut self, callback: impl Fn(&Finding) + Send + Sync + 'static) -> Builder {
        self.callback = Some(Arc::new(callback));
        self
    }

    /// Asks `poll` at each look for deadlocks that the recorder does not see. They are reported as LG002.
    pub fn unseen(mut self, poll: Unseen) -> Builder {
        self.unseen = Some(poll);
        self
    }

    /// Starts the thread. Its findings go where all go: see [`on_finding`](crate::on_finding).
    ///
    /// # Panics
    /// Where the system cannot start a thread.
    pub fn start(self) -> Detector {
        let stop = Arc::new(AtomicBool::new(false));
        let stops = Arc::clone(&stop);
        let thread = thread::Builder::new().name("lockgraph".to_owned());
        let thread = thread.spawn(move || serve(|| self.run(&stops)));
        Detector { stop, thread: Some(thread.expect("failed to spawn thread")) }
    }

    fn run(&self, stops: &AtomicBool) {
        let interval = self.interval.unwrap_or(self.stall / 4).max(Duration::from_millis(1));
        let threshold = self.stall.as_micros() as u64;
        let (mut told, mut suspected) = (Vec::new(), None);
        while !stops.load(Ordering::Acquire) {
            let unseen = self.unseen.map_or_else(Vec::new, |poll| poll());
            let mut found: Vec<_> = unseen.into_iter().filter_map(recorder::unseen).collect();
            found.extend(recorder::standstill(&mut suspected));
            found.extend(recorder::stalls(threshold, &mut told));
            for (finding, callback) in found.iter().zip(self.callback.iter().cycle()) {
                sink::call(callback, finding);
            }
            thread::park_timeout(interval);
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Builder");
        debug.field("interval", &self.interval).field("stall", &self.stall).finish_non_exhaustive()
    }
}

/// The background thread; stops when dropped.
pub struct Detector {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Detector {
    /// A detector of deadlocks that nobody closes, and of stalls over ten seconds.
    pub const fn builder() -> Builder {
        let stall = Duration::from_secs(10);
        Builder { interval: None, stall, callback: None, unseen: None }
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

/// Runs `f` on a thread of the recorder's own: what it locks passes through.
pub(crate) fn serve(f: impl FnOnce()) {
    door::untracked(|| {
        if let Some(block) = owner::current() {
            block.set(SERVES);
        }
        f();
    });
}

/// Whether the configuration asks for a background thread.
pub(crate) fn is_wanted() -> bool {
    config::stall().is_some() || config::snapshot_signal().is_some()
}

/// Starts the threads that the configuration asks for, once. They run as long as the process.
pub(crate) fn ensure() {
    static STARTED: AtomicBool = AtomicBool::new(false);
    signal::ensure();
    if let Some(threshold) = config::stall() {
        if !STARTED.swap(true, Ordering::Relaxed) {
            std::mem::forget(Detector::builder().stall(threshold).start());
        }
    }
}
