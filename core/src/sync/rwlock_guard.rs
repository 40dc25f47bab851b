//! The guards of the reader-writer lock.

use super::header::Hold;
use super::real;
#[cfg(lockgraph_std = "1.92")]
use crate::mode::Mode;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// The right to read the data of a [`RwLock`](super::RwLock); unlocks when dropped.
#[must_use = "if unused the RwLock will immediately unlock"]
#[clippy::has_significant_drop]
pub struct RwLockReadGuard<'rwlock, T: ?Sized + 'rwlock> {
    // First: it ends before the real unlock. Never read, only dropped.
    _hold: Hold<'rwlock>,
    inner: real::RwLockReadGuard<'rwlock, T>,
}

/// The right to write the data of a [`RwLock`](super::RwLock); unlocks when dropped.
#[must_use = "if unused the RwLock will immediately unlock"]
#[clippy::has_significant_drop]
pub struct RwLockWriteGuard<'rwlock, T: ?Sized + 'rwlock> {
    // First: it ends before the real unlock.
    #[cfg_attr(not(lockgraph_std = "1.92"), allow(dead_code, reason = "dropped all the same"))]
    hold: Hold<'rwlock>,
    inner: real::RwLockWriteGuard<'rwlock, T>,
}

impl<'rwlock, T: ?Sized> RwLockReadGuard<'rwlock, T> {
    pub(super) fn new(
        hold: Hold<'rwlock>,
        inner: real::RwLockReadGuard<'rwlock, T>,
    ) -> RwLockReadGuard<'rwlock, T> {
        RwLockReadGuard { _hold: hold, inner }
    }
}

impl<'rwlock, T: ?Sized> RwLockWriteGuard<'rwlock, T> {
    pub(super) fn new(
        hold: Hold<'rwlock>,
        inner: real::RwLockWriteGuard<'rwlock, T>,
    ) -> RwLockWriteGuard<'rwlock, T> {
        RwLockWriteGuard { hold, inner }
    }

    /// Lets readers in, as one of them: nobody writes in between.
    ///
    /// An associated function, as methods of the data may have this name.
    #[cfg(lockgraph_std = "1.92")]
    #[clippy::msrv = "1.92"]
    pub fn downgrade(s: Self) -> RwLockReadGuard<'rwlock, T> {
        let RwLockWriteGuard { mut hold, inner } = s;
        // Before: no other thread may find a writer's hold beside its own read.
        hold.convert(Mode::Shared);
        RwLockReadGuard { _hold: hold, inner: real::RwLockWriteGuard::downgrade(inner) }
    }
}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
