//! What a lock object carries: its id, its owner word, and where it comes from.
//!
//! A [`LockHeader`] is 16 bytes: one word `id << 24 | owner`, and one pointer that names the
//! creation site until the lock is *born* (first used while tracked) and its interned [`Class`]
//! from then on; the lowest bit tells which. Ids are never reused: 2^40 of them are handed out
//! in blocks to owners.
//!
//! This file holds unsafe code: the pointer has two meanings.

use crate::mode::Policy;
use crate::primitive::{AtomicPtr, AtomicU64, Ordering, overwrite};
use std::fmt;
use std::panic::Location;

/// A place in the source.
pub type Site = &'static Location<'static>;

/// The identity of a lock instance, unique in its process. 0 is "not born".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct LockId(pub u64);

/// An owner: a thread (later also a task). Never reused; 0 is "any owner".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct OwnerId(pub u32);

/// Bits of an id.
pub(crate) const ID_BITS: u32 = 40;
/// The highest id.
pub(crate) const MAX_ID: u64 = (1 << ID_BITS) - 1;
/// How far the id is shifted in a header word, and in a held-set word.
pub(crate) const ID_SHIFT: u32 = 64 - ID_BITS;
/// The id of a header word at its place: what a *head* keeps of it.
const HEAD: u64 = !0 << ID_SHIFT;

/// What locks made at one place have in common. Interned, never freed.
#[derive(Debug)]
pub struct Class {
    /// Counts from 1 in the order of interning.
    pub id: u32,
    /// The name given by the program, which then *is* the class.
    pub name: Option<&'static str>,
    /// The kind of lock.
    pub policy: &'static Policy,
    /// The creation site; `None` where the constructor does not know its caller.
    pub created_at: Option<Site>,
    /// The protected type, as `std::any::type_name` gives it; `None` through raw locks.
    pub type_name: Option<&'static str>,
}

impl Class {
    /// True where nothing but the instance tells its locks apart: no name and no known site.
    pub fn is_per_instance(&self) -> bool {
        self.name.is_none() && self.created_at.is_none()
    }
}

/// Where a lock comes from, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    /// Not born yet: the creation site.
    Site(Option<Site>),
    /// Born, or named before its birth.
    Class(&'static Class),
}

/// The part of a tracked lock that the recorder owns.
///
/// Cost: 16 bytes; creation is two stores. A header that is never used while the recorder is on
/// never gets an id.
pub struct LockHeader {
    origin: AtomicPtr<()>,
    word: AtomicU64,
}

impl LockHeader {
    /// A header for a lock created at `site`, or at a place unknown.
    #[cfg(not(lockgraph_loom))]
    pub const fn new(site: Option<Site>) -> Self {
        LockHeader { origin: AtomicPtr::new(Self::pointer(site)), word: AtomicU64::new(0) }
    }

    /// A header for a lock created at `site` (loom's atomics are not `const`).
    #[cfg(lockgraph_loom)]
    pub fn new(site: Option<Site>) -> Self {
        LockHeader { origin: AtomicPtr::new(Self::pointer(site)), word: AtomicU64::new(0) }
    }

    const fn pointer(site: Option<Site>) -> *mut () {
        match site {
            Some(site) => std::ptr::from_ref(site).cast_mut().cast(),
            None => std::ptr::null_mut(),
        }
    }

    /// True until the first tracked use. Who reads false finds a class too.
    #[inline(always)]
    pub fn is_unborn(&self) -> bool {
        // Acquire pairs with the releases in `bear`, `set_owner` and `reborn`: the class was
        // settled before.
        self.word.load(Ordering::Acquire) == 0
    }

    /// The id, `LockId(0)` while unborn.
    #[inline(always)]
    pub fn id(&self) -> LockId {
        LockId(self.word.load(Ordering::Relaxed) >> ID_SHIFT)
    }

    /// The id at its place in the word, 0 while unborn. Who reads another value finds a class too.
    #[inline(always)]
    pub(crate) fn head(&self) -> u64 {
        self.word.load(Ordering::Acquire) & HEAD
    }

