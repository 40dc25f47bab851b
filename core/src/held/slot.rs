//! One slot of a held set: the word that says what is held, and what goes with it.
//!
//! This file holds unsafe code: a slot keeps `&'static` references in atomic pointers.

use super::Hold;
use crate::lock::{ID_SHIFT, LockHeader, Site};
use crate::mode::Mode;
use crate::primitive::{AtomicPtr, AtomicU64, Ordering, overwrite};
use std::cell::Cell;
use std::panic::Location;

const GENERATION_SHIFT: u32 = 8;
/// Set in the word of a hold whose owner stands in the lock's header.
pub(super) const OWNS: u64 = 4;
/// In the word of a hold that somebody keeps an eye on: gone when the hold has ended, though the
/// same lock may stand in the same slot again.
pub(super) const MARK: u64 = 8;
/// What stands beneath the id in the word of a slot.
pub(super) const BENEATH: u64 = (1 << ID_SHIFT) - 1;

/// `id << 24 | generation << 8 | OWNS | mode`; 0 is a free slot.
#[inline(always)]
pub(super) fn word(id: u64, mode: Mode, generation: u16) -> u64 {
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
pub(super) fn matches(word: u64, id: u64, generation: u16) -> bool {
    word >> ID_SHIFT == id && (word >> GENERATION_SHIFT) as u16 == generation
}

pub(super) fn mode_in(word: u64) -> Mode {
    Mode::from_bits(word as u8)
}

/// The hash of a sequence of holds and of one more: a bijection of either argument, so that two
/// sequences of two locks, among fewer than 2^32, never meet; longer ones do by chance.
#[inline(always)]
pub(super) fn link(chain: u64, word: u64) -> u64 {
    (chain ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32)
}

/// 32 bytes: the distance between slots is a shift.
#[repr(C, align(32))]
pub(super) struct Slot {
    pub(super) word: AtomicU64,
    /// Of [`LockHeader::settled`].
    settled: AtomicPtr<()>,
    at: AtomicPtr<Location<'static>>,
    /// The hash of everything up to this hold, in the order of slots. Owner only. Right below the
    /// top, but for what another thread has ended since the last [`HeldSet::resync`].
    pub(super) chain: Cell<u64>,
}

impl Slot {
    #[cfg(not(lockgraph_loom))]
    pub(super) const fn new() -> Self {
        Slot {
            word: AtomicU64::new(0),
            settled: AtomicPtr::new(std::ptr::null_mut()),
            at: AtomicPtr::new(std::ptr::null_mut()),
            chain: Cell::new(0),
        }
    }

    /// As without loom, whose atomics are not `const`.
    #[cfg(lockgraph_loom)]
    pub(super) fn new() -> Self {
        Slot {
            word: AtomicU64::new(0),
            settled: AtomicPtr::new(std::ptr::null_mut()),
            at: AtomicPtr::new(std::ptr::null_mut()),
            chain: Cell::new(0),
        }
    }

    /// A hold on top of `before`.
    #[inline(always)]
    pub(super) fn fill(&self, before: &Slot, word: u64, settled: *mut (), at: Site) {
        self.chain.set(link(before.chain.get(), word));
        self.settled.store(settled, Ordering::Relaxed);
        self.at.store(std::ptr::from_ref(at).cast_mut(), Ordering::Relaxed);
        overwrite!(self.word, word, Ordering::Release);
    }

    pub(super) fn load(&self) -> Option<Hold> {
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
