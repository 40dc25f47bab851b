//! The held set of one owner: which locks, in which modes, taken where.
//!
//! A bag: releases come in any order, and one lock may stand in it several times. Only the owner
//! adds; the owner removes, or another thread that got the guard does. So what others may touch of
//! a slot is relaxed atomics, a slot never moves, and the word of a slot tells whether it is in use.
//! No size limit but the 2^19 slots that a token can name: sixteen slots inline, then chunks of 64
//! that are never freed (the block that contains the set is recycled with them).
//!
//! A new hold goes to the top. The free slots beneath it are used when the inline ones are full; so
//! what comes and goes in the order of a stack, or moves along hand over hand, looks for nothing.
//!
//! What makes a removal by another thread safe: the word carries the generation of the block, a
//! token names (block, slot, generation), and the remover clears only a word that still matches.
//!
//! This file holds unsafe code: slots keep `&'static` references in atomic pointers, chunks are
//! linked by pointers, and the inline slots are found by their distance in bytes.

use crate::lock::{Class, ID_SHIFT, LockHeader, Site};
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

/// Bytes of a slot. A slot's *place* is its distance from the first slot, in bytes: no arithmetic
/// stands between a place and its address.
const SIZE: u32 = size_of::<Slot>() as u32;
/// The place of the last inline slot.
const LAST: u32 = (INLINE as u32 - 1) * SIZE;
/// Where places end: they have 24 bits in a token.
const END: u32 = 1 << 24;

const GENERATION_SHIFT: u32 = 8;
/// Set in the word of a hold whose owner stands in the lock's header.
const OWNS: u64 = 4;
/// What stands beneath the id in the word of a slot.
const BENEATH: u64 = (1 << ID_SHIFT) - 1;

/// `id << 24 | generation << 8 | OWNS | mode`; 0 is a free slot.
#[inline(always)]
fn word(id: u64, mode: Mode, generation: u16) -> u64 {
    id << ID_SHIFT | generation_bits(generation) | mode_bits(mode)
}

/// The mode at its place in the word of a slot.
#[inline(always)]
pub(crate) const fn mode_bits(mode: Mode) -> u64 {
    if mode.is_owned() { OWNS | mode as u64 } else { mode as u64 }
}

/// The generation at its place in the word of a slot.
#[inline(always)]
pub(crate) const fn generation_bits(generation: u16) -> u64 {
    (generation as u64) << GENERATION_SHIFT
}

/// Whether the word is that of a hold of lock `id`, made in `generation`.
fn matches(word: u64, id: u64, generation: u16) -> bool {
    word >> ID_SHIFT == id && (word >> GENERATION_SHIFT) as u16 == generation
}

fn mode_in(word: u64) -> Mode {
    Mode::from_bits(word as u8)
}

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

/// The hash of a sequence of holds and of one more: a bijection of either argument, so that two
/// sequences of two locks, among fewer than 2^32, never meet; longer ones do by chance.
#[inline(always)]
fn link(chain: u64, word: u64) -> u64 {
    (chain ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32)
}

/// 32 bytes: the distance between slots is a shift.
#[repr(C, align(32))]
struct Slot {
    word: AtomicU64,
    /// Of [`LockHeader::settled`].
    settled: AtomicPtr<()>,
    at: AtomicPtr<Location<'static>>,
    /// The hash of everything up to this hold, in the order of slots; 0 where it is not known.
    /// Owner only. Always right or 0 below the top.
    chain: Cell<u64>,
}

impl Slot {
    fn new() -> Self {
        Slot {
            word: AtomicU64::new(0),
            settled: AtomicPtr::new(std::ptr::null_mut()),
            at: AtomicPtr::new(std::ptr::null_mut()),
            chain: Cell::new(0),
        }
    }

    #[inline(always)]
    fn fill(&self, word: u64, settled: *mut (), at: Site) {
        self.settled.store(settled, Ordering::Relaxed);
        self.at.store(std::ptr::from_ref(at).cast_mut(), Ordering::Relaxed);
        self.chain.set(0);
        overwrite!(self.word, word, Ordering::Release);
    }

