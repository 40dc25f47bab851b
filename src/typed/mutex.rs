//! The mutex.

use super::relock;
use crate::raw::{LockPolicy, Tracked, TrackedGuard, cast};
use lock_api::{RawMutex, RawMutexFair, RawMutexTimed};
use lockgraph_core::door;
use lockgraph_core::lock::{Label, LockHeader};
use lockgraph_core::mode::Policy;
use std::any::type_name;
use std::fmt;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::panic::Location;

/// A mutual exclusion lock; [`lock_api::Mutex`] on a tracked raw lock.
///
/// # Cost
/// 16 bytes more than untracked.
#[repr(transparent)]
pub struct Mutex<R, P, T: ?Sized>(lock_api::Mutex<Tracked<R, P>, T>);

impl<R: RawMutex, P: LockPolicy, T> Mutex<R, P, T> {
    /// An unlocked mutex. The caller's line is the lock's creation site.
    #[inline]
    #[track_caller]
    pub const fn new(val: T) -> Self {
        Mutex(lock_api::Mutex::from_raw(Tracked::at(Location::caller(), R::INIT), val))
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn __label(self, label: &'static Label) -> Self {
        // SAFETY: the data is moved out of the lock, which is forgotten. `lock_api` lets no `const`
        // code at the raw lock, which is as its constructor made it: there is none in use yet.
        let val = unsafe { self.0.data_ptr().read() };
        mem::forget(self);
        Mutex(lock_api::Mutex::from_raw(Tracked::labelled(label, R::INIT), val))
    }

    /// The data.
    #[inline]
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<R, P, T> Mutex<R, P, T> {
    /// A mutex of an existing raw lock, with its creation site.
    #[inline]
    pub const fn from_raw(raw_mutex: Tracked<R, P>, val: T) -> Self {
        Mutex(lock_api::Mutex::from_raw(raw_mutex, val))
    }

    /// The raw lock and the data.
    #[inline]
    pub fn into_inner_with_raw(self) -> (Tracked<R, P>, T) {
        self.0.into_inner_with_raw()
    }
}

impl<R: RawMutex, P: LockPolicy, T: ?Sized> Mutex<R, P, T> {
    /// The base, about to be locked.
    #[inline]
    pub(super) fn base(&self) -> &lock_api::Mutex<Tracked<R, P>, T> {
        let header = cast::mutex_header(&self.0);
        if header.is_unborn() {
            door::adopt(header, P::POLICY, type_name::<T>());
        }
        &self.0
    }

    /// A guard for a mutex that is locked already.
    ///
    /// # Safety
    /// The thread holds the lock by the acquisition of `guard`, no other guard exists for it, and
    /// references to the data that exist stay valid.
    #[inline]
    pub unsafe fn make_guard_unchecked(
        &self,
        guard: TrackedGuard<R::Guard>,
    ) -> MutexGuard<'_, R, P, T> {
        // SAFETY: the contract is the same.
        MutexGuard(unsafe { self.0.make_guard_unchecked(guard) })
    }

    /// Locks, and parks the thread until it is possible.
    ///
    /// # Panics
    /// Where the lock order report is set to `deny`; by default when the thread holds this lock
    /// already.
    #[inline]
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, R, P, T> {
        MutexGuard(self.base().lock())
    }

    /// Locks if that is possible at once.
    #[inline]
    #[track_caller]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, R, P, T>> {
        self.base().try_lock().map(MutexGuard)
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

    /// Unlocks without a guard.
    ///
    /// # Safety
    /// The thread holds the lock by the acquisition of `guard`, no guard will unlock it, and no
    /// reference to the data is used any more.
    #[inline]
    #[track_caller]
    pub unsafe fn force_unlock(&self, guard: TrackedGuard<R::Guard>) {
        // SAFETY: the contract is the same.
        unsafe { self.0.force_unlock(guard) };
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

impl<R: RawMutexFair, P: LockPolicy, T: ?Sized> Mutex<R, P, T> {
    /// As [`force_unlock`](Self::force_unlock), handing the lock to a waiting thread where there
    /// is one.
    ///
    /// # Safety
    /// As [`force_unlock`](Self::force_unlock).
    #[inline]
    #[track_caller]
    pub unsafe fn force_unlock_fair(&self, guard: TrackedGuard<R::Guard>) {
        // SAFETY: the contract is the same.
        unsafe { self.0.force_unlock_fair(guard) };
    }
}

impl<R: RawMutexTimed, P: LockPolicy, T: ?Sized> Mutex<R, P, T> {
    /// Locks if that is possible within `timeout`.
    #[inline]
    #[track_caller]
    pub fn try_lock_for(&self, timeout: R::Duration) -> Option<MutexGuard<'_, R, P, T>> {
        self.base().try_lock_for(timeout).map(MutexGuard)
    }

    /// Locks if that is possible before `timeout`.
    #[inline]
    #[track_caller]
    pub fn try_lock_until(&self, timeout: R::Instant) -> Option<MutexGuard<'_, R, P, T>> {
        self.base().try_lock_until(timeout).map(MutexGuard)
    }
}

impl<R: RawMutex, P: LockPolicy, T: Default> Default for Mutex<R, P, T> {
    #[inline]
    #[track_caller]
    fn default() -> Self {
        Self::from_raw(Tracked::by_default(Location::caller(), R::INIT), T::default())
    }
}

impl<R: RawMutex, P: LockPolicy, T> From<T> for Mutex<R, P, T> {
    #[inline]
    #[track_caller]
    fn from(val: T) -> Self {
        Mutex::new(val)
    }
}

impl<R: RawMutex, P: LockPolicy, T: ?Sized + fmt::Debug> fmt::Debug for Mutex<R, P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.base().fmt(f)
    }
}

impl<R: RawMutex, P: LockPolicy, T: ?Sized> crate::Named for Mutex<R, P, T> {
    fn tracked(&self) -> Option<(&LockHeader, &'static Policy)> {
        Some((cast::mutex_header(self.base()), P::POLICY))
    }
}

/// The right to the data of a [`Mutex`]; unlocks when dropped.
#[repr(transparent)]
#[clippy::has_significant_drop]
#[must_use = "if unused the Mutex will immediately unlock"]
pub struct MutexGuard<'a, R: RawMutex, P: LockPolicy, T: ?Sized>(
    pub(super) lock_api::MutexGuard<'a, Tracked<R, P>, T>,
);

/// The right to a component of the data of a [`Mutex`].
pub type MappedMutexGuard<'a, R, P, T> = lock_api::MappedMutexGuard<'a, Tracked<R, P>, T>;

impl<'a, R: RawMutex, P: LockPolicy, T: ?Sized> MutexGuard<'a, R, P, T> {
    /// The mutex of this guard.
    pub fn mutex(s: &Self) -> &'a Mutex<R, P, T> {
        cast::ours(lock_api::MutexGuard::mutex(&s.0))
    }

    /// Forgets the guard and leaves the mutex locked.
    #[inline]
    pub fn leak(s: Self) -> &'a mut T {
        lock_api::MutexGuard::leak(s.0)
    }

    guard_map!(MutexGuard => MappedMutexGuard<'a, R, P, U>, mut);
    guard_unlocked!(MutexGuard);
}

impl<R: RawMutexFair, P: LockPolicy, T: ?Sized> MutexGuard<'_, R, P, T> {
    guard_fair!(MutexGuard);
}

guard_data!(['a, R: RawMutex, P: LockPolicy, T: ?Sized] MutexGuard<'a, R, P, T>, mut);
