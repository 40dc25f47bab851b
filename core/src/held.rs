//! The held set of one owner: which locks, in which modes, taken where.
//!
//! A bag: releases come in any order, and one lock may stand in it several times. Only the owner
//! adds; the owner removes, or another thread that got the guard does. So what others may touch of
//! a slot is relaxed atomics, a slot never moves, and the word of a slot tells whether it is in use.
//! There is room for 2^14 holds: sixteen slots inline, then buckets that are never freed (the block
//! that contains the set is recycled with them).
//!
//! A new hold goes to the top. The free slots beneath it are used when the inline ones are full; so
//! what comes and goes in the order of a stack, or moves along hand over hand, looks for nothing.
//!
//! What makes a removal by another thread safe: the word carries the generation of the block, a
//! token names (block, slot, generation), and the remover clears only a word that still matches.
//!
//! This file holds unsafe code: buckets are reached by pointers, and the inline slots are found by
//! their distance in bytes.

mod mark;
mod slot;

use crate::lock::{Class, ID_SHIFT, LockHeader, Site};
use crate::mem::SysVec;
use crate::mode::Mode;
use crate::primitive::{AtomicPtr, Ordering, overwrite};
use slot::{BENEATH, MARK, OWNS, Slot, link, matches, mode_in, word};
use std::cell::Cell;

pub(crate) use slot::{generation_bits, mode_bits};

#[cfg(not(lockgraph_loom))]
const INLINE: usize = 16;
#[cfg(lockgraph_loom)]
const INLINE: usize = 2;
/// How many holds a set has room for. A program that forgets guards in a loop makes every request
/// look at all of them.
const ROOM: usize = 1 << 14;
/// Beyond the inline slots, the `k`th bucket has `INLINE << k`: as many as all before it.
const BUCKETS: usize = (ROOM / INLINE).ilog2() as usize;

/// Bytes of a slot. A slot's *place* is its distance from the first slot, in bytes: no arithmetic
/// stands between a place and its address.
const SIZE: u32 = size_of::<Slot>() as u32;
/// The place of the last inline slot.
const LAST: u32 = (INLINE as u32 - 1) * SIZE;
const SIZE64: u64 = SIZE as u64;
const LAST64: u64 = LAST as u64;
/// Where places end.
const END: u32 = ROOM as u32 * SIZE;
const _: () = assert!(END < 1 << 24, "places have 24 bits in a token");
/// A near top that is none: see [`HeldSet::near_top`].
const FAR: u64 = u64::MAX;

/// One hold, copied out of its slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    pub(crate) id: u64,
    pub(crate) mode: Mode,
    pub(crate) class: &'static Class,
    pub(crate) at: Site,
}

/// Folded multiply (wyhash's mixer): both halves of the 128-bit product.
#[inline(always)]
pub(crate) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0xA076_1D64_78BD_642F) * u128::from(b ^ 0xE703_7ED1_A0B4_28DB);
    (product as u64) ^ ((product >> 64) as u64)
}

/// The top of a set where it is in the inline slots, a moment ago: nothing was pushed since.
#[derive(Clone, Copy)]
pub(crate) struct NearTop(u64);

impl NearTop {
    /// True where the set is known to be empty.
    #[inline(always)]
    pub(crate) fn is_clear(self) -> bool {
        self.0 == 0
    }
}

/// The held set. See the module.
#[repr(C)]
pub(crate) struct HeldSet {
    /// The first of them holds nothing: its chain is the context of all holds.
    slots: [Slot; 1 + INLINE],
    /// One past the highest slot in use, at least, while that is at most one past the inline ones;
    /// else [`FAR`]. Owner only.
    near_top: Cell<u64>,
    /// The same where the other one is [`FAR`].
    far_top: Cell<u32>,
    /// No slot below the top and before this one is free. Owner only.
    hole: Cell<u32>,
    /// The first slot of each bucket.
    more: [AtomicPtr<Slot>; BUCKETS],
}

impl HeldSet {
    pub(crate) fn new() -> Self {
        HeldSet {
            slots: std::array::from_fn(|_| Slot::new()),
            near_top: Cell::new(0),
            far_top: Cell::new(0),
            hole: Cell::new(END),
            more: std::array::from_fn(|_| AtomicPtr::new(std::ptr::null_mut())),
        }
    }

