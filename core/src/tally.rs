//! What is counted of a lock class.
//!
//! Relaxed atomics on the cold paths of births, drops and waits. Not exact while other threads are at
//! work; exact once they are not.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many locks of a class were made, and how many lived at once: every one that was used while
/// tracked, whether or not it was ever nested. And how often, and how long, one was waited for.
#[derive(Debug)]
pub(crate) struct Tally {
    made: AtomicU64,
    gone: AtomicU64,
    max_live: AtomicU64,
    waits: AtomicU64,
    longest_us: AtomicU64,
}

/// What a tally says. It only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) made: u64,
    /// Alive at once.
    pub(crate) max_live: u64,
    /// Requests that found the lock taken and parked.
    pub(crate) waits: u64,
    /// The longest of them that is over.
    pub(crate) longest_us: u64,
}

impl Tally {
    pub(crate) const fn new() -> Tally {
        Tally {
            made: AtomicU64::new(0),
            gone: AtomicU64::new(0),
            max_live: AtomicU64::new(0),
            waits: AtomicU64::new(0),
            longest_us: AtomicU64::new(0),
        }
    }

    /// One more; true where more live at once than ever before and their number has doubled, which
    /// is told at once: the process may be killed.
    pub(crate) fn born(&self) -> bool {
        let made = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        let live = made.saturating_sub(self.gone.load(Ordering::Relaxed));
        live > self.max_live.load(Ordering::Relaxed)
            && self.max_live.fetch_max(live, Ordering::Relaxed) < live
            && live > 1
            && live.is_power_of_two()
    }

    /// One less.
    pub(crate) fn dropped(&self) {
        self.gone.fetch_add(1, Ordering::Relaxed);
    }

    /// One belongs to another class after all.
    pub(crate) fn moved(&self) {
        self.made.fetch_sub(1, Ordering::Relaxed);
    }

    /// One was waited for; the wait is over.
    pub(crate) fn waited(&self, us: u64) {
        self.waits.fetch_add(1, Ordering::Relaxed);
        // Most waits are not the longest: they leave the line to others.
        if us > self.longest_us.load(Ordering::Relaxed) {
            self.longest_us.fetch_max(us, Ordering::Relaxed);
        }
    }

    /// `None` where no lock was made.
    pub(crate) fn read(&self) -> Option<Counted> {
        let made = self.made.load(Ordering::Relaxed);
        (made > 0).then(|| Counted {
            made,
            max_live: self.max_live.load(Ordering::Relaxed).min(made),
            waits: self.waits.load(Ordering::Relaxed),
            longest_us: self.longest_us.load(Ordering::Relaxed),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_tells_when_the_number_of_living_locks_has_doubled() {
        let tally = Tally::new();
        assert_eq!(tally.read(), None);
        let told: Vec<bool> = (0..5).map(|_| tally.born()).collect();
        assert_eq!(told, [false, true, false, true, false]);
        tally.dropped();
        assert!(!tally.born(), "five lived at once before");
        tally.moved();
        let counted = Counted { made: 5, max_live: 5, waits: 0, longest_us: 0 };
        assert_eq!(tally.read(), Some(counted));
    }

    #[test]
    fn a_tally_keeps_the_number_of_waits_and_the_longest() {
        let tally = Tally::new();
        tally.born();
        [7, 30, 0].into_iter().for_each(|us| tally.waited(us));
        let counted = Counted { made: 1, max_live: 1, waits: 3, longest_us: 30 };
        assert_eq!(tally.read(), Some(counted));
    }
}
