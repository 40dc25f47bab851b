//! Locking through an [`Arc`]: guards that own a handle to their lock.
//!
//! Field 0 of each is `lock_api`'s guard, which owns the handle; field 1 is the same handle with
//! our type, for the functions that give it out, and owns nothing.

/// From `lock_api`'s guard, to the lock, and out of the guard.
macro_rules! arc_guard {
    ($guard:ident<$($base:ty),*>, $lock:ident -> $ours:ty) => {
        #[inline]
        fn wrap(guard: lock_api::$guard<$($base),*>) -> Self {
            let lock = cast::ours_arc(lock_api::$guard::$lock(&guard));
            $guard(guard, lock)
        }

        /// The lock of this guard.
        #[inline]
        pub fn $lock(s: &Self) -> &Arc<$ours> {
            &s.1
        }

        /// Unlocks, and returns the handle to the lock.
        #[inline]
        #[track_caller]
        pub fn into_arc(s: Self) -> Arc<$ours> {
            cast::into_ours_arc(lock_api::$guard::into_arc(s.0))
        }

        guard_unlocked!($guard);
    };
}

/// The fair functions of a borrowing guard, and `into_arc_fair`.
macro_rules! arc_guard_fair {
    ($guard:ident -> $ours:ty) => {
        guard_fair!($guard);

        /// Unlocks, handing the lock to a waiting thread where there is one, and returns the
        /// handle to the lock.
        #[inline]
        pub fn into_arc_fair(s: Self) -> Arc<$ours> {
            cast::into_ours_arc(lock_api::$guard::into_arc_fair(s.0))
        }
    };
}

mod mutex;
mod rwlock;

pub use mutex::{ArcMutexGuard, ArcReentrantMutexGuard};
pub use rwlock::{ArcRwLockReadGuard, ArcRwLockUpgradableReadGuard, ArcRwLockWriteGuard};
