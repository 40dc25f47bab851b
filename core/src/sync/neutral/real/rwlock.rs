//! The reader-writer lock of std's size.

use super::{LockResult, TryLockResult, map, try_map, unless};
use crate::body::Handle;
use crate::lock::LockHeader;
use crate::mode::Policy;
use std::any::type_name;
use std::cell::UnsafeCell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::ptr::NonNull;

/// Words in the order of std's.
pub(crate) struct RwLock<T: ?Sized> {
    handle: Handle,
    /// Where std keeps whom to wake.
    _notify: u32,
    /// Where std keeps whether it is poisoned.
    _poison: u8,
    data: UnsafeCell<T>,
}

// SAFETY: as std's: the data is reached by whoever has the lock alone to himself, or by guards.
unsafe impl<T: ?Sized + Send> Send for RwLock<T> {}
// SAFETY: as above; readers on several threads share it.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}
impl<T: ?Sized> UnwindSafe for RwLock<T> {}
impl<T: ?Sized> RefUnwindSafe for RwLock<T> {}

/// The right to read; unlocks when dropped.
pub(crate) struct RwLockReadGuard<'a, T: ?Sized> {
    /// As std's, no reference: the data may be written while this guard is being dropped.
    data: NonNull<T>,
    /// Never read, only dropped.
    _inner: std::sync::RwLockReadGuard<'a, ()>,
}

/// The right to write; unlocks when dropped.
pub(crate) struct RwLockWriteGuard<'a, T: ?Sized> {
    lock: &'a RwLock<T>,
    inner: std::sync::RwLockWriteGuard<'a, ()>,
}

// SAFETY: as std's: a shared guard gives out the data shared.
unsafe impl<T: ?Sized + Sync> Sync for RwLockReadGuard<'_, T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Sync> Sync for RwLockWriteGuard<'_, T> {}

impl<T> RwLock<T> {
    pub(crate) const fn new(t: T) -> RwLock<T> {
        RwLock { handle: Handle::new(), _notify: 0, _poison: 0, data: UnsafeCell::new(t) }
    }

    pub(crate) fn into_inner(self) -> LockResult<T> {
        unless(self.is_poisoned(), self.data.into_inner())
    }
}

impl<T: ?Sized> RwLock<T> {
    /// What the recorder keeps of it, which is told where it was locked first.
    #[track_caller]
    pub(crate) fn header(&self, policy: &'static Policy) -> &LockHeader {
        self.handle.body().header(policy, type_name::<T>(), Location::caller())
    }

    fn reader<'a>(&'a self, inner: std::sync::RwLockReadGuard<'a, ()>) -> RwLockReadGuard<'a, T> {
        // SAFETY: a cell's data is at no null pointer.
        let data = unsafe { NonNull::new_unchecked(self.data.get()) };
        RwLockReadGuard { data, _inner: inner }
    }

    pub(crate) fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        map(self.handle.body().rwlock.read(), |inner| self.reader(inner))
    }

    pub(crate) fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        try_map(self.handle.body().rwlock.try_read(), |inner| self.reader(inner))
    }

    pub(crate) fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        map(self.handle.body().rwlock.write(), |inner| RwLockWriteGuard { lock: self, inner })
    }

    pub(crate) fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        let result = self.handle.body().rwlock.try_write();
        try_map(result, |inner| RwLockWriteGuard { lock: self, inner })
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.handle.made().is_some_and(|body| body.rwlock.is_poisoned())
    }

    pub(crate) fn clear_poison(&self) {
        if let Some(body) = self.handle.made() {
            body.rwlock.clear_poison();
        }
    }

    pub(crate) fn get_mut(&mut self) -> LockResult<&mut T> {
        unless(self.is_poisoned(), self.data.get_mut())
    }
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// Lets readers in, as one of them.
    #[cfg(lockgraph_std = "1.92")]
    #[clippy::msrv = "1.92"]
    pub(crate) fn downgrade(self) -> RwLockReadGuard<'a, T> {
        let RwLockWriteGuard { lock, inner } = self;
        lock.reader(std::sync::RwLockWriteGuard::downgrade(inner))
    }
}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: a reader's guard of the real lock is here, so nobody writes.
        unsafe { self.data.as_ref() }
    }
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the writer's guard of the real lock is here, and nobody else has any.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above; and `&mut self` makes the access the only one through this guard.
        unsafe { &mut *self.lock.data.get() }
    }
}

/// Of a lock that is locked for writing by somebody: others are shown by their guard.
impl<T: ?Sized> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RwLock")
            .field("data", &format_args!("<locked>"))
            .field("poisoned", &self.is_poisoned())
            .finish_non_exhaustive()
    }
}
