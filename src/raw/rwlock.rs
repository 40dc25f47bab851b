//! `lock_api`'s reader-writer traits for tracked locks.
//!
//! A mode that gets weaker is recorded before the raw lock lets others in, one that gets
//! stronger after it was granted: the recorder never claims more than is held.

use super::{Held, LockPolicy, Tracked, TrackedGuard};
use lock_api::{
    RawRwLock, RawRwLockDowngrade, RawRwLockFair, RawRwLockTimed, RawRwLockUpgrade,
    RawRwLockUpgradeDowngrade, RawRwLockUpgradeFair, RawRwLockUpgradeTimed,
};
use lockgraph_core::door::{self, Parked};
use lockgraph_core::mode::{Mode, Want};
use std::panic::Location;

// SAFETY: every method that locks or unlocks does so by the raw lock's method of the same
// meaning, with the state of that very acquisition; the recorder in between takes no part in the
// exclusion. It may panic only before a fresh request, when nothing is held yet.
unsafe impl<R: RawRwLock, P: LockPolicy> RawRwLock for Tracked<R, P> {
    const INIT: Self = Tracked::nowhere(R::INIT);
    // Under `cargo lockgraph` the locks of `lock_api` are tracked, but for those that are already.
    #[cfg(lockgraph_whole)]
    const LOCKGRAPH_TRACKED: bool = true;

    type SharedGuard = TrackedGuard<R::SharedGuard>;
    type ExclusiveGuard = TrackedGuard<R::ExclusiveGuard>;

    #[inline]
    #[track_caller]
    fn lock_shared(&self) -> Self::SharedGuard {
        // SAFETY: `request` hands in the state of an acquisition of this lock in this mode.
        let unlock = |raw: &R, inner| unsafe { raw.unlock_shared(inner) };
        let (mode, site) = (P::READ.mode(), Location::caller());
        self.request(mode, site, R::try_lock_shared, unlock, R::lock_shared)
    }

    #[inline]
    #[track_caller]
    fn try_lock_shared(&self) -> Option<Self::SharedGuard> {
        let inner = self.raw.try_lock_shared()?;
        Some(self.hold(inner, P::READ.mode(), Location::caller()))
    }

    #[inline]
    unsafe fn unlock_shared(&self, guard: Self::SharedGuard) {
        let inner = self.release(guard);
        // SAFETY: the caller hands in the state of a shared acquisition of this lock.
        unsafe { self.raw.unlock_shared(inner) };
    }

    #[inline]
    #[track_caller]
    fn lock_exclusive(&self) -> Self::ExclusiveGuard {
        // SAFETY: `request` hands in the state of an acquisition of this lock in this mode.
        let unlock = |raw: &R, inner| unsafe { raw.unlock_exclusive(inner) };
        let (mode, site) = (Mode::Exclusive, Location::caller());
        self.request(mode, site, R::try_lock_exclusive, unlock, R::lock_exclusive)
    }

    #[inline]
    #[track_caller]
    fn try_lock_exclusive(&self) -> Option<Self::ExclusiveGuard> {
        let inner = self.raw.try_lock_exclusive()?;
        Some(self.hold(inner, Mode::Exclusive, Location::caller()))
    }

    #[inline]
    unsafe fn unlock_exclusive(&self, guard: Self::ExclusiveGuard) {
        let inner = self.release(guard);
        // SAFETY: the caller hands in the state of an exclusive acquisition of this lock.
        unsafe { self.raw.unlock_exclusive(inner) };
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.raw.is_locked()
    }

    #[inline]
    fn is_locked_exclusive(&self) -> bool {
        self.raw.is_locked_exclusive()
    }
}

// SAFETY: as for `RawRwLock`; a relock never panics.
unsafe impl<R: RawRwLockFair, P: LockPolicy> RawRwLockFair for Tracked<R, P> {
    #[inline]
    unsafe fn unlock_shared_fair(&self, guard: Self::SharedGuard) {
        let inner = self.release(guard);
        // SAFETY: the caller hands in the state of a shared acquisition of this lock.
        unsafe { self.raw.unlock_shared_fair(inner) };
    }