    fn load(&self) -> Option<Hold> {
        // Acquire pairs with the release in `fill`: the pointers belong to this word or to a
        // later one, and every pointer ever stored is to a `'static`.
        let word = self.word.load(Ordering::Acquire);
        if word == 0 {
            return None;
        }
        let settled = self.settled.load(Ordering::Relaxed);
        let at = self.at.load(Ordering::Relaxed);
        // SAFETY: the word is not 0, so `fill` has stored what a born lock had settled and a
        // `&'static Location` here; neither is ever freed.
        let (class, at) = unsafe { (LockHeader::class_in(settled), &*at) };
        Some(Hold { id: word >> ID_SHIFT, mode: mode_in(word), class, at })
    }
}

struct Chunk {
    slots: [Slot; CHUNK],
    next: AtomicPtr<Chunk>,
}

/// The top of a set where it is in the inline slots, a moment ago: nothing was pushed since.
#[derive(Clone, Copy)]
pub(crate) struct NearTop(u32);

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
    more: AtomicPtr<Chunk>,
    /// One past the highest slot in use, at least. Owner only.
    top: Cell<u32>,
    /// No slot below the top and before this one is free. Owner only.
    hole: Cell<u32>,
}

impl HeldSet {
    pub(crate) fn new() -> Self {
        HeldSet {
            slots: std::array::from_fn(|_| Slot::new()),
            more: AtomicPtr::new(std::ptr::null_mut()),
            top: Cell::new(0),
            hole: Cell::new(END),
        }
    }