    /// A set that nothing can be put into, nor be removed from, by the short ways.
    #[cfg(not(lockgraph_loom))]
    pub(crate) const fn closed() -> HeldSet {
        HeldSet {
            slots: [const { Slot::new() }; 1 + INLINE],
            near_top: Cell::new(FAR),
            far_top: Cell::new(0),
            hole: Cell::new(END),
            more: [const { AtomicPtr::new(std::ptr::null_mut()) }; BUCKETS],
        }
    }

    fn end(&self) -> u32 {
        match self.near_top.get() {
            FAR => self.far_top.get(),
            top => top as u32,
        }
    }

    fn set_top(&self, top: u32) {
        self.near_top.set(if top <= LAST + SIZE { u64::from(top) } else { FAR });
        self.far_top.set(top);
    }

    /// True where the set is known to be empty; false does not say that it is not.
    fn is_clear(&self) -> bool {
        self.end() == 0
    }

    /// True where nothing is held (a hold that another thread has just ended may still count).
    pub(crate) fn is_empty(&self) -> bool {
        self.is_clear() || {
            self.trim();
            self.is_clear()
        }
    }

    /// An inline slot; the first one is at `SIZE`.
    #[inline(always)]
    fn near(&self, distance: u64) -> &Slot {
        debug_assert!(distance % SIZE64 == 0 && distance <= LAST64 + SIZE64);
        // SAFETY: a distance is a multiple of `SIZE`, as places are, and within the array, which
        // every caller has checked.
        unsafe { &*self.slots.as_ptr().byte_add(distance as usize) }
    }

    /// Where the next hold goes, if it goes into an inline slot.
    #[inline(always)]
    pub(crate) fn near_top(&self) -> Option<NearTop> {
        let top = self.near_top.get();
        (top <= LAST64).then_some(NearTop(top))
    }

    /// As [`HeldSet::push`] for the common case. Calls nothing, so that its caller needs no stack
    /// frame.
    #[inline(always)]
    pub(crate) fn push_near(&self, top: NearTop, word: u64, settled: *mut (), at: Site) -> u64 {
        self.near(top.0 + SIZE64).fill(self.near(top.0), word, settled, at);
        self.near_top.set(top.0 + SIZE64);
        top.0
    }

    /// Adds a hold; returns its place. `None` where the set is full. Owner only.
    pub(crate) fn push(
        &self,
        id: u64,
        mode: Mode,
        generation: u16,
        class: &'static Class,
        at: Site,
    ) -> Option<u32> {
        let (word, settled) = (word(id, mode, generation), LockHeader::tagged(class));
        if let Some(top) = self.near_top() {
            return Some(self.push_near(top, word, settled, at) as u32);
        }
        self.trim();
        let top = self.end();
        let place = self.find_hole(top).unwrap_or(top);
        if place >= END {
            return None;
        }
        self.slot(place).fill(self.slot_before(place), word, settled, at);
        if place == top {
            self.set_top(top + SIZE);
        } else {
            self.chain_up(place);
        }
        Some(place)
    }

    /// Nothing more can be held. Owner only.
    pub(crate) fn is_full(&self) -> bool {
        if self.end() < END {
            return false;
        }
        let hole = self.find_hole(END);
        self.hole.set(hole.unwrap_or(END));
        hole.is_none()
    }

    /// The lowest free slot below `top`.
    fn find_hole(&self, top: u32) -> Option<u32> {
        let from = self.hole.get();
        let free = |place: &u32| self.slot(*place).word.load(Ordering::Relaxed) == 0;
        let hole = places(from.min(top), top).find(free);
        self.hole.set(hole.map_or(END, |hole| hole + SIZE));
        hole
    }

    fn slot(&self, place: u32) -> &Slot {
        if place <= LAST { self.near(u64::from(place) + SIZE64) } else { self.far_slot(place) }
    }

    fn slot_before(&self, place: u32) -> &Slot {
        if place == 0 { &self.slots[0] } else { self.slot(place - SIZE) }
    }

    /// The slot in a bucket; makes the bucket where the owner needs one.
    #[cold]
    fn far_slot(&self, place: u32) -> &Slot {
        let index = (place / SIZE) as usize;
        let bucket = (index / INLINE).ilog2() as usize;
        let len = INLINE << bucket;
        let mut slots = self.more[bucket].load(Ordering::Acquire);
        if slots.is_null() {
            let mut fresh = SysVec::new();
            fresh.reserve(len);
            (0..len).for_each(|_| fresh.push(Slot::new()));
            slots = fresh.leak().as_ptr().cast_mut();
            // Only the owner grows its set, so a plain store cannot lose another bucket.
            self.more[bucket].store(slots, Ordering::Release);
        }
        // SAFETY: a bucket is leaked, only ever shared, and has `len` slots; `index` is at least
        // `len` and less than twice that.
        unsafe { &*slots.add(index - len) }
    }

