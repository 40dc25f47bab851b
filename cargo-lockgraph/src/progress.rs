//! How far a long piece of work has come, for a person who waits.
//!
//! Guarantee: nothing where standard error is no terminal, nothing in the first half second, and
//! no trace of it once the work is done.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

const QUIET: Duration = Duration::from_millis(500);
const EVERY: Duration = Duration::from_millis(100);

/// One line on standard error that is written over and over.
pub(crate) struct Progress {
    what: &'static str,
    next: Option<Instant>,
    shown: bool,
}

impl Progress {
    /// `what` is a participle: `reading`.
    pub(crate) fn new(what: &'static str) -> Self {
        let next = io::stderr().is_terminal().then(|| Instant::now() + QUIET);
        Progress { what, next, shown: false }
    }

    /// `done` of `all` are behind us.
    pub(crate) fn at(&mut self, done: usize, all: usize) {
        let Some(next) = self.next else { return };
        let now = Instant::now();
        if now < next {
            return;
        }
        self.next = Some(now + EVERY);
        self.shown = true;
        // A progress line that cannot be written is not missed.
        let _ = write!(io::stderr(), "\r\x1b[K{} {done} of {all}", self.what);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
