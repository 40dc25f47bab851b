//! Where a lock stands in the order of all locks.

use crate::Named;
use crate::door;

/// The place of a lock in the order in which locks are taken together. No two locks that exist at
/// once have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// That of the lock's class.
    position: u64,
    /// The lock's id, or its address where it has none.
    number: u64,
}

impl Place {
    /// The place of a lock.
    pub(super) fn of<L: Named + ?Sized>(lock: &L) -> Place {
        let (position, id) = match lock.tracked() {
            Some((header, policy)) => door::place(header, policy),
            None => (0, 0),
        };
        let address = std::ptr::from_ref(lock).cast::<()>().addr() as u64;
        Place { position, number: if id == 0 { address } else { id } }
    }
}

/// The indices of `places`, by place.
///
/// # Panics
/// Where two are the same.
#[track_caller]
pub(super) fn in_order(places: &mut [(Place, usize)]) {
    places.sort_unstable();
    for pair in places.windows(2) {
        let (first, second) = (pair[0].1, pair[1].1);
        assert!(
            pair[0].0 != pair[1].0,
            "lock_all: locks {} and {} are the same lock, which cannot be taken twice",
            first.min(second) + 1,
            first.max(second) + 1,
        );
    }
}
