//! The held set of one owner: which locks, in which modes, taken where.
//!
//! A bag: releases come in any order, and one lock may stand in it several times. Only the owner
//! adds; the owner removes, or another thread that got the guard does. So every field of a slot
//! is a relaxed atomic, a slot never moves, and the word of a slot tells whether it is in use.
//! No size limit: sixteen slots inline, then chunks of 64 that are never freed (the block that
//! contains the set is recycled with them).
//!
//! What makes a removal by another thread safe: the word carries the generation of the block, a
//! token names (block, slot, generation), and the remover clears only a word that still matches.
//!
//! This file holds unsafe code: slots keep `&'static` references in atomic pointers, and chunks
//! are linked by pointers.

use crate::lock::{Class, ID_BITS, ID_MASK, Site};
use crate::mem;
use crate::mode::Mode;
use crate::primitive::{AtomicPtr, AtomicU64, Ordering, overwrite};
use std::cell::Cell;
use std::panic::Location;

#[cfg(not(lockgraph_loom))]
const INLINE: usize = 16;
#[cfg(lockgraph_loom)]
const INLINE: usize = 2;
#[cfg(not(lockgraph_loom))]
const CHUNK: usize = 64;
#[cfg(lockgraph_loom)]
const CHUNK: usize = 2;

const MODE_SHIFT: u32 = ID_BITS;
const GENERATION_SHIFT: u32 = 48;

/// In the word of a hold that somebody keeps an eye on: gone when the hold has ended, though the
/// same lock may stand in the same slot again.
const MARK: u64 = 1 << 47;

/// `id | mode << 40 | generation << 48`; 0 is a free slot.
#[inline(always)]
fn word(id: u64, mode: Mode, generation: u16) -> u64 {
    id | (mode as u64) << MODE_SHIFT | u64::from(generation) << GENERATION_SHIFT
}

/// One hold, copied out of its slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    pub(crate) id: u64,
    pub(crate) mode: Mode,
    pub(crate) class: &'static Class,
    pub(crate) at: Site,
}

/// A 64-bit hash of one (lock, mode), to be summed over the held set: a multiset hash, so that
/// adding and removing a hold is one addition each, in any order.
#[inline(always)]
pub(crate) fn mix(id: u64, mode: Mode) -> u64 {
    fold(id << 2 | mode as u64, 0x9E37_79B9_7F4A_7C15)
}

/// Folded multiply (wyhash's mixer): both halves of the 128-bit product.
#[inline(always)]
pub(crate) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0xA076_1D64_78BD_642F) * u128::from(b ^ 0xE703_7ED1_A0B4_28DB);
    (product as u64) ^ ((product >> 64) as u64)
}

struct Slot {
    word: AtomicU64,
    class: AtomicPtr<Class>,
    at: AtomicPtr<Location<'static>>,
}

