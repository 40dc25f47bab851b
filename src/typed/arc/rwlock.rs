//! The arc guards of the reader-writer lock.

use super::super::relock;
use crate::raw::{LockPolicy, RwLock, Tracked, TrackedGuard, cast};
use lock_api::{
    RawRwLock, RawRwLockDowngrade, RawRwLockFair, RawRwLockTimed, RawRwLockUpgrade,
    RawRwLockUpgradeDowngrade, RawRwLockUpgradeFair, RawRwLockUpgradeTimed,
};
use lockgraph_core::door;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::sync::Arc;

impl<R: RawRwLock, P: LockPolicy, T: ?Sized> RwLock<R, P, T> {
    /// As [`make_read_guard_unchecked`](Self::make_read_guard_unchecked); the guard owns a handle.
    ///
    /// # Safety
    /// As [`make_read_guard_unchecked`](Self::make_read_guard_unchecked).
    #[inline]
    pub unsafe fn make_arc_read_guard_unchecked(
        self: &Arc<Self>,
        guard: TrackedGuard<R::SharedGuard>,
    ) -> ArcRwLockReadGuard<R, P, T> {
        // SAFETY: the contract is the same.
        let guard = unsafe { cast::base_arc(self).make_arc_read_guard_unchecked(guard) };
        ArcRwLockReadGuard::wrap(guard)
    }

    /// As [`make_write_guard_unchecked`](Self::make_write_guard_unchecked); the guard owns a
    /// handle.
    ///
    /// # Safety
    /// As [`make_write_guard_unchecked`](Self::make_write_guard_unchecked).
    #[inline]
    pub unsafe fn make_arc_write_guard_unchecked(
        self: &Arc<Self>,
        guard: TrackedGuard<R::ExclusiveGuard>,
    ) -> ArcRwLockWriteGuard<R, P, T> {
        // SAFETY: the contract is the same.
        let guard = unsafe { cast::base_arc(self).make_arc_write_guard_unchecked(guard) };
        ArcRwLockWriteGuard::wrap(guard)
    }

    /// As [`read`](Self::read); the guard owns a handle to the lock.
    ///
    /// # Panics
    /// As [`read`](Self::read).
    #[inline]
    #[track_caller]
    pub fn read_arc(self: &Arc<Self>) -> ArcRwLockReadGuard<R, P, T> {
        self.base();
        ArcRwLockReadGuard::wrap(cast::base_arc(self).read_arc())
    }

    /// As [`try_read`](Self::try_read); the guard owns a handle to the lock.
    #[inline]
    #[track_caller]
    pub fn try_read_arc(self: &Arc<Self>) -> Option<ArcRwLockReadGuard<R, P, T>> {
        self.base();
        cast::base_arc(self).try_read_arc().map(ArcRwLockReadGuard::wrap)
    }

    /// As [`write`](Self::write); the guard owns a handle to the lock.
    ///
    /// # Panics
    /// As [`write`](Self::write).
    #[inline]
    #[track_caller]
    pub fn write_arc(self: &Arc<Self>) -> ArcRwLockWriteGuard<R, P, T> {
        self.base();
        ArcRwLockWriteGuard::wrap(cast::base_arc(self).write_arc())
    }

    /// As [`try_write`](Self::try_write); the guard owns a handle to the lock.
    #[inline]
    #[track_caller]
    pub fn try_write_arc(self: &Arc<Self>) -> Option<ArcRwLockWriteGuard<R, P, T>> {
        self.base();
        cast::base_arc(self).try_write_arc().map(ArcRwLockWriteGuard::wrap)
    }
}

impl<R: RawRwLockTimed, P: LockPolicy, T: ?Sized> RwLock<R, P, T> {
    /// As [`try_read_for`](Self::try_read_for); the guard owns a handle to the lock.
    #[inline]
    #[track_caller]
    pub fn try_read_arc_for(
        self: &Arc<Self>,
        timeout: R::Duration,
    ) -> Option<ArcRwLockReadGuard<R, P, T>> {
        self.base();
        cast::base_arc(self).try_read_arc_for(timeout).map(ArcRwLockReadGuard::wrap)
    }

