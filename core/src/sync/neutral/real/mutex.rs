//! The mutex of std's size.

use super::{LockResult, TryLockResult, map, try_map, unless};
use crate::body::Handle;
use crate::lock::LockHeader;
use crate::mode::Policy;
use std::any::type_name;
use std::cell::UnsafeCell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::{Location, RefUnwindSafe, UnwindSafe};

/// Words in the order of std's.
pub(crate) struct Mutex<T: ?Sized> {
    handle: Handle,
    /// Where std keeps whether it is poisoned.
    _poison: u8,
    data: UnsafeCell<T>,
}

// SAFETY: as std's: the data is reached by whoever has the lock alone to himself, or the one guard.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}
impl<T: ?Sized> UnwindSafe for Mutex<T> {}
impl<T: ?Sized> RefUnwindSafe for Mutex<T> {}

/// The right to the data; unlocks when dropped.
pub(crate) struct MutexGuard<'a, T: ?Sized> {
    lock: &'a Mutex<T>,
    inner: std::sync::MutexGuard<'a, ()>,
}

// SAFETY: as std's: a shared guard gives out the data shared.
unsafe impl<T: ?Sized + Sync> Sync for MutexGuard<'_, T> {}

impl<T> Mutex<T> {
    pub(crate) const fn new(t: T) -> Mutex<T> {
        Mutex { handle: Handle::new(), _poison: 0, data: UnsafeCell::new(t) }
    }

    pub(crate) fn into_inner(self) -> LockResult<T> {
        unless(self.is_poisoned(), self.data.into_inner())
    }
}

impl<T: ?Sized> Mutex<T> {
    /// What the recorder keeps of it, which is told where it was locked first.
    #[track_caller]
    pub(crate) fn header(&self, policy: &'static Policy) -> &LockHeader {
        self.handle.body().header(policy, type_name::<T>(), Location::caller())
    }

    pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        map(self.handle.body().mutex.lock(), |inner| MutexGuard { lock: self, inner })
    }

    pub(crate) fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        try_map(self.handle.body().mutex.try_lock(), |inner| MutexGuard { lock: self, inner })
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.handle.made().is_some_and(|body| body.mutex.is_poisoned())
    }

    pub(crate) fn clear_poison(&self) {
        if let Some(body) = self.handle.made() {
            body.mutex.clear_poison();
        }
    }

    pub(crate) fn get_mut(&mut self) -> LockResult<&mut T> {
        unless(self.is_poisoned(), self.data.get_mut())
    }
}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    /// The guard around what `f`, which may unlock and lock again, makes of the real one.
    pub(super) fn over<R>(
        self,
        f: impl FnOnce(std::sync::MutexGuard<'a, ()>) -> R,
    ) -> (R, impl FnOnce(std::sync::MutexGuard<'a, ()>) -> MutexGuard<'a, T>) {
        let MutexGuard { lock, inner } = self;
        (f(inner), move |inner| MutexGuard { lock, inner })
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard of the real lock is here, and nobody else has one.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above; and `&mut self` makes the access the only one through this guard.
        unsafe { &mut *self.lock.data.get() }
    }
}

/// Of a lock that is locked by somebody: others are shown by their guard.
impl<T: ?Sized> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex")
            .field("data", &format_args!("<locked>"))
            .field("poisoned", &self.is_poisoned())
            .finish_non_exhaustive()
    }
}
