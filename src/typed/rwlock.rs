//! The reader-writer lock. Its guards are in `rwlock_guard`.

use super::rwlock_guard::{RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard};
use crate::raw::{LockPolicy, Tracked, TrackedGuard, cast};
use lock_api::{RawRwLock, RawRwLockFair, RawRwLockTimed, RawRwLockUpgrade, RawRwLockUpgradeTimed};
use lockgraph_core::door;
use lockgraph_core::lock::{Label, LockHeader};
use lockgraph_core::mode::Policy;
use std::any::type_name;
use std::fmt;
use std::mem;
use std::panic::Location;

/// A reader-writer lock; [`lock_api::RwLock`] on a tracked raw lock.
///
/// # Cost
/// 16 bytes more than untracked.
#[repr(transparent)]
pub struct RwLock<R, P, T: ?Sized>(lock_api::RwLock<Tracked<R, P>, T>);

impl<R: RawRwLock, P: LockPolicy, T> RwLock<R, P, T> {
    /// An unlocked lock. The caller's line is its creation site.
    #[inline]
    #[track_caller]
    pub const fn new(val: T) -> Self {
        RwLock(lock_api::RwLock::from_raw(Tracked::at(Location::caller(), R::INIT), val))
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn __label(self, label: &'static Label) -> Self {
        // SAFETY: the data is moved out of the lock, which is forgotten. `lock_api` lets no `const`
        // code at the raw lock, which is as its constructor made it: there is none in use yet.
        let val = unsafe { self.0.data_ptr().read() };
        mem::forget(self);
        RwLock(lock_api::RwLock::from_raw(Tracked::labelled(label, R::INIT), val))
    }

    /// The data.
    #[inline]
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<R, P, T> RwLock<R, P, T> {
    /// A lock of an existing raw lock, with its creation site.
    #[inline]
    pub const fn from_raw(raw_rwlock: Tracked<R, P>, val: T) -> Self {
        RwLock(lock_api::RwLock::from_raw(raw_rwlock, val))
    }

    /// The raw lock and the data.
    #[inline]
    pub fn into_inner_with_raw(self) -> (Tracked<R, P>, T) {
        self.0.into_inner_with_raw()
    }
}

impl<R: RawRwLock, P: LockPolicy, T: ?Sized> RwLock<R, P, T> {
    /// The base, about to be locked.
    #[inline]
    pub(super) fn base(&self) -> &lock_api::RwLock<Tracked<R, P>, T> {
        let header = cast::rwlock_header(&self.0);
        if header.is_unborn() {
            door::adopt(header, P::POLICY, type_name::<T>());
        }
        &self.0
    }

    /// A guard for a lock that is read-locked already.
    ///
    /// # Safety
    /// The thread holds the lock by the shared acquisition of `guard`, no other guard exists for
    /// it, and references to the data that exist stay valid.
    #[inline]
    pub unsafe fn make_read_guard_unchecked(
        &self,
        guard: TrackedGuard<R::SharedGuard>,
    ) -> RwLockReadGuard<'_, R, P, T> {
        // SAFETY: the contract is the same.
        RwLockReadGuard(unsafe { self.0.make_read_guard_unchecked(guard) })
    }

    /// A guard for a lock that is write-locked already.
    ///
    /// # Safety
    /// The thread holds the lock by the exclusive acquisition of `guard`, no other guard exists
    /// for it, and references to the data that exist stay valid.
    #[inline]
    pub unsafe fn make_write_guard_unchecked(
        &self,
        guard: TrackedGuard<R::ExclusiveGuard>,
    ) -> RwLockWriteGuard<'_, R, P, T> {
        // SAFETY: the contract is the same.
        RwLockWriteGuard(unsafe { self.0.make_write_guard_unchecked(guard) })
    }

