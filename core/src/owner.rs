//! Owner blocks: what the recorder keeps for each running thread.
//!
//! A thread finds its block through one thread-local pointer without a destructor, so it is
//! readable in thread-local destructors, in `atexit` handlers and before `main`. Blocks are
//! leaked and recycled, each time under a new generation; they never come from the program's
//! global allocator. The end of the owner is the end of its thread, after all destructors of
//! thread-locals where the system can tell. A lock used after that (in a later destructor) makes the
//! thread a new owner for as long as it holds something.
//!
//! Which thread may touch what: fields that are atomics, and the slots of the held set, anybody;
//! the `Cell`s and the cache, the thread that runs as this owner alone. The block is `Sync` under
//! that rule.
//!
//! This file holds unsafe code: that `Sync`, and the access to the cache.

use crate::cache::Cache;
use crate::held::{HeldSet, Hold, fold};
use crate::lock::{OwnerId, Site};
use crate::mem::{SysVec, leak};
use crate::mode::Mode;
use crate::mode::Want;
use crate::os::{Os, System};
use crate::parked::Parked;
use crate::primitive::{AtomicU32, Ordering};
use crate::recent::Recent;
use std::cell::{Cell, UnsafeCell};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The recorder runs on this thread right now: pass through.
pub(crate) const INSIDE: u32 = 1;
/// The owner has ended; the block may be taken by another.
pub(crate) const ENDED: u32 = 2;
/// Nothing will end this owner but the release of its last hold.
pub(crate) const LINGERING: u32 = 4;
/// Another thread has ended one of the holds.
pub(crate) const RELEASED_ELSEWHERE: u32 = 8;
/// The next acquisition has a site of its own, see `door::at`.
pub(crate) const HINTED: u32 = 16;

/// See the module.
pub(crate) struct OwnerBlock {
    /// One or more flags make every door function take its careful path.
    flags: AtomicU32,
    generation: AtomicU32,
    id: AtomicU32,
    /// Place in the table, from 1; fits the owner bits of a lock header.
    index: u32,
    pub(crate) held: HeldSet,
    /// What was asked for, for whoever joins this thread.
    pub(crate) recent: Recent,
    /// What is waited for.
    pub(crate) parked: Parked,
    /// Hash of (scope, segment): the part of a chain key that rarely changes.
    pub(crate) context: Cell<u64>,
    pub(crate) scope: Cell<u32>,
    /// The running segment; 0 before the first one is needed.
    pub(crate) segment: Cell<u32>,
    /// The birth that this thread was started with; 0 where it was not told.
    pub(crate) birth: Cell<u32>,
    /// The record of that birth in `joins`; 0 where there is none.
    pub(crate) record: Cell<u32>,
    /// Lock ids in stock: next and end.
    ids: Cell<(u64, u64)>,
    pub(crate) hint: Cell<Option<(Site, bool)>>,
    cache: UnsafeCell<Cache>,
}

// SAFETY: the non-atomic fields are touched only by the thread that runs as this owner: the one
// whose `CURRENT` points here. Ownership changes hands through the mutex of `TABLE`.
unsafe impl Sync for OwnerBlock {}
// SAFETY: as above; nothing in a block belongs to a certain thread.
unsafe impl Send for OwnerBlock {}

/// One past the highest number of threads that can be owners at once: the index must fit the
/// 24 bits of a lock header.
const MAX_BLOCKS: usize = 1 << 24;
/// Ids that an owner takes from the process at a time.
const ID_STOCK: u64 = 64;

struct Table {
    blocks: SysVec<&'static OwnerBlock>,
    /// Blocks whose owner has ended.
    free: SysVec<&'static OwnerBlock>,
    next_owner: u32,
    next_id: u64,
}

static TABLE: Mutex<Table> =
    Mutex::new(Table { blocks: SysVec::new(), free: SysVec::new(), next_owner: 1, next_id: 1 });

fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    static CURRENT: Cell<Option<&'static OwnerBlock>> = const { Cell::new(None) };
}

/// The block of the running thread, if it has one.
#[inline(always)]
pub(crate) fn current() -> Option<&'static OwnerBlock> {
    CURRENT.get()
}

/// The block of the running thread, made where there is none. `None` where no more
/// blocks can be had. `thread_ends` is called when the thread ends.
#[cold]
pub(crate) fn enter(thread_ends: fn()) -> Option<&'static OwnerBlock> {
    if let Some(block) = CURRENT.get() {
        return Some(block);
    }
    let block = take()?;
    CURRENT.set(Some(block));
    // Refused once the thread's destructors have run: then nobody would end this owner, so it
    // lingers from the start.
    if !Os::at_thread_end(thread_ends) {
        block.set(LINGERING);
    }
    Some(block)
}

fn take() -> Option<&'static OwnerBlock> {
    let mut table = table();
    let id = table.next_owner;
    table.next_owner = id.checked_add(1)?;
    if let Some(block) = table.free.pop() {
        block.renew(id);
        return Some(block);
    }
    if table.blocks.len() + 1 >= MAX_BLOCKS {
        return None;
    }
    let index = table.blocks.len() as u32 + 1;
    let block = leak(OwnerBlock::new(index, id));
    table.blocks.push(block);
    Some(block)
}

/// The block with this index.
pub(crate) fn block(index: u32) -> Option<&'static OwnerBlock> {
    table().blocks.get((index as usize).wrapping_sub(1)).copied()
}