    /// As [`try_read_until`](Self::try_read_until); the guard owns a handle to the lock.
    #[inline]
    #[track_caller]
    pub fn try_read_arc_until(
        self: &Arc<Self>,
        timeout: R::Instant,
    ) -> Option<ArcRwLockReadGuard<R, P, T>> {
        self.base();
        cast::base_arc(self).try_read_arc_until(timeout).map(ArcRwLockReadGuard::wrap)
    }

    /// As [`try_write_for`](Self::try_write_for); the guard owns a handle to the lock.
    #[inline]
    #[track_caller]
    pub fn try_write_arc_for(
        self: &Arc<Self>,
        timeout: R::Duration,
    ) -> Option<ArcRwLockWriteGuard<R, P, T>> {
        self.base();
        cast::base_arc(self).try_write_arc_for(timeout).map(ArcRwLockWriteGuard::wrap)
    }

    /// As [`try_write_until`](Self::try_write_until); the guard owns a handle to the lock.
    #[inline]
    #[track_caller]
    pub fn try_write_arc_until(
        self: &Arc<Self>,
        timeout: R::Instant,
    ) -> Option<ArcRwLockWriteGuard<R, P, T>> {
        self.base();
        cast::base_arc(self).try_write_arc_until(timeout).map(ArcRwLockWriteGuard::wrap)
    }
}

impl<R: RawRwLockUpgrade, P: LockPolicy, T: ?Sized> RwLock<R, P, T> {
    /// As [`make_upgradable_guard_unchecked`](Self::make_upgradable_guard_unchecked); the guard
    /// owns a handle.
    ///
    /// # Safety
    /// As [`make_upgradable_guard_unchecked`](Self::make_upgradable_guard_unchecked).
    #[inline]
    pub unsafe fn make_upgradable_arc_guard_unchecked(
        self: &Arc<Self>,
        guard: TrackedGuard<R::UpgradableGuard>,
    ) -> ArcRwLockUpgradableReadGuard<R, P, T> {
        // SAFETY: the contract is the same.
        let guard = unsafe { cast::base_arc(self).make_upgradable_arc_guard_unchecked(guard) };
        ArcRwLockUpgradableReadGuard::wrap(guard)
    }

    /// As [`upgradable_read`](Self::upgradable_read); the guard owns a handle to the lock.
    ///
    /// # Panics
    /// As [`upgradable_read`](Self::upgradable_read).
    #[inline]
    #[track_caller]
    pub fn upgradable_read_arc(self: &Arc<Self>) -> ArcRwLockUpgradableReadGuard<R, P, T> {
        self.base();
        ArcRwLockUpgradableReadGuard::wrap(cast::base_arc(self).upgradable_read_arc())
    }

    /// As [`try_upgradable_read`](Self::try_upgradable_read); the guard owns a handle to the lock.
    #[inline]
    #[track_caller]
    pub fn try_upgradable_read_arc(
        self: &Arc<Self>,
    ) -> Option<ArcRwLockUpgradableReadGuard<R, P, T>> {
        self.base();
        cast::base_arc(self).try_upgradable_read_arc().map(ArcRwLockUpgradableReadGuard::wrap)
    }
}

impl<R: RawRwLockUpgradeTimed, P: LockPolicy, T: ?Sized> RwLock<R, P, T> {
    /// As [`try_upgradable_read_for`](Self::try_upgradable_read_for); the guard owns a handle to
    /// the lock.
    #[inline]
    #[track_caller]
    pub fn try_upgradable_read_arc_for(
        self: &Arc<Self>,
        timeout: R::Duration,
    ) -> Option<ArcRwLockUpgradableReadGuard<R, P, T>> {
        self.base();
        let guard = cast::base_arc(self).try_upgradable_read_arc_for(timeout);
        guard.map(ArcRwLockUpgradableReadGuard::wrap)
    }

