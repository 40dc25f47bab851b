//! The reentrant mutex.
//!
//! `lock_api` keeps the count, so the recorder sees one hold from the first lock to the last
//! unlock: a lock taken again can never block. The raw lock is reached through a closure that
//! loses the caller, hence the hints.

use super::relock;
use crate::raw::{LockPolicy, Tracked, cast};
use lock_api::{GetThreadId, RawMutex, RawMutexFair, RawMutexTimed};
use lockgraph_core::door;
use lockgraph_core::lock::{Label, LockHeader};
use lockgraph_core::mode::Policy;
use std::any::type_name;
use std::fmt;
use std::mem;
use std::ops::Deref;
use std::panic::Location;

/// A mutex that its owner may lock again; [`lock_api::ReentrantMutex`] on a tracked raw lock.
///
/// # Cost
/// 24 bytes more than untracked: the guard state is kept in the lock.
#[repr(transparent)]
pub struct ReentrantMutex<R: RawMutex, G, P: LockPolicy, T: ?Sized>(
    lock_api::ReentrantMutex<Tracked<R, P>, G, T>,
);

impl<R: RawMutex, G: GetThreadId, P: LockPolicy, T> ReentrantMutex<R, G, P, T> {
    /// An unlocked mutex. The caller's line is the lock's creation site.
    #[inline]
    #[track_caller]
    pub const fn new(val: T) -> Self {
        Self::from_raw(Tracked::at(Location::caller(), R::INIT), G::INIT, val)
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn __label(self, label: &'static Label) -> Self {
        // SAFETY: as for `Mutex`.
        let val = unsafe { self.0.data_ptr().read() };
        mem::forget(self);
        Self::from_raw(Tracked::labelled(label, R::INIT), G::INIT, val)
    }

    /// The data.
    #[inline]
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<R: RawMutex, G, P: LockPolicy, T> ReentrantMutex<R, G, P, T> {
    /// A mutex of an existing raw lock, with its creation site, and thread identification.
    #[inline]
    pub const fn from_raw(raw_mutex: Tracked<R, P>, get_thread_id: G, val: T) -> Self {
        ReentrantMutex(lock_api::ReentrantMutex::from_raw(raw_mutex, get_thread_id, val))
    }

    /// The raw lock, the thread identification and the data.
    #[inline]
    pub fn into_inner_with_raw(self) -> (Tracked<R, P>, G, T) {
        self.0.into_inner_with_raw()
    }
}

impl<R: RawMutex, G: GetThreadId, P: LockPolicy, T: ?Sized> ReentrantMutex<R, G, P, T> {
    /// The base, about to be locked.
    #[inline]
    pub(super) fn base(&self) -> &lock_api::ReentrantMutex<Tracked<R, P>, G, T> {
        let header = cast::remutex_header(&self.0);
        if header.is_unborn() {
            door::adopt(header, P::POLICY, type_name::<T>());
        }
        &self.0
    }

    /// A guard for a mutex that is locked already.
    ///
    /// # Safety
    /// The thread holds the lock once more than there are guards for it, and references to the
    /// data that exist stay valid.
    #[inline]
    pub unsafe fn make_guard_unchecked(&self) -> ReentrantMutexGuard<'_, R, G, P, T> {
        // SAFETY: the contract is the same.
        ReentrantMutexGuard(unsafe { self.0.make_guard_unchecked() })
    }

    /// Locks, once more where the thread holds the lock already, and parks the thread until it is
    /// possible.
    ///
    /// # Panics
    /// Where the count overflows; where the lock order report is set to `deny`.
    #[inline]
    #[track_caller]
    pub fn lock(&self) -> ReentrantMutexGuard<'_, R, G, P, T> {
        let base = self.base();
        let _hint = door::at(Location::caller(), false);
        ReentrantMutexGuard(base.lock())
    }

    /// Locks if that is possible at once.
    ///
    /// # Panics
    /// Where the count overflows.
    #[inline]
    #[track_caller]
    pub fn try_lock(&self) -> Option<ReentrantMutexGuard<'_, R, G, P, T>> {
        let base = self.base();
        let _hint = door::at(Location::caller(), false);
        base.try_lock().map(ReentrantMutexGuard)
    }

    /// The data; no locking, as `&mut` proves that nobody else has the mutex.
    #[inline]
    pub const fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }

    /// Whether the mutex is locked at this moment.
    #[inline]
    #[track_caller]
    pub fn is_locked(&self) -> bool {
        self.0.is_locked()
    }

    /// Whether this thread holds the mutex.
    #[inline]
    #[track_caller]
    pub fn is_owned_by_current_thread(&self) -> bool {
        self.0.is_owned_by_current_thread()
    }

    /// Unlocks once without a guard.
    ///
    /// # Safety
    /// The thread has forgotten a guard of this mutex, and no reference to the data that it stood
    /// for is used any more.
    #[inline]
    #[track_caller]
    pub unsafe fn force_unlock(&self) {
        // SAFETY: the contract is the same.
        unsafe { self.0.force_unlock() };
    }

    /// The raw lock.
    ///
    /// # Safety
    /// What is done with it leaves every guard, and every reference to the data, valid.
    #[inline]
    pub unsafe fn raw(&self) -> &Tracked<R, P> {
        // SAFETY: the contract is the same.
        unsafe { self.0.raw() }
    }

    /// A pointer to the data. Not null, aligned; whoever uses it must synchronise.
    #[inline]
    pub const fn data_ptr(&self) -> *mut T {
        self.0.data_ptr()
    }
}

