//! What a lock object carries: its id, its owner word, and where it comes from.
//!
//! A [`LockHeader`] is 16 bytes: one word `id << 24 | owner`, and one pointer that names the
//! creation site, or a static [`Label`], until the lock is *born* (first used while tracked) and
//! its interned [`Class`] from then on; the two lowest bits tell which. Ids are never reused: 2^40
//! of them are handed out in blocks to owners.
//!
//! This file holds unsafe code: the pointer has several meanings.

use crate::mode::Policy;
use crate::primitive::{AtomicPtr, AtomicU64, Ordering, overwrite};
use crate::rule::Order;
use crate::tally::Tally;
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
    /// Which of the declared levels of the name or site this is; 0 is the outermost.
    pub level: u8,
    /// Locks of this class that nest are taken in the order of a key.
    pub keyed: bool,
    /// Made by `Default`: several fields of one `derive(Default)` have the same site and type.
    pub defaulted: bool,
    /// Where the lock was locked first, of one that has no room for its creation site.
    pub first_locked_at: Option<Site>,
    pub(crate) tally: Tally,
    /// Where it stands among all classes, for who takes several locks at once; 0 before that.
    pub(crate) place: std::sync::atomic::AtomicU64,
}

/// Class numbers of locks that have a class of their own lie above this.
const PER_INSTANCE: u64 = 1 << (ID_BITS + 1);

impl Class {
    /// A class of which nothing is known but its kind.
    pub(crate) const fn plain(id: u32, policy: &'static Policy) -> Class {
        Class {
            id,
            name: None,
            policy,
            created_at: None,
            type_name: None,
            level: 0,
            keyed: false,
            defaulted: false,
            first_locked_at: None,
            tally: Tally::new(),
            place: std::sync::atomic::AtomicU64::new(0),
        }
    }

    /// True where nothing but the instance tells its locks apart: no name, and no site or one that
    /// several fields of a struct may share.
    pub fn is_per_instance(&self) -> bool {
        self.name.is_none() && (self.created_at.is_none() || self.defaulted)
    }

    /// Whether a lock of the one may be, in another run, a lock of the other.
    pub(crate) fn may_be(&self, other: &Class) -> bool {
        let made = |class: &Class| (class.created_at, class.type_name, class.policy.kind);
        let alike = self.is_per_instance() && other.is_per_instance() && made(self) == made(other);
        alike || self.id == other.id
    }

    /// The number of the class that `lock`, one of this class's, has in journals: one of its own
    /// where classes are per instance.
    pub fn number(&self, lock: LockId) -> u64 {
        if self.is_per_instance() { PER_INSTANCE + lock.0 } else { u64::from(self.id) }
    }
}

/// What a lock in a static says of itself, before there is anything to run: the macros `named!`,
/// `ranked!` and `nested!` of `lockgraph` make one.
#[derive(Debug)]
pub struct Label {
    pub(crate) name: Option<&'static str>,
    pub(crate) level: u8,
    pub(crate) created_at: Site,
    pub(crate) order: Option<&'static Order>,
}

impl Label {
    /// The label of locks called `name`, created where this is called.
    #[track_caller]
    pub const fn named(name: &'static str) -> Label {
        Label { name: Some(name), level: 0, created_at: Location::caller(), order: None }
    }

    /// The label of a lock without a name, created where this is called.
    #[track_caller]
    pub const fn unnamed() -> Label {
        Label { name: None, level: 0, created_at: Location::caller(), order: None }
    }

    /// The same, of a name that stands in `order`.
    #[must_use]
    pub const fn in_order(self, order: Option<&'static Order>) -> Label {
        Label { order, ..self }
    }

    /// The same with a level.
    #[must_use]
    pub const fn at_level(self, level: u8) -> Label {
        Label { level, ..self }
    }
}

