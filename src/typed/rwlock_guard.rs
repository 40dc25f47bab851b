//! The guards of the reader-writer lock.

use super::relock;
use super::rwlock::RwLock;
use crate::raw::{LockPolicy, Tracked, cast};
use lock_api::{
    RawRwLock, RawRwLockDowngrade, RawRwLockFair, RawRwLockUpgrade, RawRwLockUpgradeDowngrade,
    RawRwLockUpgradeFair, RawRwLockUpgradeTimed,
};
use lockgraph_core::door;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::Location;

/// The right to read the data of a [`RwLock`]; unlocks when dropped.
#[repr(transparent)]
#[clippy::has_significant_drop]
#[must_use = "if unused the RwLock will immediately unlock"]
pub struct RwLockReadGuard<'a, R: RawRwLock, P: LockPolicy, T: ?Sized>(
    pub(super) lock_api::RwLockReadGuard<'a, Tracked<R, P>, T>,
);

/// The right to read a component of the data of a [`RwLock`].
pub type MappedRwLockReadGuard<'a, R, P, T> = lock_api::MappedRwLockReadGuard<'a, Tracked<R, P>, T>;

impl<'a, R: RawRwLock, P: LockPolicy, T: ?Sized> RwLockReadGuard<'a, R, P, T> {
    /// The lock of this guard.
    pub fn rwlock(s: &Self) -> &'a RwLock<R, P, T> {
        cast::ours(lock_api::RwLockReadGuard::rwlock(&s.0))
    }

    guard_map!(RwLockReadGuard => MappedRwLockReadGuard<'a, R, P, U>);
    guard_unlocked!(RwLockReadGuard);
}

impl<R: RawRwLockFair, P: LockPolicy, T: ?Sized> RwLockReadGuard<'_, R, P, T> {
    guard_fair!(RwLockReadGuard);
}

guard_data!(['a, R: RawRwLock, P: LockPolicy, T: ?Sized] RwLockReadGuard<'a, R, P, T>);

/// The right to the data of a [`RwLock`]; unlocks when dropped.
#[repr(transparent)]
#[clippy::has_significant_drop]
#[must_use = "if unused the RwLock will immediately unlock"]
pub struct RwLockWriteGuard<'a, R: RawRwLock, P: LockPolicy, T: ?Sized>(
    pub(super) lock_api::RwLockWriteGuard<'a, Tracked<R, P>, T>,
);

/// The right to a component of the data of a [`RwLock`].
pub type MappedRwLockWriteGuard<'a, R, P, T> =
    lock_api::MappedRwLockWriteGuard<'a, Tracked<R, P>, T>;

impl<'a, R: RawRwLock, P: LockPolicy, T: ?Sized> RwLockWriteGuard<'a, R, P, T> {
    /// The lock of this guard.
    pub fn rwlock(s: &Self) -> &'a RwLock<R, P, T> {
        cast::ours(lock_api::RwLockWriteGuard::rwlock(&s.0))
    }

    guard_map!(RwLockWriteGuard => MappedRwLockWriteGuard<'a, R, P, U>, mut);
    guard_unlocked!(RwLockWriteGuard);
}

impl<R: RawRwLockFair, P: LockPolicy, T: ?Sized> RwLockWriteGuard<'_, R, P, T> {
    guard_fair!(RwLockWriteGuard);
}

impl<'a, R: RawRwLockDowngrade, P: LockPolicy, T: ?Sized> RwLockWriteGuard<'a, R, P, T> {
    /// Turns the write into a read; no writer gets in between.
    #[track_caller]
    pub fn downgrade(s: Self) -> RwLockReadGuard<'a, R, P, T> {
        RwLockReadGuard(lock_api::RwLockWriteGuard::downgrade(s.0))
    }
}

impl<'a, R: RawRwLockUpgradeDowngrade, P: LockPolicy, T: ?Sized> RwLockWriteGuard<'a, R, P, T> {
    /// Turns the write into an upgradable read; no writer gets in between.
    #[track_caller]
    pub fn downgrade_to_upgradable(s: Self) -> RwLockUpgradableReadGuard<'a, R, P, T> {
        RwLockUpgradableReadGuard(lock_api::RwLockWriteGuard::downgrade_to_upgradable(s.0))
    }
}