    /// As [`try_upgradable_read_until`](Self::try_upgradable_read_until); the guard owns a handle
    /// to the lock.
    #[inline]
    #[track_caller]
    pub fn try_upgradable_read_arc_until(
        self: &Arc<Self>,
        timeout: R::Instant,
    ) -> Option<ArcRwLockUpgradableReadGuard<R, P, T>> {
        self.base();
        let guard = cast::base_arc(self).try_upgradable_read_arc_until(timeout);
        guard.map(ArcRwLockUpgradableReadGuard::wrap)
    }
}

/// The right to read the data of a [`RwLock`] that it keeps alive; unlocks when dropped.
#[clippy::has_significant_drop]
#[must_use = "if unused the RwLock will immediately unlock"]
pub struct ArcRwLockReadGuard<R: RawRwLock, P: LockPolicy, T: ?Sized>(
    lock_api::ArcRwLockReadGuard<Tracked<R, P>, T>,
    ManuallyDrop<Arc<RwLock<R, P, T>>>,
);

impl<R: RawRwLock, P: LockPolicy, T: ?Sized> ArcRwLockReadGuard<R, P, T> {
    arc_guard!(ArcRwLockReadGuard<Tracked<R, P>, T>, rwlock -> RwLock<R, P, T>);
}

impl<R: RawRwLockFair, P: LockPolicy, T: ?Sized> ArcRwLockReadGuard<R, P, T> {
    arc_guard_fair!(ArcRwLockReadGuard -> RwLock<R, P, T>);
}

guard_data!([R: RawRwLock, P: LockPolicy, T: ?Sized] ArcRwLockReadGuard<R, P, T>);

/// The right to the data of a [`RwLock`] that it keeps alive; unlocks when dropped.
#[clippy::has_significant_drop]
#[must_use = "if unused the RwLock will immediately unlock"]
pub struct ArcRwLockWriteGuard<R: RawRwLock, P: LockPolicy, T: ?Sized>(
    lock_api::ArcRwLockWriteGuard<Tracked<R, P>, T>,
    ManuallyDrop<Arc<RwLock<R, P, T>>>,
);

impl<R: RawRwLock, P: LockPolicy, T: ?Sized> ArcRwLockWriteGuard<R, P, T> {
    arc_guard!(ArcRwLockWriteGuard<Tracked<R, P>, T>, rwlock -> RwLock<R, P, T>);
}

impl<R: RawRwLockFair, P: LockPolicy, T: ?Sized> ArcRwLockWriteGuard<R, P, T> {
    arc_guard_fair!(ArcRwLockWriteGuard -> RwLock<R, P, T>);
}

impl<R: RawRwLockDowngrade, P: LockPolicy, T: ?Sized> ArcRwLockWriteGuard<R, P, T> {
    /// Turns the write into a read; no writer gets in between.
    #[track_caller]
    pub fn downgrade(s: Self) -> ArcRwLockReadGuard<R, P, T> {
        ArcRwLockReadGuard::wrap(lock_api::ArcRwLockWriteGuard::downgrade(s.0))
    }
}

impl<R: RawRwLockUpgradeDowngrade, P: LockPolicy, T: ?Sized> ArcRwLockWriteGuard<R, P, T> {
    /// Turns the write into an upgradable read; no writer gets in between.
    #[track_caller]
    pub fn downgrade_to_upgradable(s: Self) -> ArcRwLockUpgradableReadGuard<R, P, T> {
        let guard = lock_api::ArcRwLockWriteGuard::downgrade_to_upgradable(s.0);
        ArcRwLockUpgradableReadGuard::wrap(guard)
    }
}

guard_data!([R: RawRwLock, P: LockPolicy, T: ?Sized] ArcRwLockWriteGuard<R, P, T>, mut);

