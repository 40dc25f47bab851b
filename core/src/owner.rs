//! Owner blocks: what the recorder keeps for each running thread.
//!
//! A thread finds its block through thread-local pointers without a destructor, so they are
//! readable in thread-local destructors, in `atexit` handlers and before `main`. One of them always
//! names it; two more, see `tls`, do so only where nothing is unusual about the owner, so that the
//! hot path asks no other question. Blocks are
//! leaked and recycled, each time under a new generation; they never come from the program's
//! global allocator. The end of the owner is the end of its thread, after all destructors of
//! thread-locals where the system can tell. A lock used after that (in a later destructor) makes the
//! thread a new owner for as long as it holds something.
//!
//! Which thread may touch what: fields that are atomics, and the slots of the held set, anybody;
//! the `Cell`s and the cache, the thread that runs as this owner alone. The block is `Sync` under
//! that rule.
//!
//! This file holds unsafe code: that `Sync`, the access to the cache, and the pointers of `tls`.

mod thread;

pub(crate) use thread::on_thread;

use crate::cache::Cache;
use crate::held::{HeldSet, Hold, NearTop, fold, generation_bits, mode_bits};
use crate::lock::{Class, ID_SHIFT, LockHeader, MAX_ID, OwnerId, Site};
use crate::mem::{SysVec, leak};
use crate::mode::{Mode, Want};
use crate::os::{Os, System};
use crate::parked::Parked;
use crate::primitive::{AtomicU32, AtomicU64, Ordering};
use crate::recent::Recent;
use crate::tls;
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
/// Somebody may join this thread and wants to know what it has asked for: see `recent`.
pub(crate) const FOLLOWED: u32 = 32;
/// A thread of the recorder's own.
pub(crate) const SERVES: u32 = 64;
/// Some of its requests are to be paused: see `steer`.
pub(crate) const STEERED: u32 = 128;
/// What was news before is to be looked at again.
pub(crate) const LOOK_AGAIN: u32 = 256;

/// Set and unset by other threads too.
const FOREIGN: u32 = RELEASED_ELSEWHERE | LOOK_AGAIN;
/// Bits of a token that name the place of a hold.
const PLACE_BITS: u32 = 24;

/// See the module. No two share a line of the processor's cache, nor the one fetched with it.
#[repr(C, align(128))]
pub(crate) struct OwnerBlock {
    pub(crate) held: HeldSet,
    cache: UnsafeCell<Cache>,
    /// What a token of this owner has above the place: `index << 40 | generation << 24`.
    stamp: Cell<u64>,
    /// What the word of an exclusive hold of this owner has beneath the id.
    exclusive_bits: Cell<u64>,
    /// Place in the table, from 1; fits the owner bits of a lock header.
    index: u64,
    flags: AtomicU32,
    generation: AtomicU32,
    id: AtomicU32,
    /// What was asked for, for whoever joins this thread.
    pub(crate) recent: Recent,
    /// What is waited for.
    pub(crate) parked: Parked,
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
    /// The number in its `ThreadId`; 0 where that was not asked for.
    thread: AtomicU64,
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
#[inline]
pub(crate) fn current() -> Option<&'static OwnerBlock> {
    CURRENT.get()
}

/// The block of the running thread where no flag is set but foreign ones: then a hold may be made
/// or ended right away. What is requested by a [`FOLLOWED`] owner, see [`followed`], must be noted
/// besides. Where there is no such block it is [`NOBODY`], so that nothing need be asked: the short
/// ways of its held set are closed.
#[inline(always)]
pub(crate) fn usual() -> &'static OwnerBlock {
    // SAFETY: the word is `NOBODY` from the start, and `show` sets it to a block, which is never
    // freed.
    unsafe { &*tls::get(tls::Word::First).cast::<OwnerBlock>() }
}

/// As [`usual`], of an owner that is [`FOLLOWED`].
#[inline(always)]
pub(crate) fn followed() -> &'static OwnerBlock {
    // SAFETY: as in `usual`.
    unsafe { &*tls::get(tls::Word::Second).cast::<OwnerBlock>() }
}

/// See [`usual`]. Nothing in it is ever written.
#[cfg(not(lockgraph_loom))]
pub(crate) static NOBODY: OwnerBlock = OwnerBlock {
    held: HeldSet::closed(),
    cache: UnsafeCell::new(Cache::new()),
    stamp: Cell::new(0),
    exclusive_bits: Cell::new(0),
    index: 0,
    flags: AtomicU32::new(ENDED),
    generation: AtomicU32::new(0),
    id: AtomicU32::new(0),
    recent: Recent::new(),
    parked: Parked::new(),
    scope: Cell::new(0),
    segment: Cell::new(0),
    birth: Cell::new(0),
    record: Cell::new(0),
    ids: Cell::new((0, 0)),
    hint: Cell::new(None),
    thread: AtomicU64::new(0),
};

