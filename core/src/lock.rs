//! What a lock object carries: its id, its owner word, and where it comes from.
//!
//! A [`LockHeader`] is 16 bytes: one word `id | owner << 40`, and one pointer that names the
//! creation site until the lock is *born* (first used while tracked) and its interned [`Class`]
//! from then on. Ids are never reused: 2^40 of them are handed out in blocks to owners.
//!
//! This file holds unsafe code: the pointer has two meanings.

use crate::mode::Policy;
use crate::owner::OwnerId;
use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// A place in the source.
pub type Site = &'static Location<'static>;

/// The identity of a lock instance, unique in its process. 0 is "not born".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct LockId(pub u64);

/// Bits of the header word that hold the id.
pub(crate) const ID_BITS: u32 = 40;
const ID_MASK: u64 = (1 << ID_BITS) - 1;

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
    pub const fn new(site: Option<Site>) -> Self {
        let origin = match site {
            Some(site) => std::ptr::from_ref(site).cast_mut().cast(),
            None => std::ptr::null_mut(),
        };
        LockHeader { origin: AtomicPtr::new(origin), word: AtomicU64::new(0) }
    }

    /// True until the first tracked use.
    #[inline(always)]
    pub fn is_unborn(&self) -> bool {
        self.word.load(Ordering::Relaxed) == 0
    }

    /// The id, `LockId(0)` while unborn.
    #[inline(always)]
    pub fn id(&self) -> LockId {
        LockId(self.word.load(Ordering::Relaxed) & ID_MASK)
    }

    /// The owner of the exclusive or upgradable hold, as last published.
    #[inline(always)]
    pub(crate) fn owner(&self) -> OwnerId {
        OwnerId((self.word.load(Ordering::Relaxed) >> ID_BITS) as u32)
    }

    /// Publishes the exclusive or upgradable holder. Only the holder itself calls this, so no
    /// other store can be lost.
    #[inline(always)]
    pub(crate) fn set_owner(&self, id: LockId, owner: OwnerId) {
        self.word.store(id.0 | u64::from(owner.0) << ID_BITS, Ordering::Relaxed);
    }

    /// The class of a born lock; `None` while unborn.
    pub(crate) fn class(&self) -> Option<&'static Class> {
        // Acquire pairs with the release in `bear`: the id is published after the class.
        if self.word.load(Ordering::Acquire) == 0 {
            return None;
        }
        let class = self.origin.load(Ordering::Relaxed).cast_const().cast::<Class>();
        // SAFETY: the word is not 0, so `bear` has put an interned `&'static Class` here before.
        Some(unsafe { &*class })
    }

    /// The creation site of an unborn lock.
    fn unborn_site(&self) -> Option<Site> {
        let site = self.origin.load(Ordering::Relaxed).cast_const().cast::<Location<'static>>();
        // SAFETY: called before `bear` has replaced the pointer, under its lock; `new` put a
        // `&'static Location` or null here.
        unsafe { site.as_ref() }
    }

    /// Gives the lock its class and id, once. `class_of` gets the creation site. The caller holds
    /// the one lock that serialises births.
    pub(crate) fn bear(&self, id: LockId, class_of: impl FnOnce(Option<Site>) -> &'static Class) {
        if self.word.load(Ordering::Acquire) != 0 {
            return;
        }
        let class = class_of(self.unborn_site());
        self.origin.store(std::ptr::from_ref(class).cast_mut().cast(), Ordering::Relaxed);
        self.word.store(id.0, Ordering::Release);
    }
}

impl fmt::Debug for LockHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockHeader").field("id", &self.id()).finish_non_exhaustive()
    }
}