    /// Locks together with other readers, and parks the thread until it is possible.
    ///
    /// # Panics
    /// Where the lock order report is set to `deny`; by default when the thread holds this lock
    /// for writing.
    #[inline]
    #[track_caller]
    pub fn read(&self) -> RwLockReadGuard<'_, R, P, T> {
        RwLockReadGuard(self.base().read())
    }

    /// Locks together with other readers if that is possible at once.
    #[inline]
    #[track_caller]
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, R, P, T>> {
        self.base().try_read().map(RwLockReadGuard)
    }

    /// Locks alone, and parks the thread until it is possible.
    ///
    /// # Panics
    /// Where the lock order report is set to `deny`; by default when the thread holds this lock
    /// already.
    #[inline]
    #[track_caller]
    pub fn write(&self) -> RwLockWriteGuard<'_, R, P, T> {
        RwLockWriteGuard(self.base().write())
    }

    /// Locks alone if that is possible at once.
    #[inline]
    #[track_caller]
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, R, P, T>> {
        self.base().try_write().map(RwLockWriteGuard)
    }

    /// The data; no locking, as `&mut` proves that nobody else has the lock.
    #[inline]
    pub const fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }

    /// Whether the lock is locked at this moment, in any way.
    #[inline]
    #[track_caller]
    pub fn is_locked(&self) -> bool {
        self.0.is_locked()
    }

    /// Whether the lock is write-locked at this moment.
    #[inline]
    #[track_caller]
    pub fn is_locked_exclusive(&self) -> bool {
        self.0.is_locked_exclusive()
    }

    /// Ends a read without a guard.
    ///
    /// # Safety
    /// The thread holds the lock by the shared acquisition of `guard`, no guard will unlock it,
    /// and no reference to the data that it stood for is used any more.
    #[inline]
    #[track_caller]
    pub unsafe fn force_unlock_read(&self, guard: TrackedGuard<R::SharedGuard>) {
        // SAFETY: the contract is the same.
        unsafe { self.0.force_unlock_read(guard) };
    }

    /// Ends a write without a guard.
    ///
    /// # Safety
    /// The thread holds the lock by the exclusive acquisition of `guard`, no guard will unlock
    /// it, and no reference to the data is used any more.
    #[inline]
    #[track_caller]
    pub unsafe fn force_unlock_write(&self, guard: TrackedGuard<R::ExclusiveGuard>) {
        // SAFETY: the contract is the same.
        unsafe { self.0.force_unlock_write(guard) };
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

impl<R: RawRwLockFair, P: LockPolicy, T: ?Sized> RwLock<R, P, T> {
    /// As [`force_unlock_read`](Self::force_unlock_read), with waiting threads first.
    ///
    /// # Safety
    /// As [`force_unlock_read`](Self::force_unlock_read).
    #[inline]
    #[track_caller]
    pub unsafe fn force_unlock_read_fair(&self, guard: TrackedGuard<R::SharedGuard>) {
        // SAFETY: the contract is the same.
        unsafe { self.0.force_unlock_read_fair(guard) };
    }

    /// As [`force_unlock_write`](Self::force_unlock_write), with waiting threads first.
    ///
    /// # Safety
    /// As [`force_unlock_write`](Self::force_unlock_write).
    #[inline]
    #[track_caller]
    pub unsafe fn force_unlock_write_fair(&self, guard: TrackedGuard<R::ExclusiveGuard>) {
        // SAFETY: the contract is the same.
        unsafe { self.0.force_unlock_write_fair(guard) };
    }
}

impl<R: RawRwLockTimed, P: LockPolicy, T: ?Sized> RwLock<R, P, T> {
    /// Locks together with other readers if that is possible within `timeout`.
    #[inline]
    #[track_caller]
    pub fn try_read_for(&self, timeout: R::Duration) -> Option<RwLockReadGuard<'_, R, P, T>> {
        self.base().try_read_for(timeout).map(RwLockReadGuard)
    }

    /// Locks together with other readers if that is possible before `timeout`.
    #[inline]
    #[track_caller]
    pub fn try_read_until(&self, timeout: R::Instant) -> Option<RwLockReadGuard<'_, R, P, T>> {
        self.base().try_read_until(timeout).map(RwLockReadGuard)
    }

    /// Locks alone if that is possible within `timeout`.
    #[inline]
    #[track_caller]
    pub fn try_write_for(&self, timeout: R::Duration) -> Option<RwLockWriteGuard<'_, R, P, T>> {
        self.base().try_write_for(timeout).map(RwLockWriteGuard)
    }

    /// Locks alone if that is possible before `timeout`.
    #[inline]
    #[track_caller]
    pub fn try_write_until(&self, timeout: R::Instant) -> Option<RwLockWriteGuard<'_, R, P, T>> {
        self.base().try_write_until(timeout).map(RwLockWriteGuard)
    }
}

