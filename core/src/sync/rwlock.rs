//! The reader-writer lock.

use super::header::{Header, Hold, Tracked, request};
use super::real;
use super::result::try_map;
use super::rwlock_guard::{RwLockReadGuard, RwLockWriteGuard};
use crate::lock::{Label, LockHeader};
use crate::mode::{Mode, Policy};
use std::fmt;
use std::panic::Location;
use std::sync::{LockResult, TryLockError, TryLockResult};

// std promises nothing about priorities. On the systems with a futex, and in its own queue
// elsewhere, a reader waits behind a queued writer.
static POLICY: Policy = Policy {
    kind: "RwLock",
    read_blocks_behind_writer: true,
    guard_send: false,
    reentrant: false,
    shared: true,
    upgrade: false,
};

/// A lock for many readers or one writer; see [`std::sync::RwLock`].
///
/// # Cost
/// 16 bytes more than `std`'s.
pub struct RwLock<T: ?Sized> {
    header: Header,
    inner: real::RwLock<T>,
}

impl<T> RwLock<T> {
    /// An unlocked lock. The caller's line is its creation site.
    #[inline]
    #[track_caller]
    pub const fn new(t: T) -> RwLock<T> {
        RwLock { header: Header::new(Location::caller()), inner: real::RwLock::new(t) }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn __label(mut self, label: &'static Label) -> Self {
        self.header.label(label);
        self
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Locks for reading, and parks the thread until it is possible.
    ///
    /// # Errors
    /// The guard, where a thread has panicked with the lock held for writing.
    ///
    /// # Panics
    /// Where the report is set to `deny`; by default when the thread holds this lock for writing,
    /// which would never return.
    #[inline]
    #[track_caller]
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        request::<true, _, _>(
            self.header(),
            &POLICY,
            Mode::Shared,
            Location::caller(),
            || self.inner.try_read(),
            || self.inner.read(),
            RwLockReadGuard::new,
        )
    }

    /// Locks for reading if that is possible at once.
    ///
    /// # Errors
    /// [`WouldBlock`](TryLockError::WouldBlock) where it is not; the guard where a thread has
    /// panicked with the lock held for writing.
    #[inline]
    #[track_caller]
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        let site = Location::caller();
        try_map(self.inner.try_read(), |inner| {
            RwLockReadGuard::new(Hold::new(self.header(), &POLICY, Mode::Shared, site), inner)
        })
    }

    /// Locks for writing, and parks the thread until it is possible.
    ///
    /// # Errors
    /// The guard, where a thread has panicked with the lock held for writing.
    ///
    /// # Panics
    /// Where the report is set to `deny`; by default when the thread holds this lock already,
    /// which would never return.
    #[inline]
    #[track_caller]
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        request::<true, _, _>(
            self.header(),
            &POLICY,
            Mode::Exclusive,
            Location::caller(),
            || self.inner.try_write(),
            || self.inner.write(),
            RwLockWriteGuard::new,
        )
    }

    /// Locks for writing if that is possible at once.
    ///
    /// # Errors
    /// [`WouldBlock`](TryLockError::WouldBlock) where it is not; the guard where a thread has
    /// panicked with the lock held for writing.
    #[inline]
    #[track_caller]
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        let site = Location::caller();
        try_map(self.inner.try_write(), |inner| {
            RwLockWriteGuard::new(Hold::new(self.header(), &POLICY, Mode::Exclusive, site), inner)
        })
    }

    /// Whether a thread has panicked with the lock held for writing.
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.inner.is_poisoned()
    }

    /// Makes [`is_poisoned`](Self::is_poisoned) false again.
    #[inline]
    pub fn clear_poison(&self) {
        self.inner.clear_poison();
    }

    /// The data.
    ///
    /// # Errors
    /// The data, where a thread has panicked with the lock held for writing.
    pub fn into_inner(self) -> LockResult<T>
    where
        T: Sized,
    {
        self.inner.into_inner()
    }

    /// The data; no locking, as `&mut` proves that nobody else has the lock.
    ///
    /// # Errors
    /// The data, where a thread has panicked with the lock held for writing.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.inner.get_mut()
    }
}

impl<T: ?Sized> Tracked for RwLock<T> {
    #[cfg(not(lockgraph_neutral))]
    #[inline]
    fn header(&self) -> &LockHeader {
        self.header.of::<T>(&POLICY)
    }

    #[cfg(lockgraph_neutral)]
    #[track_caller]
    fn header(&self) -> &LockHeader {
        self.inner.header(&POLICY)
    }

    fn policy(&self) -> &'static Policy {
        &POLICY
    }
}

impl<T> From<T> for RwLock<T> {
    #[track_caller]
    fn from(t: T) -> Self {
        RwLock::new(t)
    }
}

impl<T: Default> Default for RwLock<T> {
    #[track_caller]
    fn default() -> RwLock<T> {
        let mut lock = RwLock::new(T::default());
        lock.header.derived(Location::caller());
        lock
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The data's own `fmt` may lock: this lock counts as held around it.
        let guard = match self.try_read() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return self.inner.fmt(f),
        };
        f.debug_struct("RwLock")
            .field("data", &&*guard)
            .field("poisoned", &self.is_poisoned())
            .finish_non_exhaustive()
    }
}
