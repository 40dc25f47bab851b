//! Which locks are certainly not in the graph, asked without its mutex.
//!
//! Most locks are never nested, and most of those that come and go are not: their end need not visit
//! the graph. A counter for all ids that share a remainder tells how many of them are in it; ids are
//! given out in a row, so that few meet while the graph has fewer locks than there are counters.
//! Beyond that, ends visit the graph as if there were none.
//!
//! The counters change under the mutex of the graph alone. A lock enters before it ends, by the
//! program's own order, so who ends it reads at least its own entry, however relaxed.
//!
//! 256 KiB of zeros, of which the system gives the pages that are written.

use std::sync::atomic::{AtomicU32, Ordering};

const COUNTERS: usize = 1 << 16;
static INSIDE: [AtomicU32; COUNTERS] = [const { AtomicU32::new(0) }; COUNTERS];

fn counter(id: u64) -> &'static AtomicU32 {
    &INSIDE[id as usize % COUNTERS]
}

/// The lock is in the graph from now on.
pub(super) fn enter(id: u64) {
    counter(id).fetch_add(1, Ordering::Relaxed);
}

/// The lock is in the graph no more.
pub(super) fn leave(id: u64) {
    counter(id).fetch_sub(1, Ordering::Relaxed);
}

/// True where the lock, which nobody uses any more, is not in the graph.
#[inline]
pub(crate) fn is_out(id: u64) -> bool {
    counter(id).load(Ordering::Relaxed) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_out_before_it_enters_and_after_it_left() {
        // No other test has locks with such ids, nor any that meet them.
        let (id, meets) = (54_321, 54_321 + COUNTERS as u64);
        assert!(is_out(id));
        enter(id);
        enter(meets);
        leave(meets);
        assert!(!is_out(id), "one that meets it says nothing of it");
        leave(id);
        assert!(is_out(id));
    }
}