impl Slot {
    fn new() -> Self {
        Slot {
            word: AtomicU64::new(0),
            class: AtomicPtr::new(std::ptr::null_mut()),
            at: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    #[inline(always)]
    fn fill(&self, word: u64, class: &'static Class, at: Site) {
        self.class.store(std::ptr::from_ref(class).cast_mut(), Ordering::Relaxed);
        self.at.store(std::ptr::from_ref(at).cast_mut(), Ordering::Relaxed);
        overwrite!(self.word, word, Ordering::Release);
    }

    fn load(&self) -> Option<Hold> {
        // Acquire pairs with the release in `push`: the pointers belong to this word or to a
        // later one, and every pointer ever stored is to a `'static`.
        let word = self.word.load(Ordering::Acquire);
        if word == 0 {
            return None;
        }
        let class = self.class.load(Ordering::Relaxed);
        let at = self.at.load(Ordering::Relaxed);
        // SAFETY: the word is not 0, so `push` has stored a `&'static Class` and a
        // `&'static Location` here; neither is ever freed.
        let (class, at) = unsafe { (&*class, &*at) };
        Some(Hold {
            id: word & ID_MASK,
            mode: Mode::from_bits((word >> MODE_SHIFT) as u8),
            class,
            at,
        })
    }
}

struct Chunk {
    slots: [Slot; CHUNK],
    next: AtomicPtr<Chunk>,
}

/// The held set. See the module.
pub(crate) struct HeldSet {
    slots: [Slot; INLINE],
    more: AtomicPtr<Chunk>,
    /// One past the highest slot in use. Owner only.
    top: Cell<u32>,
    /// The lowest free slot below `top`; `u32::MAX` where there is none. Owner only.
    hole: Cell<u32>,
    /// Sum of [`mix`] over the holds. Owner only; stale after a removal by another thread until
    /// [`HeldSet::resync`].
    sum: Cell<u64>,
}

impl HeldSet {
    pub(crate) fn new() -> Self {
        HeldSet {
            slots: std::array::from_fn(|_| Slot::new()),
            more: AtomicPtr::new(std::ptr::null_mut()),
            top: Cell::new(0),
            hole: Cell::new(u32::MAX),
            sum: Cell::new(0),
        }
    }

    /// True where nothing is held (a hold that another thread has just ended may still count).
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.top.get() == 0
    }

    /// The multiset hash of all holds.
    #[inline(always)]
    pub(crate) fn sum(&self) -> u64 {
        self.sum.get()
    }

    /// As [`HeldSet::push`] for the common case: the slot at the top is inline and no lower one is
    /// free. Calls nothing, so that its caller needs no stack frame.
    #[inline(always)]
    pub(crate) fn push_top(
        &self,
        id: u64,
        mode: Mode,
        generation: u16,
        class: &'static Class,
        at: Site,
    ) -> Option<u32> {
        let top = self.top.get();
        let slot = self.slots.get(top as usize)?;
        if self.hole.get() != u32::MAX {
            return None;
        }
        slot.fill(word(id, mode, generation), class, at);
        self.top.set(top + 1);
        self.sum.set(self.sum.get().wrapping_add(mix(id, mode)));
        Some(top)
    }

    /// Adds a hold; returns its slot. Owner only.
    pub(crate) fn push(
        &self,
        id: u64,
        mode: Mode,
        generation: u16,
        class: &'static Class,
        at: Site,
    ) -> u32 {
        let index = self.vacancy();
        self.slot(index).fill(word(id, mode, generation), class, at);
        self.sum.set(self.sum.get().wrapping_add(mix(id, mode)));
        index
    }

    fn vacancy(&self) -> u32 {
        let top = self.top.get();
        if self.hole.get() < top {
            return self.reuse(top);
        }
        self.top.set(top + 1);
        top
    }

    /// Takes the lowest hole.
    fn reuse(&self, top: u32) -> u32 {
        let hole = self.hole.get();
        self.hole.set(self.find_hole(hole + 1, top));
        hole
    }

    fn slot(&self, index: u32) -> &Slot {
        match self.slots.get(index as usize) {
            Some(slot) => slot,
            None => self.far_slot(index),
        }
    }

    /// The slot in a chunk; makes the chunk where the owner needs one.
    #[cold]
    fn far_slot(&self, index: u32) -> &Slot {
        let mut rest = index as usize - INLINE;
        let mut link = &self.more;
        loop {
            let mut chunk = link.load(Ordering::Acquire);
            if chunk.is_null() {
                let fresh = mem::leak(Chunk {
                    slots: std::array::from_fn(|_| Slot::new()),
                    next: AtomicPtr::new(std::ptr::null_mut()),
                });
                chunk = std::ptr::from_ref(fresh).cast_mut();
                // Only the owner grows its set, so a plain store cannot lose another chunk.
                link.store(chunk, Ordering::Release);
            }
            // SAFETY: chunks are leaked, so a non-null pointer is valid for ever, and they are
            // only ever shared.
            let chunk = unsafe { &*chunk };
            if rest < CHUNK {
                return &chunk.slots[rest];
            }
            rest -= CHUNK;
            link = &chunk.next;
        }
    }

    /// As [`HeldSet::remove`] for the common case of an inline slot.
    #[inline(always)]
    pub(crate) fn remove_inline(&self, index: u32, id: u64, generation: u16) -> Option<Mode> {
        let slot = self.slots.get(index as usize)?;
        let word = slot.word.load(Ordering::Relaxed);
        let mode = Mode::from_bits((word >> MODE_SHIFT) as u8);
        if word != self::word(id, mode, generation) {
            return None;
        }
        overwrite!(slot.word, 0, Ordering::Release);
        self.sum.set(self.sum.get().wrapping_sub(mix(id, mode)));
        self.vacate(index);
        Some(mode)
    }

    /// Slot `index` is free now.
    #[inline(always)]
    fn vacate(&self, index: u32) {
        if index + 1 < self.top.get() {
            self.hole.set(self.hole.get().min(index));
        } else {
            self.top.set(index);
            if self.hole.get() != u32::MAX {
                self.trim();
            }
        }
    }

    /// Ends the hold in `index` if it still is one of lock `id` in `generation`. Owner only.
    pub(crate) fn remove(&self, index: u32, id: u64, generation: u16) -> Option<Mode> {
        let slot = self.slot(index);
        let word = slot.word.load(Ordering::Relaxed);
        if word & ID_MASK != id || (word >> GENERATION_SHIFT) as u16 != generation {
            return None;
        }
        overwrite!(slot.word, 0, Ordering::Release);
        let mode = Mode::from_bits((word >> MODE_SHIFT) as u8);
        self.sum.set(self.sum.get().wrapping_sub(mix(id, mode)));
        self.vacate(index);
        Some(mode)
    }

    /// As [`HeldSet::remove`], callable from any thread: the owner's own books are left to
    /// [`HeldSet::resync`]. Meanwhile the owner may end and its block serve another: only the very
    /// word that was seen is cleared.
    pub(crate) fn clear(&self, index: u32, id: u64, generation: u16) -> Option<Mode> {
        let slot = self.slot(index);
        let word = slot.word.load(Ordering::Relaxed);
        if word & ID_MASK != id || (word >> GENERATION_SHIFT) as u16 != generation {
            return None;
        }
        let cleared = slot.word.compare_exchange(word, 0, Ordering::AcqRel, Ordering::Relaxed);
        cleared.ok().map(|_| Mode::from_bits((word >> MODE_SHIFT) as u8))
    }

    /// Ends every hold of lock `id`, which is gone. Callable from any thread.
    pub(crate) fn purge(&self, id: u64) {
        let purge = |slot: &Slot| {
            let word = slot.word.load(Ordering::Relaxed);
            if word & ID_MASK == id {
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
            if word & ID_MASK == old {
                let renumbered = word & !ID_MASK | new;
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

    /// Changes the mode of a hold in place; returns the old one. The sum follows where `owner`.
    pub(crate) fn convert(
        &self,
        index: u32,
        id: u64,
        generation: u16,
        mode: Mode,
        owner: bool,
    ) -> Option<Mode> {
        let slot = self.slot(index);
        let old = slot.word.load(Ordering::Relaxed);
        if old & ID_MASK != id || (old >> GENERATION_SHIFT) as u16 != generation {
            return None;
        }
        // Exchanged, as in `clear`: where the guard has moved, the owner may have ended meanwhile,
        // and its block serve another.
        let new = word(id, mode, generation);
        slot.word.compare_exchange(old, new, Ordering::AcqRel, Ordering::Relaxed).ok()?;
        let old = Mode::from_bits((old >> MODE_SHIFT) as u8);
        if owner {
            let sum = self.sum.get().wrapping_sub(mix(id, old)).wrapping_add(mix(id, mode));
            self.sum.set(sum);
        }
        Some(old)
    }

    /// Lowers `top` past free slots.
    #[cold]
    fn trim(&self) {
        let mut top = self.top.get();
        while top > 0 && self.slot(top - 1).word.load(Ordering::Relaxed) == 0 {
            top -= 1;
        }
        self.top.set(top);
        if self.hole.get() >= top {
            self.hole.set(u32::MAX);
        }
    }

    fn find_hole(&self, from: u32, top: u32) -> u32 {
        (from..top).find(|&i| self.slot(i).word.load(Ordering::Relaxed) == 0).unwrap_or(u32::MAX)
    }

    /// Brings the owner's books in line with the slots, after another thread ended a hold.
    #[cold]
    pub(crate) fn resync(&self) {
        self.sum
            .set(self.iter().fold(0, |sum, (_, hold)| sum.wrapping_add(mix(hold.id, hold.mode))));
        self.trim();
        self.hole.set(self.find_hole(0, self.top.get()));
    }

    /// All holds with their slots, the newest slot first. Owner only.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, Hold)> + '_ {
        (0..self.top.get()).rev().filter_map(|index| Some((index, self.slot(index).load()?)))
    }

    /// Whether the set holds lock `id`. Callable from any thread; then a moment's view.
    pub(crate) fn holds(&self, id: u64) -> bool {
        let mut found = false;
        self.for_each_slot(|slot| found |= slot.word.load(Ordering::Acquire) & ID_MASK == id);
        found
    }

    /// All holds, as another thread may see them: a moment's view, stable while the owner is
    /// blocked.
    pub(crate) fn seen_from_elsewhere(&self, mut visit: impl FnMut(Hold)) {
        self.for_each_slot(|slot| slot.load().into_iter().for_each(&mut visit));
    }

    /// As [`HeldSet::seen_from_elsewhere`], with the number of each slot and whether the hold is
    /// marked; looks at the first `top` slots.
    pub(crate) fn inspect(&self, top: u32, mut visit: impl FnMut(u32, bool, Hold)) {
        let mut index = 0;
        self.for_each_slot(|slot| {
            let word = slot.word.load(Ordering::Acquire);
            if index < top && word != 0 {
                slot.load().into_iter().for_each(|hold| visit(index, word & MARK != 0, hold));
            }
            index += 1;
        });
    }

    /// Marks the hold of lock `id` in slot `index`; false where it has ended. Callable from any
    /// thread.
    pub(crate) fn mark(&self, index: u32, id: u64) -> bool {
        let mut count = 0;
        let mut marked = false;
        self.for_each_slot(|slot| {
            let word = slot.word.load(Ordering::Relaxed);
            if count == index && word & ID_MASK == id {
                let new = word | MARK;
                let done =
                    slot.word.compare_exchange(word, new, Ordering::AcqRel, Ordering::Relaxed);
                marked = done.is_ok();
            }
            count += 1;
        });
        marked
    }

    /// Whether the hold of lock `id` that was marked in slot `index` stands. Callable from any
    /// thread.
    pub(crate) fn is_marked(&self, index: u32, id: u64) -> bool {
        let (mut count, mut marked) = (0, false);
        self.for_each_slot(|slot| {
            let word = slot.word.load(Ordering::Acquire);
            marked |= count == index && word & ID_MASK == id && word & MARK != 0;
            count += 1;
        });
        marked
    }

    /// How many slots are in use, at most. Owner only.
    pub(crate) fn top(&self) -> u32 {
        self.top.get()
    }

    fn for_each_slot(&self, mut visit: impl FnMut(&Slot)) {
        self.slots.iter().for_each(&mut visit);
        let mut chunk = self.more.load(Ordering::Acquire);
        while !chunk.is_null() {
            // SAFETY: chunks are leaked and only ever shared.
            let here = unsafe { &*chunk };
            here.slots.iter().for_each(&mut visit);
            chunk = here.next.load(Ordering::Acquire);
        }
    }

    /// Empties the set for the block's next owner.
    pub(crate) fn reset(&self) {
        for index in 0..self.top.get() {
            overwrite!(self.slot(index).word, 0, Ordering::Release);
        }
        self.top.set(0);
        self.hole.set(u32::MAX);
        self.sum.set(0);
    }
}