/// The right to read the data of a [`RwLock`] that it keeps alive, and to upgrade; unlocks when
/// dropped.
#[clippy::has_significant_drop]
#[must_use = "if unused the RwLock will immediately unlock"]
pub struct ArcRwLockUpgradableReadGuard<R: RawRwLockUpgrade, P: LockPolicy, T: ?Sized>(
    lock_api::ArcRwLockUpgradableReadGuard<Tracked<R, P>, T>,
    ManuallyDrop<Arc<RwLock<R, P, T>>>,
);

impl<R: RawRwLockUpgrade, P: LockPolicy, T: ?Sized> ArcRwLockUpgradableReadGuard<R, P, T> {
    arc_guard!(ArcRwLockUpgradableReadGuard<Tracked<R, P>, T>, rwlock -> RwLock<R, P, T>);

    /// Turns the upgradable read into a write once the other readers are gone.
    ///
    /// # Panics
    /// Where the lock order report is set to `deny`; the lock is released then.
    #[track_caller]
    pub fn upgrade(s: Self) -> ArcRwLockWriteGuard<R, P, T> {
        ArcRwLockWriteGuard::wrap(lock_api::ArcRwLockUpgradableReadGuard::upgrade(s.0))
    }

    /// Turns the upgradable read into a write if there is no other reader.
    ///
    /// # Errors
    /// The guard as it was.
    #[track_caller]
    pub fn try_upgrade(s: Self) -> Result<ArcRwLockWriteGuard<R, P, T>, Self> {
        let upgraded = lock_api::ArcRwLockUpgradableReadGuard::try_upgrade(s.0);
        upgraded.map(ArcRwLockWriteGuard::wrap).map_err(Self::wrap)
    }
}

impl<R: RawRwLockUpgradeFair, P: LockPolicy, T: ?Sized> ArcRwLockUpgradableReadGuard<R, P, T> {
    arc_guard_fair!(ArcRwLockUpgradableReadGuard -> RwLock<R, P, T>);
}

impl<R: RawRwLockUpgradeDowngrade, P: LockPolicy, T: ?Sized> ArcRwLockUpgradableReadGuard<R, P, T> {
    /// Turns the upgradable read into a plain one.
    #[track_caller]
    pub fn downgrade(s: Self) -> ArcRwLockReadGuard<R, P, T> {
        ArcRwLockReadGuard::wrap(lock_api::ArcRwLockUpgradableReadGuard::downgrade(s.0))
    }

    guard_with_upgraded!();
}

impl<R: RawRwLockUpgradeTimed, P: LockPolicy, T: ?Sized> ArcRwLockUpgradableReadGuard<R, P, T> {
    /// Turns the upgradable read into a write if the other readers are gone within `timeout`.
    ///
    /// # Errors
    /// The guard as it was.
    #[track_caller]
    pub fn try_upgrade_for(
        s: Self,
        timeout: R::Duration,
    ) -> Result<ArcRwLockWriteGuard<R, P, T>, Self> {
        let upgraded = lock_api::ArcRwLockUpgradableReadGuard::try_upgrade_for(s.0, timeout);
        upgraded.map(ArcRwLockWriteGuard::wrap).map_err(Self::wrap)
    }

    /// Turns the upgradable read into a write if the other readers are gone before `timeout`.
    ///
    /// # Errors
    /// The guard as it was.
    #[track_caller]
    pub fn try_upgrade_until(
        s: Self,
        timeout: R::Instant,
    ) -> Result<ArcRwLockWriteGuard<R, P, T>, Self> {
        let upgraded = lock_api::ArcRwLockUpgradableReadGuard::try_upgrade_until(s.0, timeout);
        upgraded.map(ArcRwLockWriteGuard::wrap).map_err(Self::wrap)
    }
}

impl<R: RawRwLockUpgradeTimed + RawRwLockUpgradeDowngrade, P: LockPolicy, T: ?Sized>
    ArcRwLockUpgradableReadGuard<R, P, T>
{
    guard_with_upgraded_timed!();
}

guard_data!(
    [R: RawRwLockUpgrade, P: LockPolicy, T: ?Sized] ArcRwLockUpgradableReadGuard<R, P, T>
);
