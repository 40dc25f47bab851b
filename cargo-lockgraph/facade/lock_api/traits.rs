//! `lock_api`'s raw traits for tracked locks. What a method looks like is the version's matter.

pub(super) use mutex::policy as policy_of_mutex;

mod mutex {
    use super::super::{self as tracked, Tracked};
    use crate::mutex::{RawMutex, RawMutexFair, RawMutexTimed};
    use core::panic::Location;
    use lockgraph_runtime::mode::{Mode, Policy, Want};

    pub(in super::super) fn policy<R: RawMutex>() -> &'static Policy {
        tracked::mutex::<R, marker!(R, Guard)>()
    }

    unsafe impl<R: RawMutex> RawMutex for Tracked<R> {
        const INIT: Self = Tracked::at(None, R::INIT);
        states!(Guard);
        blocking!(lock, try_lock, Want::Exclusive, Guard);
        attempt!(try_lock, Mode::Exclusive, Guard);
        release!(unlock, Mode::Exclusive, Guard);
        #[inline]
        fn is_locked(&self) -> bool {
            self.raw.is_locked()
        }
    }

    unsafe impl<R: RawMutexFair> RawMutexFair for Tracked<R> {
        release!(unlock_fair, Mode::Exclusive, Guard);
        bump!(bump, Want::Exclusive, Guard);
    }

    unsafe impl<R: RawMutexTimed> RawMutexTimed for Tracked<R> {
        type Duration = R::Duration;
        type Instant = R::Instant;
        timed!(try_lock_for(timeout: Self::Duration), Want::Exclusive, Guard);
        timed!(try_lock_until(timeout: Self::Instant), Want::Exclusive, Guard);
    }
}

mod rwlock {
    use super::super::{self as tracked, Tracked};
    use crate::rwlock::{
        RawRwLock, RawRwLockDowngrade, RawRwLockFair, RawRwLockTimed, RawRwLockUpgrade,
        RawRwLockUpgradeDowngrade, RawRwLockUpgradeFair, RawRwLockUpgradeTimed,
    };
    use core::panic::Location;
    use lockgraph_runtime::door;
    use lockgraph_runtime::mode::{Mode, Policy, Want};

    fn policy<R: RawRwLock>() -> &'static Policy {
        tracked::rwlock::<R, marker!(R, ExclusiveGuard)>()
    }

    unsafe impl<R: RawRwLock> RawRwLock for Tracked<R> {
        const INIT: Self = Tracked::at(None, R::INIT);
        states!(SharedGuard, ExclusiveGuard);
        blocking!(lock_shared, try_lock_shared, Want::Shared, SharedGuard);
        attempt!(try_lock_shared, Mode::Shared, SharedGuard);
        release!(unlock_shared, Mode::Shared, SharedGuard);
        blocking!(lock_exclusive, try_lock_exclusive, Want::Exclusive, ExclusiveGuard);
        attempt!(try_lock_exclusive, Mode::Exclusive, ExclusiveGuard);
        release!(unlock_exclusive, Mode::Exclusive, ExclusiveGuard);
        #[inline]
        fn is_locked(&self) -> bool {
            self.raw.is_locked()
        }
        #[cfg(lockgraph_has = "is_locked_exclusive")]
        #[inline]
        fn is_locked_exclusive(&self) -> bool {
            self.raw.is_locked_exclusive()
        }
    }

    unsafe impl<R: RawRwLockFair> RawRwLockFair for Tracked<R> {
        release!(unlock_shared_fair, Mode::Shared, SharedGuard);
        release!(unlock_exclusive_fair, Mode::Exclusive, ExclusiveGuard);
        bump!(bump_shared, Want::Shared, SharedGuard);
        bump!(bump_exclusive, Want::Exclusive, ExclusiveGuard);
    }

    unsafe impl<R: RawRwLockDowngrade> RawRwLockDowngrade for Tracked<R> {
        weaken!(downgrade, Mode::Shared, ExclusiveGuard -> SharedGuard);
    }

    unsafe impl<R: RawRwLockTimed> RawRwLockTimed for Tracked<R> {
        type Duration = R::Duration;
        type Instant = R::Instant;
        timed!(try_lock_shared_for(timeout: Self::Duration), Want::Shared, SharedGuard);
        timed!(try_lock_shared_until(timeout: Self::Instant), Want::Shared, SharedGuard);
        timed!(try_lock_exclusive_for(timeout: Self::Duration), Want::Exclusive, ExclusiveGuard);
        timed!(try_lock_exclusive_until(timeout: Self::Instant), Want::Exclusive, ExclusiveGuard);
    }

    #[cfg(lockgraph_has = "RawRwLockRecursive")]
    unsafe impl<R: crate::rwlock::RawRwLockRecursive> crate::rwlock::RawRwLockRecursive
        for Tracked<R>
    {
        blocking!(
            lock_shared_recursive,
            try_lock_shared_recursive,
            Want::SharedRecursive,
            SharedGuard
        );
        attempt!(try_lock_shared_recursive, Mode::SharedRecursive, SharedGuard);
    }

    #[cfg(lockgraph_has = "RawRwLockRecursive")]
    unsafe impl<R: crate::rwlock::RawRwLockRecursiveTimed> crate::rwlock::RawRwLockRecursiveTimed
        for Tracked<R>
    {
        timed!(try_lock_shared_recursive_for(timeout: Self::Duration), Want::SharedRecursive,
            SharedGuard
        );
        timed!(try_lock_shared_recursive_until(timeout: Self::Instant), Want::SharedRecursive,
            SharedGuard
        );
    }

    unsafe impl<R: RawRwLockUpgrade> RawRwLockUpgrade for Tracked<R> {
        upgradable_state!();
        blocking!(lock_upgradable, try_lock_upgradable, Want::Upgradable, UpgradableGuard);
        attempt!(try_lock_upgradable, Mode::Upgradable, UpgradableGuard);
        release!(unlock_upgradable, Mode::Upgradable, UpgradableGuard);
        upgrade!();
        attempt_upgrade!(try_upgrade());
    }

    unsafe impl<R: RawRwLockUpgradeFair> RawRwLockUpgradeFair for Tracked<R> {
        release!(unlock_upgradable_fair, Mode::Upgradable, UpgradableGuard);
        bump!(bump_upgradable, Want::Upgradable, UpgradableGuard);
    }

    unsafe impl<R: RawRwLockUpgradeDowngrade> RawRwLockUpgradeDowngrade for Tracked<R> {
        weaken!(downgrade_upgradable, Mode::Shared, UpgradableGuard -> SharedGuard);
        weaken!(downgrade_to_upgradable, Mode::Upgradable, ExclusiveGuard -> UpgradableGuard);
    }

    unsafe impl<R: RawRwLockUpgradeTimed> RawRwLockUpgradeTimed for Tracked<R> {
        timed!(try_lock_upgradable_for(timeout: Self::Duration), Want::Upgradable, UpgradableGuard);
        timed!(try_lock_upgradable_until(timeout: Self::Instant), Want::Upgradable, UpgradableGuard);
        attempt_upgrade!(try_upgrade_for(timeout: Self::Duration));
        attempt_upgrade!(try_upgrade_until(timeout: Self::Instant));
    }
}
