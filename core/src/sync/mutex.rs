//! The mutex.

use super::header::{Header, Hold, Tracked, request};
use super::real;
use super::result::try_map;
use crate::lock::{Label, LockHeader};
use crate::mode::{Mode, Policy};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::sync::{LockResult, TryLockError, TryLockResult};

pub(super) static POLICY: Policy = Policy {
    kind: "Mutex",
    read_blocks_behind_writer: false,
    guard_send: false,
    reentrant: false,
    shared: false,
    upgrade: false,
};

/// A mutual exclusion lock; see [`std::sync::Mutex`].
///
/// # Cost
/// 16 bytes more than `std`'s.
pub struct Mutex<T: ?Sized> {
    header: Header,
    inner: real::Mutex<T>,
}

/// The right to the data of a [`Mutex`]; unlocks when dropped.
#[must_use = "if unused the Mutex will immediately unlock"]
#[clippy::has_significant_drop]
pub struct MutexGuard<'a, T: ?Sized + 'a> {
    // First: it ends before the real unlock.
    pub(super) hold: Hold<'a>,
    pub(super) inner: real::MutexGuard<'a, T>,
}

impl<T> Mutex<T> {
    /// An unlocked mutex. The caller's line is the lock's creation site.
    #[inline]
    #[track_caller]
    pub const fn new(t: T) -> Mutex<T> {
        Mutex { header: Header::new(Location::caller()), inner: real::Mutex::new(t) }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn __label(mut self, label: &'static Label) -> Self {
        self.header.label(label);
        self
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Locks, and parks the thread until it is possible.
    ///
    /// # Errors
    /// The guard, where a thread has panicked with the mutex locked.
    ///
    /// # Panics
    /// Where the report is set to `deny`; by default when the thread holds this lock already,
    /// which would never return.
    #[inline]
    #[track_caller]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        request::<false, _, _>(
            self.header(),
            &POLICY,
            Mode::Exclusive,
            Location::caller(),
            || self.inner.try_lock(),
            || self.inner.lock(),
            |hold, inner| MutexGuard { hold, inner },
        )
    }

    /// Locks if that is possible at once.
    ///
    /// # Errors
    /// [`WouldBlock`](TryLockError::WouldBlock) where it is not; the guard where a thread has
    /// panicked with the mutex locked.
    #[inline]
    #[track_caller]
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        let site = Location::caller();
        try_map(self.inner.try_lock(), |inner| MutexGuard {
            hold: Hold::new(self.header(), &POLICY, Mode::Exclusive, site),
            inner,
        })
    }

    /// Whether a thread has panicked with the mutex locked.
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
    /// The data, where a thread has panicked with the mutex locked.
    pub fn into_inner(self) -> LockResult<T>
    where
        T: Sized,
    {
        self.inner.into_inner()
    }

    /// The data; no locking, as `&mut` proves that nobody else has the mutex.
    ///
    /// # Errors
    /// The data, where a thread has panicked with the mutex locked.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.inner.get_mut()
    }
}

impl<T: ?Sized> Tracked for Mutex<T> {
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

impl<T> From<T> for Mutex<T> {
    #[track_caller]
    fn from(t: T) -> Self {
        Mutex::new(t)
    }
}

impl<T: Default> Default for Mutex<T> {
    #[track_caller]
    fn default() -> Mutex<T> {
        let mut mutex = Mutex::new(T::default());
        mutex.header.derived(Location::caller());
        mutex
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The data's own `fmt` may lock: this lock counts as held around it.
        let guard = match self.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return self.inner.fmt(f),
        };
        f.debug_struct("Mutex")
            .field("data", &&*guard)
            .field("poisoned", &self.is_poisoned())
            .finish_non_exhaustive()
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
