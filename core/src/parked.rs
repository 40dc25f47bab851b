//! What one owner waits for right now, as others may see it.
//!
//! Only the owner publishes and clears; anybody may copy the wait out. Guaranteed: a copy is one
//! wait and never a mixture of two, and a wait with the same *turn* at two moments stood all the
//! time between them. A sequence lock (H. Boehm, Can seqlocks get along with programming language
//! memory models?, 2012): `turn` is odd while a wait stands, and no turn comes twice.
//!
//! An owner with a wait runs no code of the program: it has published the wait, and goes on when
//! it has cleared it. So what it holds stands still, but for guards that others release.
//!
//! This file holds unsafe code: classes, sites and names are `&'static` in atomic pointers.

use crate::lock::{Class, ID_BITS, MAX_ID, Site};
use crate::mode::Want;
use crate::primitive::{AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};
use std::panic::Location;
use std::sync::OnceLock;
use std::time::Instant;

/// A wait for something that is no lock and no thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Waiting {
    /// A message.
    Message,
    /// Room for a message.
    Room,
    /// Others, at a barrier.
    Barrier,
    /// Whatever this name stands for.
    Region(&'static str),
}

/// What an owner waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A lock.
    Lock(Want),
    /// One of so many permits, each a hold of the lock.
    Permit(u32),
    /// A notification, and then the mutex which the wait gave up.
    Notification,
    /// The ends of threads: those whose records in `joins` name this owner.
    Threads,
    /// Something that nobody here knows the source of.
    Other(Waiting),
}

/// One wait, copied out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) turn: u64,
    pub(crate) what: What,
    /// It ends by itself.
    pub(crate) timed: bool,
    /// The lock, permits or mutex: id and class; 0 for other waits.
    pub(crate) id: u64,
    pub(crate) class: Option<&'static Class>,
    pub(crate) at: Site,
    /// Of [`now`].
    pub(crate) since: u64,
    /// How much of the held set is in use.
    pub(crate) holds: u32,
}

/// Microseconds since the first call.
pub(crate) fn now() -> u64 {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    BEGAN.get_or_init(Instant::now).elapsed().as_micros() as u64
}

const KIND_SHIFT: u32 = ID_BITS;
const WANT_SHIFT: u32 = 44;
const TIMED: u64 = 1 << 47;

/// The slot. See the module.
pub(crate) struct Parked {
    turn: AtomicU64,
    /// `id | kind << 40 | want << 44 | timed << 47`.
    word: AtomicU64,
    class: AtomicPtr<Class>,
    at: AtomicPtr<Location<'static>>,
    since: AtomicU64,
    holds: AtomicU32,
    /// How many permits there are.
    permits: AtomicU32,
    /// A reference to the name of a region.
    region: AtomicPtr<u8>,
    region_len: AtomicU64,
}

impl Parked {
    #[cfg(not(lockgraph_loom))]
    pub(crate) const fn new() -> Self {
        Parked {
            turn: AtomicU64::new(0),
            word: AtomicU64::new(0),
            class: AtomicPtr::new(std::ptr::null_mut()),
            at: AtomicPtr::new(std::ptr::null_mut()),
            since: AtomicU64::new(0),
            holds: AtomicU32::new(0),
            permits: AtomicU32::new(0),
            region: AtomicPtr::new(std::ptr::null_mut()),
            region_len: AtomicU64::new(0),
        }
    }

    /// As without loom, whose atomics are not `const`.
    #[cfg(lockgraph_loom)]
    pub(crate) fn new() -> Self {
        Parked {
            turn: AtomicU64::new(0),
            word: AtomicU64::new(0),
            class: AtomicPtr::new(std::ptr::null_mut()),
            at: AtomicPtr::new(std::ptr::null_mut()),
            since: AtomicU64::new(0),
            holds: AtomicU32::new(0),
            permits: AtomicU32::new(0),
            region: AtomicPtr::new(std::ptr::null_mut()),
            region_len: AtomicU64::new(0),
        }
    }

    /// The owner waits from now on; returns the turn. Owner only.
    pub(crate) fn publish(&self, wait: &Wait) -> u64 {
        let turn = (self.turn.load(Ordering::Relaxed) | 1) + if self.is_empty() { 0 } else { 2 };
        let (kind, want) = match wait.what {
            What::Lock(want) => (0, want as u64),
            What::Permit(permits) => {
                self.permits.store(permits, Ordering::Relaxed);
                (1, 0)
            }
            What::Notification => (2, 0),
            What::Threads => (3, 0),
            What::Other(Waiting::Message) => (4, 0),
            What::Other(Waiting::Room) => (5, 0),
            What::Other(Waiting::Barrier) => (6, 0),
            What::Other(Waiting::Region(_)) => (7, 0),
        };
        let timed = if wait.timed { TIMED } else { 0 };
        // A reader that sees a field of this wait sees the end of the one before, too.
        self.turn.store(turn - 1, Ordering::Relaxed);
        fence(Ordering::Release);
        if let What::Other(Waiting::Region(name)) = wait.what {
            self.region.store(name.as_ptr().cast_mut(), Ordering::Relaxed);
            self.region_len.store(name.len() as u64, Ordering::Relaxed);
        }
        let class = wait.class.map_or(std::ptr::null_mut(), |c| std::ptr::from_ref(c).cast_mut());
        self.class.store(class, Ordering::Relaxed);
        self.at.store(std::ptr::from_ref(wait.at).cast_mut(), Ordering::Relaxed);
        self.since.store(wait.since, Ordering::Relaxed);
        self.holds.store(wait.holds, Ordering::Relaxed);
        let word = wait.id & MAX_ID | kind << KIND_SHIFT | want << WANT_SHIFT | timed;
        self.word.store(word, Ordering::Relaxed);
        self.turn.store(turn, Ordering::Release);
        turn
    }