guard_data!(['a, R: RawRwLock, P: LockPolicy, T: ?Sized] RwLockWriteGuard<'a, R, P, T>, mut);

/// The right to read the data of a [`RwLock`], and to upgrade; unlocks when dropped.
#[repr(transparent)]
#[clippy::has_significant_drop]
#[must_use = "if unused the RwLock will immediately unlock"]
pub struct RwLockUpgradableReadGuard<'a, R: RawRwLockUpgrade, P: LockPolicy, T: ?Sized>(
    pub(super) lock_api::RwLockUpgradableReadGuard<'a, Tracked<R, P>, T>,
);

impl<'a, R: RawRwLockUpgrade, P: LockPolicy, T: ?Sized> RwLockUpgradableReadGuard<'a, R, P, T> {
    /// The lock of this guard.
    pub fn rwlock(s: &Self) -> &'a RwLock<R, P, T> {
        cast::ours(lock_api::RwLockUpgradableReadGuard::rwlock(&s.0))
    }

    /// Turns the upgradable read into a write once the other readers are gone.
    ///
    /// # Panics
    /// Where the lock order report is set to `deny`; the lock is released then.
    #[track_caller]
    pub fn upgrade(s: Self) -> RwLockWriteGuard<'a, R, P, T> {
        RwLockWriteGuard(lock_api::RwLockUpgradableReadGuard::upgrade(s.0))
    }

    /// Turns the upgradable read into a write if there is no other reader.
    ///
    /// # Errors
    /// The guard as it was.
    #[track_caller]
    pub fn try_upgrade(s: Self) -> Result<RwLockWriteGuard<'a, R, P, T>, Self> {
        let upgraded = lock_api::RwLockUpgradableReadGuard::try_upgrade(s.0);
        upgraded.map(RwLockWriteGuard).map_err(Self)
    }

    guard_unlocked!(RwLockUpgradableReadGuard);
}

impl<R: RawRwLockUpgradeFair, P: LockPolicy, T: ?Sized> RwLockUpgradableReadGuard<'_, R, P, T> {
    guard_fair!(RwLockUpgradableReadGuard);
}

impl<'a, R: RawRwLockUpgradeDowngrade, P: LockPolicy, T: ?Sized>
    RwLockUpgradableReadGuard<'a, R, P, T>
{
    /// Turns the upgradable read into a plain one.
    #[track_caller]
    pub fn downgrade(s: Self) -> RwLockReadGuard<'a, R, P, T> {
        RwLockReadGuard(lock_api::RwLockUpgradableReadGuard::downgrade(s.0))
    }

    guard_with_upgraded!();
}

impl<'a, R: RawRwLockUpgradeTimed, P: LockPolicy, T: ?Sized>
    RwLockUpgradableReadGuard<'a, R, P, T>
{
    /// Turns the upgradable read into a write if the other readers are gone within `timeout`.
    ///
    /// # Errors
    /// The guard as it was.
    #[track_caller]
    pub fn try_upgrade_for(
        s: Self,
        timeout: R::Duration,
    ) -> Result<RwLockWriteGuard<'a, R, P, T>, Self> {
        let upgraded = lock_api::RwLockUpgradableReadGuard::try_upgrade_for(s.0, timeout);
        upgraded.map(RwLockWriteGuard).map_err(Self)
    }

    /// Turns the upgradable read into a write if the other readers are gone before `timeout`.
    ///
    /// # Errors
    /// The guard as it was.
    #[track_caller]
    pub fn try_upgrade_until(
        s: Self,
        timeout: R::Instant,
    ) -> Result<RwLockWriteGuard<'a, R, P, T>, Self> {
        let upgraded = lock_api::RwLockUpgradableReadGuard::try_upgrade_until(s.0, timeout);
        upgraded.map(RwLockWriteGuard).map_err(Self)
    }
}

impl<R: RawRwLockUpgradeTimed + RawRwLockUpgradeDowngrade, P: LockPolicy, T: ?Sized>
    RwLockUpgradableReadGuard<'_, R, P, T>
{
    guard_with_upgraded_timed!();
}

guard_data!(
    ['a, R: RawRwLockUpgrade, P: LockPolicy, T: ?Sized] RwLockUpgradableReadGuard<'a, R, P, T>
);