    /// As [`HeldSet::remove`] for the common case of the hold at the top in an inline slot, by the
    /// head of the lock. Tells whether the hold's owner stood in the lock's header.
    #[inline(always)]
    pub(crate) fn remove_near(&self, place: u64, head: u64) -> Option<bool> {
        // So the place is that of an inline slot, whatever it was made of.
        let top = place.wrapping_add(SIZE64);
        if top != self.near_top.get() {
            return None;
        }
        let slot = self.near(top);
        let word = slot.word.load(Ordering::Relaxed);
        if word ^ head > BENEATH {
            return None;
        }
        overwrite!(slot.word, 0, Ordering::Release);
        self.near_top.set(place);
        Some(word & OWNS != 0)
    }

    /// The slot is free now, and not the one at the top.
    fn vacate(&self, place: u32) {
        self.hole.set(self.hole.get().min(place));
        self.chain_up(place);
    }

    /// Puts the chains from `place` on right, after that slot has changed.
    fn chain_up(&self, place: u32) {
        let mut chain = self.slot_before(place).chain.get();
        for slot in places(place, self.end()).map(|place| self.slot(place)) {
            match slot.word.load(Ordering::Relaxed) {
                0 => {}
                word => chain = link(chain, word & !MARK),
            }
            slot.chain.set(chain);
        }
    }

    /// Ends the hold in `place` if it still is one of lock `id` in `generation`. Owner only.
    pub(crate) fn remove(&self, place: u32, id: u64, generation: u16) -> Option<Mode> {
        let slot = self.slot(place);
        let word = slot.word.load(Ordering::Relaxed);
        if !matches(word, id, generation) {
            return None;
        }
        overwrite!(slot.word, 0, Ordering::Release);
        if place + SIZE == self.end() {
            self.set_top(place);
        } else {
            self.vacate(place);
        }
        Some(mode_in(word))
    }

    /// As [`HeldSet::remove`], callable from any thread: the owner's own books are left to
    /// [`HeldSet::resync`]. Meanwhile the owner may end and its block serve another: only the very
    /// word that was seen is cleared.
    pub(crate) fn clear(&self, place: u32, id: u64, generation: u16) -> Option<Mode> {
        let slot = self.slot(place);
        let word = slot.word.load(Ordering::Relaxed);
        if !matches(word, id, generation) {
            return None;
        }
        let cleared = slot.word.compare_exchange(word, 0, Ordering::AcqRel, Ordering::Relaxed);
        cleared.ok().map(|_| mode_in(word))
    }

    /// Ends every hold of lock `id`, which is gone. Callable from any thread.
    pub(crate) fn purge(&self, id: u64) {
        let purge = |slot: &Slot| {
            let word = slot.word.load(Ordering::Relaxed);
            if word >> ID_SHIFT == id {
                // A loss of this race means that the hold has just ended by itself.
                let _ = slot.word.compare_exchange(word, 0, Ordering::AcqRel, Ordering::Relaxed);
            }
        };
        self.for_each_slot(purge);
    }

    /// Makes every hold of lock `old` one of lock `new`, which it is called from now on. Callable
    /// from any thread: the owner's books are left to [`HeldSet::resync`].
    pub(crate) fn renumber(&self, old: u64, new: u64) {
        self.for_each_slot(|slot| {
            let word = slot.word.load(Ordering::Relaxed);
            if word >> ID_SHIFT == old {
                let renumbered = word & BENEATH | new << ID_SHIFT;
                // A loss of this race means that the hold has just ended by itself.
                let _ = slot.word.compare_exchange(
                    word,
                    renumbered,
                    Ordering::AcqRel,
                    Ordering::Relaxed,
                );
            }
        });
    }

    /// Changes the mode of a hold in place; returns the old one. The books follow where `owner`.
    pub(crate) fn convert(
        &self,
        place: u32,
        id: u64,
        generation: u16,
        mode: Mode,
        owner: bool,
    ) -> Option<Mode> {
        let slot = self.slot(place);
        let old = slot.word.load(Ordering::Relaxed);
        if !matches(old, id, generation) {
            return None;
        }
        // Exchanged, as in `clear`: where the guard has moved, the owner may have ended meanwhile,
        // and its block serve another.
        let new = word(id, mode, generation);
        slot.word.compare_exchange(old, new, Ordering::AcqRel, Ordering::Relaxed).ok()?;
        if owner {
            self.chain_up(place);
        }
        Some(mode_in(old))
    }

