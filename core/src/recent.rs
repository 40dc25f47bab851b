//! What an owner has asked for: a small table of its blocking requests, for whoever joins it.
//!
//! Each request stores two words at the place that its lock's id hashes to, so that a thread that
//! takes few locks is known in full, and one that takes many forgets the older ones. Only the
//! owner stores; anybody may read. A reader of a running owner gets a moment's view: the place may
//! be that of the request before, never a dangling one.
//!
//! This file holds unsafe code: sites are `&'static` references in atomic pointers.

use crate::lock::{LockId, Site};
use crate::mode::Want;
use crate::primitive::{AtomicPtr, AtomicU64, Ordering};
use std::panic::Location;

/// A power of two.
#[cfg(not(lockgraph_loom))]
const PLACES: usize = 32;
#[cfg(lockgraph_loom)]
const PLACES: usize = 2;

/// Bits of a word that hold the wish; the id is above them.
const WANT_BITS: u32 = 3;

/// One blocking request, copied out.
#[derive(Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) lock: LockId,
    pub(crate) want: Want,
    pub(crate) at: Site,
}

struct Place {
    /// `id << 3 | want`; 0 is empty, as no lock has the id 0.
    word: AtomicU64,
    at: AtomicPtr<Location<'static>>,
}

/// The table. See the module.
pub(crate) struct Recent {
    places: [Place; PLACES],
}

impl Recent {
    #[cfg(not(lockgraph_loom))]
    pub(crate) const fn new() -> Self {
        Recent { places: [const { Place::empty() }; PLACES] }
    }

    /// As without loom, whose atomics are not `const`.
    #[cfg(lockgraph_loom)]
    pub(crate) fn new() -> Self {
        Recent { places: std::array::from_fn(|_| Place::empty()) }
    }

    /// Notes a blocking request. Owner only.
    #[inline(always)]
    pub(crate) fn note(&self, id: u64, want: Want, at: Site) {
        let place = &self.places[id as usize & (PLACES - 1)];
        place.at.store(std::ptr::from_ref(at).cast_mut(), Ordering::Relaxed);
        // Release: whoever reads the word reads this site or a later one.
        place.word.store(id << WANT_BITS | want as u64, Ordering::Release);
    }

    /// The request for this lock that stands in the table. Callable from any thread.
    pub(crate) fn get(&self, id: u64) -> Option<Taken> {
        self.places[id as usize & (PLACES - 1)].load().filter(|taken| taken.lock.0 == id)
    }

    /// Everything that stands in the table. Callable from any thread.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Taken> + '_ {
        self.places.iter().filter_map(Place::load)
    }

    /// Empties the table for the block's next owner.
    pub(crate) fn clear(&self) {
        self.places.iter().for_each(|place| place.word.store(0, Ordering::Relaxed));
    }
}

impl Place {
    #[cfg(not(lockgraph_loom))]
    const fn empty() -> Self {
        Place { word: AtomicU64::new(0), at: AtomicPtr::new(std::ptr::null_mut()) }
    }

    #[cfg(lockgraph_loom)]
    fn empty() -> Self {
        Place { word: AtomicU64::new(0), at: AtomicPtr::new(std::ptr::null_mut()) }
    }

    fn load(&self) -> Option<Taken> {
        let word = self.word.load(Ordering::Acquire);
        if word == 0 {
            return None;
        }
        let at = self.at.load(Ordering::Acquire);
        // A request that came between the two loads is a matter for the next look.
        if self.word.load(Ordering::Relaxed) != word {
            return None;
        }
        // SAFETY: the word is not 0, so `note` has stored a `&'static Location` here before it;
        // locations are never freed.
        let at = unsafe { &*at };
        let want = Want::from_bits((word & 7) as u8);
        Some(Taken { lock: LockId(word >> WANT_BITS), want, at })
    }
}

#[cfg(all(test, not(lockgraph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_newest_request_of_a_place_stands() {
        let recent = Recent::new();
        let (first, second) = (Location::caller(), Location::caller());
        for want in
            [Want::Exclusive, Want::Shared, Want::SharedRecursive, Want::Upgradable, Want::Upgrade]
        {
            recent.note(7, want, first);
            assert_eq!(recent.get(7).map(|taken| (taken.want, taken.at)), Some((want, first)));
        }
        assert!(recent.get(7 + PLACES as u64).is_none());
        recent.note(7 + PLACES as u64, Want::Shared, second);
        assert!(recent.get(7).is_none());
        assert_eq!(recent.iter().count(), 1);
        recent.clear();
        assert_eq!(recent.iter().count(), 0);
    }
}