/// Loom's atomics are not `const`; its tests have blocks that no thread finds.
#[cfg(lockgraph_loom)]
pub(crate) static NOBODY: () = ();

const NOBODY_HERE: *const () = (&raw const NOBODY).cast();

/// The block of the running thread, made where there is none. `None` where no more
/// blocks can be had. `thread_ends` is called when the thread ends.
#[cold]
pub(crate) fn enter(thread_ends: fn()) -> Option<&'static OwnerBlock> {
    if let Some(block) = CURRENT.get() {
        return Some(block);
    }
    let block = take()?;
    CURRENT.set(Some(block));
    block.show();
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

/// A number for an owner that has no block.
pub(crate) fn stranger() -> OwnerId {
    let mut table = table();
    let id = table.next_owner;
    // At the end of all numbers strangers share the last one.
    table.next_owner = id.saturating_add(1);
    OwnerId(id)
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

#[inline(always)]
fn chain_key(chain: u64, head: u64, want: Want) -> u64 {
    chain.wrapping_add(head | want as u64)
}

impl OwnerBlock {
    pub(crate) fn new(index: u32, id: u32) -> Self {
        let block = OwnerBlock {
            held: HeldSet::new(),
            cache: UnsafeCell::new(Cache::new()),
            stamp: Cell::new(0),
            exclusive_bits: Cell::new(0),
            index: u64::from(index),
            flags: AtomicU32::new(0),
            generation: AtomicU32::new(0),
            id: AtomicU32::new(id),
            recent: Recent::new(),
            parked: Parked::new(),
            scope: Cell::new(0),
            segment: Cell::new(0),
            birth: Cell::new(0),
            record: Cell::new(0),
            ids: Cell::new((0, 0)),
            hint: Cell::new(None),
            thread: AtomicU64::new(0),
        };
        block.set_generation(1);
        block.set_segment(0);
        block
    }

    fn set_generation(&self, generation: u16) {
        self.generation.store(u32::from(generation), Ordering::Relaxed);
        self.exclusive_bits.set(generation_bits(generation) | mode_bits(Mode::Exclusive));
        self.stamp.set(self.index << 40 | u64::from(generation) << PLACE_BITS);
    }

    /// Makes the block of an ended owner that of `id`. The caller has taken it off the free list.
    fn renew(&self, id: u32) {
        // 16 bits of it stand in every token and every held-set word.
        self.set_generation(self.generation().wrapping_add(1));
        self.id.store(id, Ordering::Relaxed);
        self.thread.store(0, Ordering::Relaxed);
        self.held.reset();
        self.recent.clear();
        self.scope.set(0);
        self.birth.set(0);
        self.record.set(0);
        self.hint.set(None);
        self.set_segment(0);
        self.flags.store(0, Ordering::Release);
    }

    #[inline(always)]
    pub(crate) fn flags(&self) -> u32 {
        self.flags.load(Ordering::Relaxed)
    }

    /// Only the owner sets flags that are not foreign.
    pub(crate) fn set(&self, flag: u32) {
        self.flags.fetch_or(flag, Ordering::AcqRel);
        if flag & FOREIGN == 0 {
            self.show();
        }
    }

    pub(crate) fn unset(&self, flag: u32) {
        self.flags.fetch_and(!flag, Ordering::AcqRel);
        if flag & FOREIGN == 0 {
            self.show();
        }
    }

    /// Lets the hot path find the block, or not, as the flags are. Owner only.
    fn show(&self) {
        if !CURRENT.get().is_some_and(|current| std::ptr::eq(current, self)) {
            return;
        }
        let this = std::ptr::from_ref(self).cast();
        let (usual, followed) = match self.flags() & !FOREIGN {
            0 => (this, NOBODY_HERE),
            FOLLOWED => (NOBODY_HERE, this),
            _ => (NOBODY_HERE, NOBODY_HERE),
        };
        tls::set(tls::Word::First, usual);
        tls::set(tls::Word::Second, followed);
    }

    /// Ends a hold on a thread that is not this owner; `None` where it has ended already.
    pub(crate) fn release_elsewhere(&self, slot: u32, id: u64, generation: u16) -> Option<Mode> {
        let mode = self.held.clear(slot, id, generation)?;
        self.set(RELEASED_ELSEWHERE);
        Some(mode)
    }

    /// Takes note of what other threads have ended or declared. Owner only.
    #[inline]
    pub(crate) fn settle_books(&self) {
        if self.flags() & RELEASED_ELSEWHERE != 0 {
            // Cleared first: a release that comes after it is seen next time.
            self.unset(RELEASED_ELSEWHERE);
            self.held.resync();
        }
        if self.flags() & LOOK_AGAIN != 0 {
            self.unset(LOOK_AGAIN);
            self.with_cache(Cache::clear);
        }
    }

    #[inline(always)]
    pub(crate) fn index(&self) -> u32 {
        self.index as u32
    }

    /// The hold of a lock that is held now, in the slot at hand; returns its token.
    #[inline(always)]
    pub(crate) fn hold_near(
        &self,
        top: NearTop,
        lock: &LockHeader,
        head: u64,
        mode: Mode,
        site: Site,
    ) -> u64 {
        // Nothing but one load is left of the last term where the mode is known to be exclusive.
        let differs = mode_bits(mode) ^ mode_bits(Mode::Exclusive);
        let word = head | self.exclusive_bits.get() ^ differs;
        let place = self.held.push_near(top, word, lock.settled(), site);
        self.own(lock, head, mode, place)
    }

    /// The hold of a lock that is held now; returns its token. `None` where there is no room.
    pub(crate) fn hold(
        &self,
        lock: &LockHeader,
        id: u64,
        mode: Mode,
        class: &'static Class,
        site: Site,
    ) -> Option<u64> {
        let place = self.held.push(id, mode, self.generation(), class, site)?;
        Some(self.own(lock, id << ID_SHIFT, mode, u64::from(place)))
    }

    #[inline(always)]
    fn own(&self, lock: &LockHeader, head: u64, mode: Mode, place: u64) -> u64 {
        if mode.is_owned() {
            lock.set_owner_at(head, self.index);
        }
        self.stamp.get() | place
    }

    /// Ends the hold of `token` where it is this owner's newest, of this lock, in an inline slot.
    #[inline(always)]
    pub(crate) fn release_near(&self, lock: &LockHeader, token: u64) -> bool {
        let head = lock.head();
        // Another owner's token has other high bits: the difference is no place.
        match self.held.remove_near(token.wrapping_sub(self.stamp.get()), head) {
            Some(true) => lock.set_owner_at(head, 0),
            Some(false) => {}
            None => return false,
        }
        true
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
        self.with_cache(Cache::age);
        let both = u64::from(self.scope.get()) << 32 | u64::from(segment);
        self.held.set_context(fold(both, 0x5851_F42D_4C95_7F2D));
    }

    /// Enters a scope: earlier chain keys no longer match.
    pub(crate) fn set_scope(&self, scope: u32) {
        self.scope.set(scope);
        self.set_segment(self.segment.get());
    }

    /// The chain key of a request with what is held now. (One in 2^64 is 0, which always hits: as
    /// likely as two keys that are equal by chance.)
    pub(crate) fn chain_key(&self, head: u64, want: Want) -> u64 {
        chain_key(self.held.chain(), head, want)
    }

    /// Whether this request had nothing new to tell.
    pub(crate) fn knows(&self, head: u64, want: Want) -> bool {
        let key = self.chain_key(head, want);
        self.with_cache(|cache| cache.find(key))
    }

    /// As [`OwnerBlock::knows`], without a call; false where it takes a longer look.
    #[inline(always)]
    pub(crate) fn knows_near(&self, top: NearTop, head: u64, want: Want) -> bool {
        let key = chain_key(self.held.near_chain(top), head, want);
        self.with_cache(|cache| cache.hit(key))
    }

    /// Runs `f` on the cache. Only the owner calls this, and `f` never comes back here.
    #[inline(always)]
    pub(crate) fn with_cache<R>(&self, f: impl FnOnce(&mut Cache) -> R) -> R {
        // SAFETY: only the thread that runs as this owner gets here, and `f` (a probe, an
        // insertion, a clear) calls nothing that could get here again: the cache allocates from
        // the system allocator alone.
        f(unsafe { &mut *self.cache.get() })
    }

    /// As [`OwnerBlock::fresh_id`], where the block has one left.
    #[inline]
    pub(crate) fn id_in_stock(&self) -> Option<u64> {
        let (next, end) = self.ids.get();
        (next < end).then(|| {
            self.ids.set((next + 1, end));
            next
        })
    }

    /// A lock id that was never given out before; `None` when all 2^40 are used up.
    pub(crate) fn fresh_id(&self) -> Option<u64> {
        if let Some(id) = self.id_in_stock() {
            return Some(id);
        }
        let mut table = table();
        let next = table.next_id;
        if next + ID_STOCK > MAX_ID {
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
        tls::set(tls::Word::First, NOBODY_HERE);
        tls::set(tls::Word::Second, NOBODY_HERE);
        self.held.reset();
        self.with_cache(Cache::end);
        let mut table = table();
        self.flags.store(ENDED, Ordering::Release);
        table.free.push(self);
    }
}

#[cfg(all(test, lockgraph_loom))]
mod loom_tests;
