//! How far a long piece of work has come, for a person who waits.
//!
//! Guarantee: nothing where standard error is no terminal, nothing in the first half second, and
//! no trace of it once the work is done.

use std::io::{self, IsTerminal, Read, Write};
use std::time::{Duration, Instant};

const QUIET: Duration = Duration::from_millis(500);
const EVERY: Duration = Duration::from_millis(100);

/// One line on standard error that is written over and over.
pub(crate) struct Progress {
    /// A participle: `reading`.
    what: &'static str,
    done: u64,
    /// Of that much; 0 where it is not known.
    all: u64,
    next: Option<Instant>,
    shown: bool,
}

impl Progress {
    pub(crate) fn new(what: &'static str, all: u64) -> Self {
        let next = io::stderr().is_terminal().then(|| Instant::now() + QUIET);
        Progress { what, done: 0, all, next, shown: false }
    }

    /// `more` is done.
    fn add(&mut self, more: u64) {
        self.done += more;
        let Some(next) = self.next else { return };
        let now = Instant::now();
        if now < next {
            return;
        }
        self.next = Some(now + EVERY);
        self.shown = true;
        // A progress line that cannot be written is not missed.
        let _ = write!(io::stderr(), "\r\x1b[K{}", self.line());
    }

    /// `reading 40 %`, or `reading 12 MB`.
    fn line(&self) -> String {
        let Progress { what, done, all, .. } = self;
        // A file may grow while it is read.
        match (u128::from(*done) * 100).checked_div(u128::from(*all)) {
            Some(percent) => format!("{what} {} %", percent.min(100)),
            None => format!("{what} {} MB", done / 1_000_000),
        }
    }

    /// Counts what is read from `inner`.
    pub(crate) fn of<R>(&mut self, inner: R) -> Counted<'_, R> {
        Counted { inner, progress: self }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// A reader whose progress is shown.
pub(crate) struct Counted<'a, R> {
    inner: R,
    progress: &'a mut Progress,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.progress.add(read as u64);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_counted() {
        let mut progress = Progress::new("reading", 10);
        io::copy(&mut progress.of(&b"12345"[..]), &mut io::sink()).unwrap();
        assert_eq!(progress.line(), "reading 50 %");
        io::copy(&mut progress.of(&b"1234567"[..]), &mut io::sink()).unwrap();
        assert_eq!(progress.line(), "reading 100 %");
        let mut endless = Progress::new("reading", 0);
        endless.add(2_400_000);
        assert_eq!(endless.line(), "reading 2 MB");
    }
}
