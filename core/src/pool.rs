//! Values on the system allocator that never move and are never freed, by number.
//!
//! Guarantee: a number that was taken is given to nobody else until it is given back, and its value
//! stays where it is for ever. Lock-free: in a forked child, where a lock that another thread of the
//! parent had would stay locked, values are taken and given back all the same.
//!
//! The free numbers are a stack (Treiber, Systems programming: coping with parallelism, 1986), whose
//! head counts its changes: a thread that was stopped between reading the head and replacing it does
//! not take a stack for its own that has become another one meanwhile. Places are in segments, each
//! twice as large as the one before, so that a place has its address for ever.
//!
//! This file holds unsafe code: segments are found through atomic pointers.

use crate::mem::SysVec;
use crate::primitive::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// Values by number, from 1 on.
pub(crate) struct Pool<T> {
    segments: [AtomicPtr<Place<T>>; SEGMENTS],
    /// How many numbers were ever given out.
    used: AtomicU32,
    /// The number at the top of the stack of free ones, or 0; above it a count of changes.
    free: AtomicU64,
}

struct Place<T> {
    /// While free: the number below this one, or 0.
    below: AtomicU32,
    value: T,
}

/// Places of the first segment, as a power of two.
const FIRST: u32 = if cfg!(lockgraph_loom) { 0 } else { 6 };
const SEGMENTS: usize = if cfg!(lockgraph_loom) { 3 } else { 20 };
/// The highest number: what all segments have room for.
pub(crate) const MAX: u32 = (1 << FIRST) * ((1 << SEGMENTS) - 1);

/// The segment of a number, and its place in there.
fn split(number: u32) -> (usize, usize) {
    let from_first = (number - 1) + (1 << FIRST);
    let segment = from_first.ilog2() - FIRST;
    (segment as usize, (from_first - (1 << (segment + FIRST))) as usize)
}

impl<T: Send + Sync + 'static> Pool<T> {
    #[cfg(not(lockgraph_loom))]
    pub(crate) const fn new() -> Self {
        Pool {
            segments: [const { AtomicPtr::new(std::ptr::null_mut()) }; SEGMENTS],
            used: AtomicU32::new(0),
            free: AtomicU64::new(0),
        }
    }

    #[cfg(lockgraph_loom)]
    pub(crate) fn new() -> Self {
        Pool {
            segments: std::array::from_fn(|_| AtomicPtr::new(std::ptr::null_mut())),
            used: AtomicU32::new(0),
            free: AtomicU64::new(0),
        }
    }

    /// A number for the caller alone; its value is as it was given back, or what `fresh` makes. `None`
    /// where all are taken.
    pub(crate) fn take(&self, fresh: impl Fn() -> T) -> Option<u32> {
        self.pop().or_else(|| self.grow(fresh))
    }

    /// The value of a number, where there is one: a number that was taken has one.
    pub(crate) fn at(&self, number: u32) -> Option<&'static T> {
        self.place(number).map(|place| &place.value)
    }

    /// A number that was taken is free again.
    pub(crate) fn give_back(&self, number: u32) {
        let Some(place) = self.place(number) else { return };
        let mut head = self.free.load(Ordering::Relaxed);
        loop {
            place.below.store(head as u32, Ordering::Relaxed);
            // Release: whoever takes it finds `below`, and the value as it was left.
            match self.replace_head(head, number, Ordering::Release) {
                Ok(()) => return,
                Err(now) => head = now,
            }
        }
    }

    fn pop(&self) -> Option<u32> {
        let mut head = self.free.load(Ordering::Acquire);
        loop {
            let number = head as u32;
            if number == 0 {
                return None;
            }
            // Of a place that another thread has taken meanwhile this says nothing, but then the head
            // has changed.
            let below = self.place(number)?.below.load(Ordering::Relaxed);
            match self.replace_head(head, below, Ordering::Acquire) {
                Ok(()) => return Some(number),
                Err(now) => head = now,
            }
        }
    }

    fn replace_head(&self, head: u64, number: u32, ordering: Ordering) -> Result<(), u64> {
        let changes = (head >> 32).wrapping_add(1) << 32;
        self.free
            .compare_exchange(head, changes | u64::from(number), ordering, Ordering::Acquire)
            .map(drop)
    }

    fn grow(&self, fresh: impl Fn() -> T) -> Option<u32> {
        let more = |used: u32| (used < MAX).then_some(used + 1);
        let used = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        let number = used + 1;
        let (segment, _) = split(number);
        if self.segments[segment].load(Ordering::Acquire).is_null() {
            self.add(segment, fresh);
        }
        Some(number)
    }

    /// Puts a segment in its place, unless another thread was first.
    #[cold]
    fn add(&self, segment: usize, fresh: impl Fn() -> T) {
        let len = 1 << (segment as u32 + FIRST);
        let mut places = SysVec::new();
        places.reserve(len);
        (0..len).for_each(|_| places.push(Place { below: AtomicU32::new(0), value: fresh() }));
        let first = places.as_ptr().cast_mut();
        let null = std::ptr::null_mut();
        let (won, lost) = (Ordering::Release, Ordering::Relaxed);
        if self.segments[segment].compare_exchange(null, first, won, lost).is_ok() {
            places.leak();
        }
    }

    fn place(&self, number: u32) -> Option<&'static Place<T>> {
        if number == 0 || number > MAX {
            return None;
        }
        let (segment, at) = split(number);
        // Acquire pairs with the release in `add`: the places are there.
        let first = self.segments[segment].load(Ordering::Acquire);
        // SAFETY: a segment is null or the first of its `1 << (segment + FIRST)` places, which were
        // leaked; `split` gives a place below that. Nothing ever refers to one mutably.
        (!first.is_null()).then(|| unsafe { &*first.add(at) })
    }
}

#[cfg(all(test, lockgraph_loom))]
mod loom_tests;

#[cfg(all(test, not(lockgraph_loom)))]
mod tests;