impl<R: RawRwLockUpgrade, P: LockPolicy, T: ?Sized> RwLock<R, P, T> {
    /// A guard for a lock that is locked upgradably already.
    ///
    /// # Safety
    /// The thread holds the lock by the upgradable acquisition of `guard`, no other guard exists
    /// for it, and references to the data that exist stay valid.
    #[inline]
    pub unsafe fn make_upgradable_guard_unchecked(
        &self,
        guard: TrackedGuard<R::UpgradableGuard>,
    ) -> RwLockUpgradableReadGuard<'_, R, P, T> {
        // SAFETY: the contract is the same.
        RwLockUpgradableReadGuard(unsafe { self.0.make_upgradable_guard_unchecked(guard) })
    }

    /// Locks together with readers, apart from writers and other upgradable reads, and parks the
    /// thread until it is possible.
    ///
    /// # Panics
    /// Where the lock order report is set to `deny`; by default when the thread holds this lock
    /// for writing, or upgradably.
    #[inline]
    #[track_caller]
    pub fn upgradable_read(&self) -> RwLockUpgradableReadGuard<'_, R, P, T> {
        RwLockUpgradableReadGuard(self.base().upgradable_read())
    }

    /// As [`upgradable_read`](Self::upgradable_read) if that is possible at once.
    #[inline]
    #[track_caller]
    pub fn try_upgradable_read(&self) -> Option<RwLockUpgradableReadGuard<'_, R, P, T>> {
        self.base().try_upgradable_read().map(RwLockUpgradableReadGuard)
    }
}

impl<R: RawRwLockUpgradeTimed, P: LockPolicy, T: ?Sized> RwLock<R, P, T> {
    /// As [`upgradable_read`](Self::upgradable_read) if that is possible within `timeout`.
    #[inline]
    #[track_caller]
    pub fn try_upgradable_read_for(
        &self,
        timeout: R::Duration,
    ) -> Option<RwLockUpgradableReadGuard<'_, R, P, T>> {
        self.base().try_upgradable_read_for(timeout).map(RwLockUpgradableReadGuard)
    }

    /// As [`upgradable_read`](Self::upgradable_read) if that is possible before `timeout`.
    #[inline]
    #[track_caller]
    pub fn try_upgradable_read_until(
        &self,
        timeout: R::Instant,
    ) -> Option<RwLockUpgradableReadGuard<'_, R, P, T>> {
        self.base().try_upgradable_read_until(timeout).map(RwLockUpgradableReadGuard)
    }
}

impl<R: RawRwLock, P: LockPolicy, T: Default> Default for RwLock<R, P, T> {
    #[inline]
    #[track_caller]
    fn default() -> Self {
        Self::from_raw(Tracked::by_default(Location::caller(), R::INIT), T::default())
    }
}

impl<R: RawRwLock, P: LockPolicy, T> From<T> for RwLock<R, P, T> {
    #[inline]
    #[track_caller]
    fn from(val: T) -> Self {
        RwLock::new(val)
    }
}

impl<R: RawRwLock, P: LockPolicy, T: ?Sized + fmt::Debug> fmt::Debug for RwLock<R, P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.base().fmt(f)
    }
}

impl<R: RawRwLock, P: LockPolicy, T: ?Sized> crate::Named for RwLock<R, P, T> {
    fn tracked(&self) -> Option<(&LockHeader, &'static Policy)> {
        Some((cast::rwlock_header(self.base()), P::POLICY))
    }
}