    /// A hash of the context and of all holds with their modes, in the order of their slots. Equal
    /// sets may have several, which costs visits to the graph; equal hashes have equal sets, but
    /// for one chance in 2^64.
    pub(crate) fn chain(&self) -> u64 {
        self.slot_before(self.end()).chain.get()
    }

    /// As [`HeldSet::chain`], where it is at hand.
    #[inline(always)]
    pub(crate) fn near_chain(&self, top: NearTop) -> u64 {
        self.near(top.0).chain.get()
    }

    /// Puts everything that is held into another context.
    pub(crate) fn set_context(&self, context: u64) {
        self.slots[0].chain.set(context);
        self.chain_up(0);
    }

    /// Lowers `top` past free slots.
    #[cold]
    fn trim(&self) {
        let mut top = self.end();
        while top > 0 && self.slot(top - SIZE).word.load(Ordering::Relaxed) == 0 {
            top -= SIZE;
        }
        self.set_top(top);
    }

    /// Brings the owner's books in line with the slots, after another thread ended a hold.
    #[cold]
    pub(crate) fn resync(&self) {
        self.trim();
        self.hole.set(0);
        self.chain_up(0);
    }

    /// All holds with their places, the newest slot first. Owner only.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, Hold)> + '_ {
        places(0, self.end()).rev().filter_map(|place| Some((place, self.slot(place).load()?)))
    }

    /// Whether the set holds lock `id`. Callable from any thread; then a moment's view.
    pub(crate) fn holds(&self, id: u64) -> bool {
        let mut found = false;
        self.for_each_slot(|slot| found |= slot.word.load(Ordering::Acquire) >> ID_SHIFT == id);
        found
    }

    /// As [`HeldSet::holds`], for the owner.
    #[inline(always)]
    pub(crate) fn has(&self, head: u64) -> bool {
        let found = |place| self.slot(place).word.load(Ordering::Relaxed) ^ head <= BENEATH;
        places(0, self.end()).any(found)
    }

    /// All holds, as another thread may see them: a moment's view, stable while the owner is
    /// blocked.
    pub(crate) fn seen_from_elsewhere(&self, mut visit: impl FnMut(Hold)) {
        self.for_each_slot(|slot| slot.load().into_iter().for_each(&mut visit));
    }

    /// How many slots are in use, at most. Owner only.
    pub(crate) fn top(&self) -> u32 {
        self.end() / SIZE
    }

    fn for_each_slot(&self, mut visit: impl FnMut(&Slot)) {
        self.slots[1..].iter().for_each(&mut visit);
        for (bucket, slots) in self.more.iter().enumerate() {
            let slots = slots.load(Ordering::Acquire);
            if slots.is_null() {
                // They are made in their order.
                return;
            }
            // SAFETY: a bucket is leaked, only ever shared, and has so many slots.
            let slots = unsafe { std::slice::from_raw_parts(slots, INLINE << bucket) };
            slots.iter().for_each(&mut visit);
        }
    }

    /// Panics where the books do not agree with the slots. Owner only, and after
    /// [`HeldSet::resync`] where another thread has ended a hold.
    #[cfg(test)]
    pub(crate) fn check_invariants(&self) {
        let top = self.end();
        assert!(top % SIZE == 0 && top <= END);
        assert!(top == END || self.slot(top).word.load(Ordering::Relaxed) == 0);
        let mut chain = self.slots[0].chain.get();
        for (place, slot) in places(0, top).map(|place| (place, self.slot(place))) {
            match slot.word.load(Ordering::Relaxed) {
                0 => assert!(place >= self.hole.get(), "a free slot at {place}"),
                word => chain = link(chain, word & !MARK),
            }
            assert_eq!(slot.chain.get(), chain, "the chain at {place} of {top}");
        }
        assert_eq!(self.chain(), chain);
        assert_eq!(self.near_top.get() == FAR, top > LAST + SIZE);
    }

    /// Empties the set for the block's next owner.
    pub(crate) fn reset(&self) {
        for place in places(0, self.end()) {
            overwrite!(self.slot(place).word, 0, Ordering::Release);
        }
        self.set_top(0);
        self.hole.set(END);
    }
}

/// The places from `from` to before `to`.
fn places(from: u32, to: u32) -> impl DoubleEndedIterator<Item = u32> {
    (from / SIZE..to / SIZE).map(|slot| slot * SIZE)
}

#[cfg(all(test, not(lockgraph_loom)))]
mod tests;
