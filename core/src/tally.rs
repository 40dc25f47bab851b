//! What is counted of a lock class.
//!
//! Relaxed atomics on the cold paths of births and drops. Not exact while other threads are at
//! work; exact once they are not.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many locks of a class were made, and how many lived at once: every one that was used while
/// tracked, whether or not it was ever nested.
#[derive(Debug)]
pub(crate) struct Tally {
    made: AtomicU64,
    gone: AtomicU64,
    max_live: AtomicU64,
}

impl Tally {
    pub(crate) const fn new() -> Tally {
        Tally { made: AtomicU64::new(0), gone: AtomicU64::new(0), max_live: AtomicU64::new(0) }
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

    /// (made, most alive at once); `None` where there is none.
    pub(crate) fn read(&self) -> Option<(u64, u64)> {
        let made = self.made.load(Ordering::Relaxed);
        (made > 0).then(|| (made, self.max_live.load(Ordering::Relaxed).min(made)))
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
        assert_eq!(tally.read(), Some((5, 5)));
    }
}