    /// The block index that `set_owner` has published last.
    pub(crate) fn owner(&self) -> u32 {
        (self.word.load(Ordering::Relaxed) & !HEAD) as u32
    }

    /// Publishes who holds the lock exclusively or upgradably (`owner` is a block index, 0 is
    /// nobody). Only the holder itself stores here, so that no other store is lost.
    #[inline(always)]
    pub(crate) fn set_owner(&self, id: u64, owner: u32) {
        self.set_owner_at(id << ID_SHIFT, u64::from(owner));
    }

    /// As [`set_owner`](Self::set_owner), of a [`head`](Self::head).
    #[inline(always)]
    pub(crate) fn set_owner_at(&self, head: u64, owner: u64) {
        // Release: a thread may learn from this very store that the lock is born.
        self.word.store(head | owner, Ordering::Release);
    }

    /// What [`class_in`](Self::class_in) reads the class from; only of a lock that is born.
    #[inline(always)]
    pub(crate) fn settled(&self) -> *mut () {
        self.origin.load(Ordering::Acquire)
    }

    /// The class in a value of [`settled`](Self::settled).
    ///
    /// # Safety
    /// It is one, of a lock that was born then.
    #[inline(always)]
    pub(crate) unsafe fn class_in(settled: *mut ()) -> &'static Class {
        // SAFETY: a born lock has a class, put there by `settle` or `rename` and never freed.
        unsafe { &*settled.map_addr(|addr| addr & !1).cast_const().cast::<Class>() }
    }

    /// The site or the class.
    #[inline]
    pub(crate) fn origin(&self) -> Origin {
        // Acquire pairs with the release in `settle`: the class is initialised.
        let pointer = self.origin.load(Ordering::Acquire);
        if pointer.addr() & 1 == 1 {
            let class = pointer.map_addr(|addr| addr & !1).cast_const().cast::<Class>();
            // SAFETY: a set lowest bit is put there by `settle` and `rename` alone, on a pointer
            // to an interned `Class` that is never freed; a `Class` is more than 1-aligned.
            Origin::Class(unsafe { &*class })
        } else {
            let site = pointer.cast_const().cast::<Location<'static>>();
            // SAFETY: a clear lowest bit means that `new` put a `&'static Location` or null here.
            Origin::Site(unsafe { site.as_ref() })
        }
    }

    /// Sets the class where there is none yet; gives the class that stands. Any number of threads
    /// may race here: the first one wins.
    pub(crate) fn settle(
        &self,
        class_of: impl FnOnce(Option<Site>) -> &'static Class,
    ) -> &'static Class {
        let site = match self.origin() {
            Origin::Class(class) => return class,
            Origin::Site(site) => site,
        };
        let class = class_of(site);
        let tagged = Self::tagged(class);
        let before = Self::pointer(site);
        match self.origin.compare_exchange(before, tagged, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => class,
            Err(_) => match self.origin() {
                Origin::Class(class) => class,
                Origin::Site(_) => class,
            },
        }
    }

    /// Replaces the class: from now on `class` (a named one) is where the lock belongs.
    pub(crate) fn rename(&self, class: &'static Class) {
        overwrite!(self.origin, Self::tagged(class), Ordering::Release);
    }

    pub(crate) fn tagged(class: &'static Class) -> *mut () {
        std::ptr::from_ref(class).cast_mut().cast::<()>().map_addr(|addr| addr | 1)
    }

    /// Gives a lock whose class is settled its id, and returns the id that stands: another thread
    /// may have been first.
    pub(crate) fn bear(&self, id: u64) -> u64 {
        let word = id << ID_SHIFT;
        match self.word.compare_exchange(0, word, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => id,
            Err(word) => word >> ID_SHIFT,
        }
    }

    /// Gives the lock a new id: it has nothing to do with its past any more.
    pub(crate) fn reborn(&self, id: u64) {
        self.word.store(id << ID_SHIFT, Ordering::Release);
    }
}

impl fmt::Debug for LockHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockHeader").field("id", &self.id()).finish_non_exhaustive()
    }
}

#[cfg(all(test, lockgraph_loom))]
mod loom_tests;