/// The first block for which `found` holds. Visits all of them: only for the careful paths.
pub(crate) fn find(found: impl Fn(&OwnerBlock) -> bool) -> Option<&'static OwnerBlock> {
    let table = table();
    table.blocks.iter().find(|block| block.flags() & ENDED == 0 && found(block)).copied()
}

/// Visits every block that is in use. Only for the careful paths.
pub(crate) fn for_each(visit: impl FnMut(&&'static OwnerBlock)) {
    let table = table();
    table.blocks.iter().filter(|block| block.flags() & ENDED == 0).for_each(visit);
}

/// How many owners there are, or were at once.
pub(crate) fn count() -> usize {
    table().blocks.len()
}

impl OwnerBlock {
    pub(crate) fn new(index: u32, id: u32) -> Self {
        let block = OwnerBlock {
            flags: AtomicU32::new(0),
            generation: AtomicU32::new(1),
            id: AtomicU32::new(id),
            index,
            held: HeldSet::new(),
            recent: Recent::new(),
            parked: Parked::new(),
            context: Cell::new(0),
            scope: Cell::new(0),
            segment: Cell::new(0),
            birth: Cell::new(0),
            record: Cell::new(0),
            ids: Cell::new((0, 0)),
            hint: Cell::new(None),
            cache: UnsafeCell::new(Cache::new()),
        };
        block.set_segment(0);
        block
    }

    /// Makes the block of an ended owner that of `id`. The caller has taken it off the free list.
    fn renew(&self, id: u32) {
        // 16 bits of it stand in every token and every held-set word.
        self.generation.store((self.generation() as u32 + 1) & 0xFFFF, Ordering::Relaxed);
        self.id.store(id, Ordering::Relaxed);
        self.held.reset();
        self.recent.clear();
        self.scope.set(0);
        self.birth.set(0);
        self.record.set(0);
        self.hint.set(None);
        self.set_segment(0);
        self.with_cache(Cache::clear);
        self.flags.store(0, Ordering::Release);
    }

    #[inline(always)]
    pub(crate) fn flags(&self) -> u32 {
        self.flags.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, flag: u32) {
        self.flags.fetch_or(flag, Ordering::AcqRel);
    }

    pub(crate) fn unset(&self, flag: u32) {
        self.flags.fetch_and(!flag, Ordering::AcqRel);
    }

    /// Ends a hold on a thread that is not this owner; `None` where it has ended already.
    pub(crate) fn release_elsewhere(&self, slot: u32, id: u64, generation: u16) -> Option<Mode> {
        let mode = self.held.clear(slot, id, generation)?;
        self.set(RELEASED_ELSEWHERE);
        Some(mode)
    }

    /// Takes note of what other threads have ended. Owner only.
    #[inline]
    pub(crate) fn settle_books(&self) {
        if self.flags() & RELEASED_ELSEWHERE != 0 {
            // Cleared first: a release that comes after it is seen next time.
            self.unset(RELEASED_ELSEWHERE);
            self.held.resync();
        }
    }

    #[inline(always)]
    pub(crate) fn index(&self) -> u32 {
        self.index
    }

    #[inline(always)]
    pub(crate) fn generation(&self) -> u16 {
        self.generation.load(Ordering::Relaxed) as u16
    }

    pub(crate) fn id(&self) -> OwnerId {
        OwnerId(self.id.load(Ordering::Relaxed))
    }

    /// Enters a segment: earlier chain keys no longer match.
    pub(crate) fn set_segment(&self, segment: u32) {
        self.segment.set(segment);
        let both = u64::from(self.scope.get()) << 32 | u64::from(segment);
        self.context.set(fold(both, 0x5851_F42D_4C95_7F2D));
    }

    /// Enters a scope: earlier chain keys no longer match.
    pub(crate) fn set_scope(&self, scope: u32) {
        self.scope.set(scope);
        self.set_segment(self.segment.get());
    }

    /// The chain key of a request with what is held now.
    #[inline(always)]
    pub(crate) fn chain_key(&self, id: u64, want: Want) -> u64 {
        let context = self.held.sum().wrapping_add(self.context.get());
        fold(context, id << 3 | want as u64).max(1)
    }

    /// Runs `f` on the cache. Only the owner calls this, and `f` never comes back here.
    #[inline(always)]
    pub(crate) fn with_cache<R>(&self, f: impl FnOnce(&mut Cache) -> R) -> R {
        // SAFETY: only the thread that runs as this owner gets here, and `f` (a probe, an
        // insertion, a clear) calls nothing that could get here again: the cache allocates from
        // the system allocator alone.
        f(unsafe { &mut *self.cache.get() })
    }

    /// A lock id that was never given out before; `None` when all 2^40 are used up.
    pub(crate) fn fresh_id(&self) -> Option<u64> {
        let (next, end) = self.ids.get();
        if next < end {
            self.ids.set((next + 1, end));
            return Some(next);
        }
        let mut table = table();
        let next = table.next_id;
        if next + ID_STOCK > crate::lock::ID_MASK {
            return None;
        }
        table.next_id = next + ID_STOCK;
        self.ids.set((next + 1, next + ID_STOCK));
        Some(next)
    }

    /// All holds, the newest slot first.
    pub(crate) fn holds(&self) -> impl Iterator<Item = Hold> + '_ {
        self.held.iter().map(|(_, hold)| hold)
    }

    /// The running owner has ended: the block waits for the next one.
    pub(crate) fn retire(&'static self) {
        CURRENT.set(None);
        self.held.reset();
        let mut table = table();
        self.flags.store(ENDED, Ordering::Release);
        table.free.push(self);
    }
}

#[cfg(all(test, lockgraph_loom))]
mod loom_tests;