    #[inline]
    unsafe fn unlock_exclusive_fair(&self, guard: Self::ExclusiveGuard) {
        let inner = self.release(guard);
        // SAFETY: the caller hands in the state of an exclusive acquisition of this lock.
        unsafe { self.raw.unlock_exclusive_fair(inner) };
    }

    #[inline]
    #[track_caller]
    unsafe fn bump_shared(&self, guard: &mut Self::SharedGuard) {
        self.bump(guard, P::READ, Location::caller(), |raw, inner| {
            // SAFETY: the caller hands in the state of a shared acquisition of this lock.
            unsafe { raw.bump_shared(inner) }
        });
    }

    #[inline]
    #[track_caller]
    unsafe fn bump_exclusive(&self, guard: &mut Self::ExclusiveGuard) {
        self.bump(guard, Want::Exclusive, Location::caller(), |raw, inner| {
            // SAFETY: the caller hands in the state of an exclusive acquisition of this lock.
            unsafe { raw.bump_exclusive(inner) }
        });
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl<R: RawRwLockDowngrade, P: LockPolicy> RawRwLockDowngrade for Tracked<R, P> {
    #[inline]
    unsafe fn downgrade(&self, guard: Self::ExclusiveGuard) -> Self::SharedGuard {
        let (mut held, inner) = self.open(guard);
        held.converted(P::READ.mode());
        // SAFETY: the caller hands in the state of an exclusive acquisition of this lock.
        held.close(unsafe { self.raw.downgrade(inner) })
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl<R: RawRwLockTimed, P: LockPolicy> RawRwLockTimed for Tracked<R, P> {
    type Duration = R::Duration;
    type Instant = R::Instant;

    #[inline]
    #[track_caller]
    fn try_lock_shared_for(&self, timeout: Self::Duration) -> Option<Self::SharedGuard> {
        let timed = |raw: &R| raw.try_lock_shared_for(timeout);
        self.timed(P::READ, Location::caller(), R::try_lock_shared, timed)
    }

    #[inline]
    #[track_caller]
    fn try_lock_shared_until(&self, timeout: Self::Instant) -> Option<Self::SharedGuard> {
        let timed = |raw: &R| raw.try_lock_shared_until(timeout);
        self.timed(P::READ, Location::caller(), R::try_lock_shared, timed)
    }

    #[inline]
    #[track_caller]
    fn try_lock_exclusive_for(&self, timeout: Self::Duration) -> Option<Self::ExclusiveGuard> {
        let timed = |raw: &R| raw.try_lock_exclusive_for(timeout);
        self.timed(Want::Exclusive, Location::caller(), R::try_lock_exclusive, timed)
    }

    #[inline]
    #[track_caller]
    fn try_lock_exclusive_until(&self, timeout: Self::Instant) -> Option<Self::ExclusiveGuard> {
        let timed = |raw: &R| raw.try_lock_exclusive_until(timeout);
        self.timed(Want::Exclusive, Location::caller(), R::try_lock_exclusive, timed)
    }
}

/// Unlocks should the recorder panic before an upgrade: an operation that consumes its guard
/// state gives the acquisition up when it unwinds.
struct UnlockOnUnwind<'a, R: RawRwLockUpgrade, P: LockPolicy> {
    lock: &'a Tracked<R, P>,
    guard: Option<TrackedGuard<R::UpgradableGuard>>,
}

impl<'a, R: RawRwLockUpgrade, P: LockPolicy> UnlockOnUnwind<'a, R, P> {
    /// From here on to the next guard state, the raw lock answers for it.
    fn open(&mut self) -> (Held<'a>, R::UpgradableGuard) {
        self.lock.open(self.guard.take().expect("put back after each attempt"))
    }
}

impl<R: RawRwLockUpgrade, P: LockPolicy> Drop for UnlockOnUnwind<'_, R, P> {
    fn drop(&mut self) {
        if let Some(guard) = self.guard.take() {
            // SAFETY: `upgrade` has put the state of an upgradable acquisition here.
            unsafe { self.lock.unlock_upgradable(guard) };
        }
    }
}

// SAFETY: as for `RawRwLock`; where the recorder panics before an upgrade, `UnlockOnUnwind` gives
// the upgradable acquisition up.
unsafe impl<R: RawRwLockUpgrade, P: LockPolicy> RawRwLockUpgrade for Tracked<R, P> {
    type UpgradableGuard = TrackedGuard<R::UpgradableGuard>;

    #[inline]
    #[track_caller]
    fn lock_upgradable(&self) -> Self::UpgradableGuard {
        // SAFETY: `request` hands in the state of an acquisition of this lock in this mode.
        let unlock = |raw: &R, inner| unsafe { raw.unlock_upgradable(inner) };
        let (mode, site) = (Mode::Upgradable, Location::caller());
        self.request(mode, site, R::try_lock_upgradable, unlock, R::lock_upgradable)
    }

    #[inline]
    #[track_caller]
    fn try_lock_upgradable(&self) -> Option<Self::UpgradableGuard> {
        let inner = self.raw.try_lock_upgradable()?;
        Some(self.hold(inner, Mode::Upgradable, Location::caller()))
    }

    #[inline]
    unsafe fn unlock_upgradable(&self, guard: Self::UpgradableGuard) {
        let inner = self.release(guard);
        // SAFETY: the caller hands in the state of an upgradable acquisition of this lock.
        unsafe { self.raw.unlock_upgradable(inner) };
    }

    #[inline]
    #[track_caller]
    unsafe fn upgrade(&self, guard: Self::UpgradableGuard) -> Self::ExclusiveGuard {
        let site = Location::caller();
        let mut armed = UnlockOnUnwind { lock: self, guard: Some(guard) };
        door::before(&self.header, P::POLICY, Want::Upgrade, site);
        let mut parked: Option<Parked> = None;
        loop {
            let (mut held, inner) = armed.open();
            // SAFETY: the caller hands in the state of an upgradable acquisition of this lock.
            match unsafe { self.raw.try_upgrade(inner) } {
                Ok(inner) => {
                    drop(parked.take());
                    held.converted(Mode::Exclusive);
                    return held.close(inner);
                }
                Err(inner) => armed.guard = Some(held.close(inner)),
            }
            let parks = match &mut parked {
                Some(parked) => parked.parks(),
                None => {
                    let want = Want::Upgrade;
                    parked = Some(door::blocked(&self.header, P::POLICY, want, site));
                    false
                }
            };
            if parks {
                let (mut held, inner) = armed.open();
                // SAFETY: a failed `try_upgrade` has returned the state of that acquisition.
                let inner = unsafe { self.raw.upgrade(inner) };
                drop(parked.take());
                held.converted(Mode::Exclusive);
                return held.close(inner);
            }
        }
    }

    #[inline]
    unsafe fn try_upgrade(
        &self,
        guard: Self::UpgradableGuard,
    ) -> Result<Self::ExclusiveGuard, Self::UpgradableGuard> {
        // SAFETY: the caller hands in the state of an upgradable acquisition of this lock.
        self.attempt_upgrade(guard, |raw, inner| unsafe { raw.try_upgrade(inner) })
    }
}

impl<R: RawRwLockUpgrade, P: LockPolicy> Tracked<R, P> {
    #[inline]
    #[track_caller]
    fn timed_upgrade(
        &self,
        guard: TrackedGuard<R::UpgradableGuard>,
        attempt: impl FnOnce(&R, R::UpgradableGuard) -> Result<R::ExclusiveGuard, R::UpgradableGuard>,
    ) -> Result<TrackedGuard<R::ExclusiveGuard>, TrackedGuard<R::UpgradableGuard>> {
        let site = Location::caller();
        self.attempt_upgrade(guard, |raw, inner| {
            let _parked = door::timed(&self.header, P::POLICY, Want::Upgrade, site);
            attempt(raw, inner)
        })
    }

    #[inline]
    fn attempt_upgrade(
        &self,
        guard: TrackedGuard<R::UpgradableGuard>,
        attempt: impl FnOnce(&R, R::UpgradableGuard) -> Result<R::ExclusiveGuard, R::UpgradableGuard>,
    ) -> Result<TrackedGuard<R::ExclusiveGuard>, TrackedGuard<R::UpgradableGuard>> {
        let (mut held, inner) = self.open(guard);
        match attempt(&self.raw, inner) {
            Ok(inner) => {
                held.converted(Mode::Exclusive);
                Ok(held.close(inner))
            }
            Err(inner) => Err(held.close(inner)),
        }
    }
}

// SAFETY: as for `RawRwLock`; a relock never panics.
unsafe impl<R: RawRwLockUpgradeFair, P: LockPolicy> RawRwLockUpgradeFair for Tracked<R, P> {
    #[inline]
    unsafe fn unlock_upgradable_fair(&self, guard: Self::UpgradableGuard) {
        let inner = self.release(guard);
        // SAFETY: the caller hands in the state of an upgradable acquisition of this lock.
        unsafe { self.raw.unlock_upgradable_fair(inner) };
    }

    #[inline]
    #[track_caller]
    unsafe fn bump_upgradable(&self, guard: &mut Self::UpgradableGuard) {
        self.bump(guard, Want::Upgradable, Location::caller(), |raw, inner| {
            // SAFETY: the caller hands in the state of an upgradable acquisition of this lock.
            unsafe { raw.bump_upgradable(inner) }
        });
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl<R: RawRwLockUpgradeDowngrade, P: LockPolicy> RawRwLockUpgradeDowngrade
    for Tracked<R, P>
{
    #[inline]
    unsafe fn downgrade_upgradable(&self, guard: Self::UpgradableGuard) -> Self::SharedGuard {
        let (mut held, inner) = self.open(guard);
        held.converted(P::READ.mode());
        // SAFETY: the caller hands in the state of an upgradable acquisition of this lock.
        held.close(unsafe { self.raw.downgrade_upgradable(inner) })
    }

    #[inline]
    unsafe fn downgrade_to_upgradable(&self, guard: Self::ExclusiveGuard) -> Self::UpgradableGuard {
        let (mut held, inner) = self.open(guard);
        held.converted(Mode::Upgradable);
        // SAFETY: the caller hands in the state of an exclusive acquisition of this lock.
        held.close(unsafe { self.raw.downgrade_to_upgradable(inner) })
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl<R: RawRwLockUpgradeTimed, P: LockPolicy> RawRwLockUpgradeTimed for Tracked<R, P> {
    #[inline]
    #[track_caller]
    fn try_lock_upgradable_for(&self, timeout: Self::Duration) -> Option<Self::UpgradableGuard> {
        let timed = |raw: &R| raw.try_lock_upgradable_for(timeout);
        self.timed(Want::Upgradable, Location::caller(), R::try_lock_upgradable, timed)
    }

    #[inline]
    #[track_caller]
    fn try_lock_upgradable_until(&self, timeout: Self::Instant) -> Option<Self::UpgradableGuard> {
        let timed = |raw: &R| raw.try_lock_upgradable_until(timeout);
        self.timed(Want::Upgradable, Location::caller(), R::try_lock_upgradable, timed)
    }

    #[inline]
    #[track_caller]
    unsafe fn try_upgrade_for(
        &self,
        guard: Self::UpgradableGuard,
        timeout: Self::Duration,
    ) -> Result<Self::ExclusiveGuard, Self::UpgradableGuard> {
        // SAFETY: the caller hands in the state of an upgradable acquisition of this lock.
        self.timed_upgrade(guard, |raw, inner| unsafe { raw.try_upgrade_for(inner, timeout) })
    }

    #[inline]
    #[track_caller]
    unsafe fn try_upgrade_until(
        &self,
        guard: Self::UpgradableGuard,
        timeout: Self::Instant,
    ) -> Result<Self::ExclusiveGuard, Self::UpgradableGuard> {
        // SAFETY: the caller hands in the state of an upgradable acquisition of this lock.
        self.timed_upgrade(guard, |raw, inner| unsafe { raw.try_upgrade_until(inner, timeout) })
    }
}