impl<R: RawMutexFair, G: GetThreadId, P: LockPolicy, T: ?Sized> ReentrantMutex<R, G, P, T> {
    /// As [`force_unlock`](Self::force_unlock), handing the lock to a waiting thread where there
    /// is one.
    ///
    /// # Safety
    /// As [`force_unlock`](Self::force_unlock).
    #[inline]
    #[track_caller]
    pub unsafe fn force_unlock_fair(&self) {
        // SAFETY: the contract is the same.
        unsafe { self.0.force_unlock_fair() };
    }
}

impl<R: RawMutexTimed, G: GetThreadId, P: LockPolicy, T: ?Sized> ReentrantMutex<R, G, P, T> {
    /// Locks if that is possible within `timeout`.
    ///
    /// # Panics
    /// Where the count overflows.
    #[inline]
    #[track_caller]
    pub fn try_lock_for(
        &self,
        timeout: R::Duration,
    ) -> Option<ReentrantMutexGuard<'_, R, G, P, T>> {
        let base = self.base();
        let _hint = door::at(Location::caller(), false);
        base.try_lock_for(timeout).map(ReentrantMutexGuard)
    }

    /// Locks if that is possible before `timeout`.
    ///
    /// # Panics
    /// Where the count overflows.
    #[inline]
    #[track_caller]
    pub fn try_lock_until(
        &self,
        timeout: R::Instant,
    ) -> Option<ReentrantMutexGuard<'_, R, G, P, T>> {
        let base = self.base();
        let _hint = door::at(Location::caller(), false);
        base.try_lock_until(timeout).map(ReentrantMutexGuard)
    }
}

impl<R: RawMutex, G: GetThreadId, P: LockPolicy, T: Default> Default
    for ReentrantMutex<R, G, P, T>
{
    #[inline]
    #[track_caller]
    fn default() -> Self {
        let raw = Tracked::by_default(Location::caller(), R::INIT);
        Self::from_raw(raw, G::INIT, T::default())
    }
}

impl<R: RawMutex, G: GetThreadId, P: LockPolicy, T> From<T> for ReentrantMutex<R, G, P, T> {
    #[inline]
    #[track_caller]
    fn from(val: T) -> Self {
        ReentrantMutex::new(val)
    }
}

impl<R: RawMutex, G: GetThreadId, P: LockPolicy, T: ?Sized + fmt::Debug> fmt::Debug
    for ReentrantMutex<R, G, P, T>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.base().fmt(f)
    }
}

impl<R: RawMutex, G: GetThreadId, P: LockPolicy, T: ?Sized> crate::Named
    for ReentrantMutex<R, G, P, T>
{
    fn tracked(&self) -> Option<(&LockHeader, &'static Policy)> {
        Some((cast::remutex_header(self.base()), P::POLICY))
    }
}

/// One lock of a [`ReentrantMutex`]; unlocks once when dropped.
#[repr(transparent)]
#[clippy::has_significant_drop]
#[must_use = "if unused the ReentrantMutex will immediately unlock"]
pub struct ReentrantMutexGuard<'a, R: RawMutex, G: GetThreadId, P: LockPolicy, T: ?Sized>(
    lock_api::ReentrantMutexGuard<'a, Tracked<R, P>, G, T>,
);

/// One lock of a [`ReentrantMutex`], for a component of the data.
pub type MappedReentrantMutexGuard<'a, R, G, P, T> =
    lock_api::MappedReentrantMutexGuard<'a, Tracked<R, P>, G, T>;

impl<'a, R: RawMutex, G: GetThreadId, P: LockPolicy, T: ?Sized>
    ReentrantMutexGuard<'a, R, G, P, T>
{
    /// The mutex of this guard.
    pub fn remutex(s: &Self) -> &'a ReentrantMutex<R, G, P, T> {
        cast::ours(lock_api::ReentrantMutexGuard::remutex(&s.0))
    }

    guard_map!(ReentrantMutexGuard => MappedReentrantMutexGuard<'a, R, G, P, U>);
    guard_unlocked!(ReentrantMutexGuard);
}

impl<R: RawMutexFair, G: GetThreadId, P: LockPolicy, T: ?Sized>
    ReentrantMutexGuard<'_, R, G, P, T>
{
    guard_fair!(ReentrantMutexGuard);
}

guard_data!(
    ['a, R: RawMutex, G: GetThreadId, P: LockPolicy, T: ?Sized] ReentrantMutexGuard<'a, R, G, P, T>
);