/// Where a lock comes from, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    /// Not born yet: the creation site.
    Site(Option<Site>),
    /// Not born yet, and made by `Default` at this site.
    Default(Site),
    /// Not born yet: what a static says of it.
    Label(&'static Label),
    /// Born, or named before its birth.
    Class(&'static Class),
}

/// The two lowest bits of the pointer of a header; none set: a site or null.
const TAG: usize = 3;
const CLASS: usize = 1;
const LABEL: usize = 2;
const DEFAULT: usize = 3;

const _: () = assert!(
    align_of::<Class>() > TAG && align_of::<Label>() > TAG && align_of::<Location<'_>>() > TAG
);

const fn tagged<T>(to: &'static T, tag: usize) -> *mut () {
    std::ptr::from_ref(to).cast::<()>().wrapping_byte_add(tag).cast_mut()
}

/// True for a site inside the standard library: there the caller got lost, and two locks "made"
/// at one such place have nothing in common.
pub(crate) fn is_in_std(site: Site) -> bool {
    is_std_file(site.file())
}

fn is_std_file(file: &str) -> bool {
    // With rust's sources installed, std's inline code is found under the toolchain's folder.
    const SOURCES: [&str; 2] = ["/rustlib/src/rust/library/", r"\rustlib\src\rust\library\"];
    file.starts_with("/rustc/") || SOURCES.iter().any(|folder| file.contains(folder))
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
        Self::from(match site {
            Some(site) => tagged(site, 0),
            None => std::ptr::null_mut(),
        })
    }

    /// A header for a lock that `Default` made at `site`, which its neighbours in a struct with a
    /// `derive(Default)` share: its class is its own.
    #[cfg(not(lockgraph_loom))]
    pub const fn by_default(site: Site) -> Self {
        Self::from(tagged(site, DEFAULT))
    }

    /// A header for a lock with a static label.
    #[cfg(not(lockgraph_loom))]
    pub const fn labelled(label: &'static Label) -> Self {
        Self::from(tagged(label, LABEL))
    }

    #[cfg(not(lockgraph_loom))]
    const fn from(origin: *mut ()) -> Self {
        LockHeader { origin: AtomicPtr::new(origin), word: AtomicU64::new(0) }
    }

    /// A header for a lock created at `site` (loom's atomics are not `const`).
    #[cfg(lockgraph_loom)]
    pub fn new(site: Option<Site>) -> Self {
        let origin = site.map_or(std::ptr::null_mut(), |site| tagged(site, 0));
        LockHeader { origin: AtomicPtr::new(origin), word: AtomicU64::new(0) }
    }

    /// True until the first tracked use. Who reads false finds a class too.
    #[cfg_attr(debug_assertions, inline(never))]
    #[cfg_attr(not(debug_assertions), inline(always))]
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
        unsafe { &*settled.map_addr(|addr| addr & !TAG).cast_const().cast::<Class>() }
    }

    /// The site, the label or the class.
    #[inline]
    pub(crate) fn origin(&self) -> Origin {
        // Acquire pairs with the release in `settle`: the class is initialised.
        Self::read(self.origin.load(Ordering::Acquire))
    }

    #[inline(always)]
    fn read(pointer: *mut ()) -> Origin {
        let to = pointer.map_addr(|addr| addr & !TAG).cast_const();
        match pointer.addr() & TAG {
            // SAFETY: this tag is put by `settle` and `rename` alone, on a pointer to an interned
            // `Class`, which is never freed; the assertion above says that tags fit.
            CLASS => Origin::Class(unsafe { &*to.cast::<Class>() }),
            // SAFETY: `labelled` put this tag on a `&'static Label`.
            LABEL => Origin::Label(unsafe { &*to.cast::<Label>() }),
            // SAFETY: `by_default` put this tag on a `&'static Location`.
            DEFAULT => Origin::Default(unsafe { &*to.cast::<Location<'static>>() }),
            // SAFETY: no tag: `new` put a `&'static Location` or null here.
            _ => Origin::Site(unsafe { to.cast::<Location<'static>>().as_ref() }),
        }
    }

    /// Sets the class where there is none yet; gives the class that stands. Any number of threads
    /// may race here: the first one wins.
    pub(crate) fn settle(&self, class_of: impl FnOnce(Origin) -> &'static Class) -> &'static Class {
        let before = self.origin.load(Ordering::Acquire);
        let class = match Self::read(before) {
            Origin::Class(class) => return class,
            origin => class_of(origin),
        };
        let after = tagged(class, CLASS);
        match self.origin.compare_exchange(before, after, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => class,
            Err(now) => match Self::read(now) {
                Origin::Class(class) => class,
                _ => class,
            },
        }
    }

    /// Replaces the class: from now on `class` is where the lock belongs.
    pub(crate) fn rename(&self, class: &'static Class) {
        overwrite!(self.origin, tagged(class, CLASS), Ordering::Release);
    }

    /// What [`settled`](Self::settled) is in a lock of this class.
    pub(crate) fn tagged(class: &'static Class) -> *mut () {
        tagged(class, CLASS)
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

    /// Makes it the header of a lock that is not born, made at a place unknown. The one before is gone.
    pub(crate) fn clear(&self) {
        overwrite!(self.origin, std::ptr::null_mut(), Ordering::Release);
        self.word.store(0, Ordering::Release);
    }

    /// Gives the lock a new id: it has nothing to do with its past any more. Its owner stays.
    pub(crate) fn reborn(&self, id: u64) {
        self.word.store(id << ID_SHIFT | u64::from(self.owner()), Ordering::Release);
    }
}

impl fmt::Debug for LockHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockHeader").field("id", &self.id()).finish_non_exhaustive()
    }
}

#[cfg(all(test, lockgraph_loom))]
mod loom_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_library_is_no_creation_site() {
        assert!(is_std_file("/rustc/0123abcd/library/core/src/ops/function.rs"));
        assert!(is_std_file(r"/rustc/0123abcd\library\core\src\ops\function.rs"));
        assert!(is_std_file(r"C:\rust\lib\rustlib\src\rust\library\core\src\ops\function.rs"));
        assert!(!is_std_file("src/rustc/main.rs"));
        assert!(!is_in_std(Location::caller()));
    }

    #[test]
    #[cfg(not(lockgraph_loom))]
    fn a_header_knows_each_kind_of_origin() {
        static LABEL: Label = Label::named("jobs").at_level(2);
        static LABELLED: LockHeader = LockHeader::labelled(&LABEL);
        let here = Location::caller();
        assert!(matches!(LABELLED.origin(), Origin::Label(l) if std::ptr::eq(l, &LABEL)));
        let is_here = |site: Site| std::ptr::eq(site, here);
        let made = LockHeader::new(Some(here));
        assert!(matches!(made.origin(), Origin::Site(Some(site)) if is_here(site)));
        assert!(matches!(LockHeader::new(None).origin(), Origin::Site(None)));
        let made = LockHeader::by_default(here);
        assert!(matches!(made.origin(), Origin::Default(site) if is_here(site)));
        assert_eq!(size_of::<LockHeader>(), 16);
    }
}