    /// The wait of this turn is over; false where it was before. Owner only.
    pub(crate) fn clear(&self, turn: u64) -> bool {
        let stands = turn & 1 == 1 && self.turn.load(Ordering::Relaxed) == turn;
        if stands {
            self.turn.store(turn + 1, Ordering::Release);
        }
        stands
    }

    /// Nobody waits here.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.turn.load(Ordering::Relaxed) & 1 == 0
    }

    /// The wait that stands. Callable from any thread.
    pub(crate) fn load(&self) -> Option<Wait> {
        let turn = self.turn.load(Ordering::Acquire);
        if turn & 1 == 0 {
            return None;
        }
        let word = self.word.load(Ordering::Relaxed);
        let class = self.class.load(Ordering::Relaxed);
        let at = self.at.load(Ordering::Relaxed);
        let since = self.since.load(Ordering::Relaxed);
        let holds = self.holds.load(Ordering::Relaxed);
        let permits = self.permits.load(Ordering::Relaxed);
        let region = self.region.load(Ordering::Relaxed);
        let region_len = self.region_len.load(Ordering::Relaxed);
        if !self.stands(turn) {
            return None;
        }
        let what = match word >> KIND_SHIFT & 15 {
            0 => What::Lock(Want::from_bits((word >> WANT_SHIFT & 7) as u8)),
            1 => What::Permit(permits),
            2 => What::Notification,
            3 => What::Threads,
            4 => What::Other(Waiting::Message),
            5 => What::Other(Waiting::Room),
            6 => What::Other(Waiting::Barrier),
            // SAFETY: the turn has not changed, so both words are of one wait, which has stored
            // pointer and length of a `&'static str` before its turn.
            _ => What::Other(Waiting::Region(unsafe {
                std::str::from_utf8_unchecked(std::slice::from_raw_parts(
                    region.cast_const(),
                    region_len as usize,
                ))
            })),
        };
        // SAFETY: a published wait has stored a `&'static Location` and a `&'static Class` or
        // null before its turn, which was read with acquire.
        let (class, at) = unsafe { (class.as_ref(), &*at) };
        Some(Wait {
            turn,
            what,
            timed: word & TIMED != 0,
            id: word & MAX_ID,
            class,
            at,
            since,
            holds,
        })
    }

    /// True where the wait that was copied with this turn still stands. What was read before this
    /// call was read while it stood.
    pub(crate) fn stands(&self, turn: u64) -> bool {
        fence(Ordering::Acquire);
        self.turn.load(Ordering::Relaxed) == turn
    }
}

#[cfg(all(test, lockgraph_loom))]
mod loom_tests;

#[cfg(all(test, not(lockgraph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_wait_comes_out_as_it_went_in_and_no_turn_comes_twice() {
        let parked = Parked::new();
        let at = Location::caller();
        let mut turns = Vec::new();
        let mut wants: Vec<What> =
            [Want::Exclusive, Want::Shared, Want::SharedRecursive, Want::Upgradable, Want::Upgrade]
                .map(What::Lock)
                .into();
        wants.extend([What::Permit(7), What::Notification, What::Threads]);
        let others = [Waiting::Message, Waiting::Room, Waiting::Barrier, Waiting::Region("io")];
        wants.extend(others.map(What::Other));
        for (i, what) in wants.into_iter().enumerate() {
            assert!(parked.load().is_none() && parked.is_empty());
            let timed = i % 2 == 0;
            let wait =
                Wait { turn: 0, what, timed, id: 5, class: None, at, since: i as u64, holds: 3 };
            let turn = parked.publish(&wait);
            let seen = parked.load().expect("it stands");
            assert_eq!((seen.what, seen.timed, seen.id, seen.turn), (what, timed, 5, turn));
            assert_eq!((seen.since, seen.holds), (i as u64, 3));
            assert!(parked.stands(turn));
            turns.push(turn);
            assert!(parked.clear(turn) && !parked.clear(turn) && !parked.stands(turn));
        }
        turns.dedup();
        assert_eq!(turns.len(), 12);
    }
}
