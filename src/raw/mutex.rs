//! `lock_api`'s mutex traits for tracked locks.
//!
//! Every method that acquires is `#[track_caller]`: `lock_api` passes its caller on, so the site
//! that is recorded is the user's line.

use super::{LockPolicy, Tracked, TrackedGuard};
use lock_api::{RawMutex, RawMutexFair, RawMutexTimed};
use lockgraph_core::mode::{Mode, Want};
use std::panic::Location;

// SAFETY: every method that locks or unlocks does so by the raw lock's method of the same
// meaning, with the state of that very acquisition; the recorder in between takes no part in the
// exclusion. It may panic only before a fresh request, when nothing is held yet.
unsafe impl<R: RawMutex, P: LockPolicy> RawMutex for Tracked<R, P> {
    const INIT: Self = Tracked::nowhere(R::INIT);
    // Under `cargo lockgraph` the locks of `lock_api` are tracked, but for those that are already.
    #[cfg(lockgraph_whole)]
    const LOCKGRAPH_TRACKED: bool = true;

    type Guard = TrackedGuard<R::Guard>;

    #[inline]
    #[track_caller]
    fn lock(&self) -> Self::Guard {
        // SAFETY: `request` hands in the state of an acquisition of this lock.
        let unlock = |raw: &R, inner| unsafe { raw.unlock(inner) };
        self.request(Mode::Exclusive, Location::caller(), R::try_lock, unlock, R::lock)
    }

    #[inline]
    #[track_caller]
    fn try_lock(&self) -> Option<Self::Guard> {
        let inner = self.raw.try_lock()?;
        Some(self.hold(inner, Mode::Exclusive, Location::caller()))
    }

    #[inline]
    unsafe fn unlock(&self, guard: Self::Guard) {
        let inner = self.release(guard);
        // SAFETY: the caller hands in the state of an acquisition of this lock.
        unsafe { self.raw.unlock(inner) };
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.raw.is_locked()
    }
}

// SAFETY: as for `RawMutex`; a relock never panics.
unsafe impl<R: RawMutexFair, P: LockPolicy> RawMutexFair for Tracked<R, P> {
    #[inline]
    unsafe fn unlock_fair(&self, guard: Self::Guard) {
        let inner = self.release(guard);
        // SAFETY: the caller hands in the state of an acquisition of this lock.
        unsafe { self.raw.unlock_fair(inner) };
    }

    #[inline]
    #[track_caller]
    unsafe fn bump(&self, guard: &mut Self::Guard) {
        self.bump(guard, Want::Exclusive, Location::caller(), |raw, inner| {
            // SAFETY: the caller hands in the state of an acquisition of this lock.
            unsafe { raw.bump(inner) }
        });
    }
}

// SAFETY: as for `RawMutex`.
unsafe impl<R: RawMutexTimed, P: LockPolicy> RawMutexTimed for Tracked<R, P> {
    type Duration = R::Duration;
    type Instant = R::Instant;

    #[inline]
    #[track_caller]
    fn try_lock_for(&self, timeout: Self::Duration) -> Option<Self::Guard> {
        let timed = |raw: &R| raw.try_lock_for(timeout);
        self.timed(Want::Exclusive, Location::caller(), R::try_lock, timed)
    }

    #[inline]
    #[track_caller]
    fn try_lock_until(&self, timeout: Self::Instant) -> Option<Self::Guard> {
        let timed = |raw: &R| raw.try_lock_until(timeout);
        self.timed(Want::Exclusive, Location::caller(), R::try_lock, timed)
    }
}