    /// True where the set is known to be empty; false does not say that it is not.
    #[inline(always)]
    pub(crate) fn is_clear(&self) -> bool {
        self.top.get() == 0
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
    fn near(&self, distance: u32) -> &Slot {
        debug_assert!(distance % SIZE == 0 && distance <= LAST + SIZE);
        // SAFETY: a distance is a multiple of `SIZE`, as places are, and within the array, which
        // every caller has checked.
        unsafe { &*self.slots.as_ptr().byte_add(distance as usize) }
    }

    /// Where the next hold goes, if it goes into an inline slot.
    #[inline(always)]
    pub(crate) fn near_top(&self) -> Option<NearTop> {
        let top = self.top.get();
        (top <= LAST).then_some(NearTop(top))
    }

    /// As [`HeldSet::push`] for the common case. Calls nothing, so that its caller needs no stack
    /// frame.
    #[inline(always)]
    pub(crate) fn push_near(&self, top: NearTop, word: u64, settled: *mut (), at: Site) -> u32 {
        self.near(top.0 + SIZE).fill(word, settled, at);
        self.top.set(top.0 + SIZE);
        top.0
    }

    /// Adds a hold; returns its place. `None` where 2^19 are held. Owner only.
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
            return Some(self.push_near(top, word, settled, at));
        }
        self.trim();
        let top = self.top.get();
        let place = self.find_hole(top).unwrap_or(top);
        if place >= END {
            return None;
        }
        self.slot(place).fill(word, settled, at);
        if place == top {
            self.top.set(top + SIZE);
        } else {
            self.forget_chains(place);
        }
        Some(place)
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
        if place <= LAST { self.near(place + SIZE) } else { self.far_slot(place) }
    }

    /// The slot in a chunk; makes the chunk where the owner needs one.
    #[cold]
    fn far_slot(&self, place: u32) -> &Slot {
        let mut rest = (place / SIZE) as usize - INLINE;
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

    /// As [`HeldSet::remove`] for the common case of the hold at the top in an inline slot, by the
    /// head of the lock. Tells whether the hold's owner stood in the lock's header.
    #[inline(always)]
    pub(crate) fn remove_near(&self, place: u64, head: u64) -> Option<bool> {
        if place > u64::from(LAST) {
            return None;
        }
        let place = place as u32;
        let slot = self.near(place + SIZE);
        let word = slot.word.load(Ordering::Relaxed);
        if word ^ head > BENEATH || place + SIZE != self.top.get() {
            return None;
        }
        overwrite!(slot.word, 0, Ordering::Release);
        self.top.set(place);
        Some(word & OWNS != 0)
    }

    /// The slot is free now, and not the one at the top.
    fn vacate(&self, place: u32) {
        self.hole.set(self.hole.get().min(place));
        self.forget_chains(place);
    }

    /// The chains from `place` on are not known any more.
    fn forget_chains(&self, place: u32) {
        places(place, self.top.get()).for_each(|place| self.slot(place).chain.set(0));
    }

    /// Ends the hold in `place` if it still is one of lock `id` in `generation`. Owner only.
    pub(crate) fn remove(&self, place: u32, id: u64, generation: u16) -> Option<Mode> {
        let slot = self.slot(place);
        let word = slot.word.load(Ordering::Relaxed);
        if !matches(word, id, generation) {
            return None;
        }
        overwrite!(slot.word, 0, Ordering::Release);
        if place + SIZE == self.top.get() {
            self.top.set(place);
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
            self.forget_chains(place);
        }
        Some(mode_in(old))
    }

    /// A hash of the context and of all holds with their modes, in the order of their slots. Equal
    /// sets may have several, which costs visits to the graph; equal hashes have equal sets, but
    /// for one chance in 2^64.
    pub(crate) fn chain(&self) -> u64 {
        let known = self.near_top().and_then(|top| self.chain_at_hand(top));
        known.unwrap_or_else(|| self.find_chain())
    }

    /// As [`HeldSet::chain`], where it is known, or follows from that of the hold before the
    /// newest. Calls nothing.
    #[inline(always)]
    pub(crate) fn chain_at_hand(&self, NearTop(top): NearTop) -> Option<u64> {
        let newest = self.near(top);
        let known = newest.chain.get();
        if known != 0 {
            return Some(known);
        }
        // The first request under this hold. The context is always known, so there is a slot before.
        let chain = self.near(top - SIZE).chain.get();
        let word = newest.word.load(Ordering::Relaxed);
        if chain == 0 || word == 0 {
            return None;
        }
        let chain = link(chain, word);
        newest.chain.set(chain);
        Some(chain)
    }

    /// As [`HeldSet::chain`], from the newest hold on whose chain is known.
    #[cold]
    fn find_chain(&self) -> u64 {
        self.trim();
        let top = self.top.get();
        let mut from = top;
        while from > 0 && self.slot(from - SIZE).chain.get() == 0 {
            from -= SIZE;
        }
        let start = if from == 0 { &self.slots[0] } else { self.slot(from - SIZE) };
        places(from, top).map(|place| self.slot(place)).fold(start.chain.get(), |chain, slot| {
            let chain = match slot.word.load(Ordering::Relaxed) {
                0 => chain,
                word => link(chain, word),
            };
            slot.chain.set(chain);
            chain
        })
    }

    /// Puts everything that is held into another context, which is not 0.
    pub(crate) fn set_context(&self, context: u64) {
        self.slots[0].chain.set(context);
        self.forget_chains(0);
    }

    /// Lowers `top` past free slots.
    #[cold]
    fn trim(&self) {
        let mut top = self.top.get();
        while top > 0 && self.slot(top - SIZE).word.load(Ordering::Relaxed) == 0 {
            top -= SIZE;
        }
        self.top.set(top);
    }

    /// Brings the owner's books in line with the slots, after another thread ended a hold.
    #[cold]
    pub(crate) fn resync(&self) {
        self.trim();
        self.hole.set(0);
        self.forget_chains(0);
    }

    /// All holds with their places, the newest slot first. Owner only.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, Hold)> + '_ {
        places(0, self.top.get()).rev().filter_map(|place| Some((place, self.slot(place).load()?)))
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
        places(0, self.top.get()).any(found)
    }

    /// All holds, as another thread may see them: a moment's view, stable while the owner is
    /// blocked.
    pub(crate) fn seen_from_elsewhere(&self, mut visit: impl FnMut(Hold)) {
        self.for_each_slot(|slot| slot.load().into_iter().for_each(&mut visit));
    }

    fn for_each_slot(&self, mut visit: impl FnMut(&Slot)) {
        self.slots[1..].iter().for_each(&mut visit);
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
        for place in places(0, self.top.get()) {
            overwrite!(self.slot(place).word, 0, Ordering::Release);
        }
        self.top.set(0);
        self.hole.set(END);
    }
}

/// The places from `from` to before `to`.
fn places(from: u32, to: u32) -> impl DoubleEndedIterator<Item = u32> {
    (from / SIZE..to / SIZE).map(|slot| slot * SIZE)
}
