//! `lock_api`'s condition-variable traits for tracked mutexes.
//!
//! A wait ends the hold and requests it again before the thread sleeps: every lock that stays
//! held meanwhile is ordered before the mutex.

use super::{LockPolicy, Tracked, TrackedGuard};
use lock_api::{RawCondvar, RawCondvarTimed, RawMutexTimed};
use lockgraph_core::door;
use lockgraph_core::lock::{LockHeader, Site};
use lockgraph_core::mode::Want;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// A raw condition variable `C` for mutexes tracked by policy `P`.
///
/// # Panics
/// Where `C` does; a wait that unwinds holds the mutex, as `lock_api` asks. One that panics
/// because threads wait with two mutexes is reported as LG013.
pub struct TrackedCondvar<C, P> {
    raw: C,
    /// The mutex of the threads that wait, and how many there are: `id | count << 40`. Too high
    /// for a moment when they wake, so it is but a suspicion.
    waiting: AtomicU64,
    policy: PhantomData<fn() -> P>,
}

/// One waiter, in [`TrackedCondvar::waiting`].
const WAITER: u64 = 1 << 40;

impl<C, P> TrackedCondvar<C, P> {
    /// Counts a waiter with the mutex of `header`.
    fn enter<'a>(&'a self, header: &'a LockHeader, site: Site) -> Waiter<'a> {
        let id = header.id().0;
        let counted = id == 0
            || self
                .waiting
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
                    let free = now < WAITER;
                    (free || now % WAITER == id)
                        .then(|| if free { id | WAITER } else { now + WAITER })
                })
                .is_ok();
        let stranger = !counted && !thread::panicking();
        let waiting = (id != 0 && counted).then_some(&self.waiting);
        Waiter { waiting, stranger, header, site }
    }
}

/// A thread in a wait.
struct Waiter<'a> {
    waiting: Option<&'a AtomicU64>,
    /// Others were in a wait with another mutex.
    stranger: bool,
    header: &'a LockHeader,
    site: Site,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if let Some(waiting) = self.waiting {
            waiting.fetch_sub(WAITER, Ordering::Relaxed);
        }
        // The other waiters may have been woken just now, which only `C` can tell.
        if self.stranger && thread::panicking() {
            door::condvar_two_mutexes(self.header, self.site);
        }
    }
}

impl<C: RawCondvar, P: LockPolicy> TrackedCondvar<C, P> {
    #[inline]
    fn sleep<G, U>(
        &self,
        mutex: &Tracked<C::RawMutex, P>,
        guard: &mut TrackedGuard<G>,
        site: Site,
        wait: impl FnOnce(&C::RawMutex, &mut G) -> U,
    ) -> U {
        door::condvar_wait(mutex.header(), site);
        let _waiter = self.enter(mutex.header(), site);
        let parks = || door::sleeps(mutex.header(), P::POLICY, site);
        mutex.relock(guard, Want::Exclusive, site, parks, wait)
    }
}

// SAFETY: the raw condition variable waits, with the raw mutex and the state of its acquisition;
// it keeps that state valid on return and unwind, and so does `relock` with the token beside it.
unsafe impl<C: RawCondvar, P: LockPolicy> RawCondvar for TrackedCondvar<C, P> {
    const INIT: Self =
        TrackedCondvar { raw: C::INIT, waiting: AtomicU64::new(0), policy: PhantomData };

    type RawMutex = Tracked<C::RawMutex, P>;

    #[inline]
    #[track_caller]
    unsafe fn wait(
        &self,
        mutex: &Self::RawMutex,
        guard: &mut <Self::RawMutex as lock_api::RawMutex>::Guard,
    ) {
        self.sleep(mutex, guard, Location::caller(), |mutex, guard| {
            // SAFETY: the caller holds the mutex by this state.
            unsafe { self.raw.wait(mutex, guard) }
        });
    }

    #[inline]
    fn notify_one(&self) -> bool {
        self.raw.notify_one()
    }

    #[inline]
    fn notify_all(&self) -> usize {
        self.raw.notify_all()
    }
}

// SAFETY: as for `RawCondvar`.
unsafe impl<C: RawCondvarTimed, P: LockPolicy> RawCondvarTimed for TrackedCondvar<C, P>
where
    C::RawMutex: RawMutexTimed,
{
    fn checked_duration_to_instant(
        timeout: &<Self::RawMutex as RawMutexTimed>::Duration,
    ) -> Option<<Self::RawMutex as RawMutexTimed>::Instant> {
        C::checked_duration_to_instant(timeout)
    }

    #[inline]
    #[track_caller]
    unsafe fn wait_until(
        &self,
        mutex: &Self::RawMutex,
        guard: &mut <Self::RawMutex as lock_api::RawMutex>::Guard,
        timeout: &<Self::RawMutex as RawMutexTimed>::Instant,
    ) -> bool {
        self.sleep(mutex, guard, Location::caller(), |mutex, guard| {
            // SAFETY: the caller holds the mutex by this state.
            unsafe { self.raw.wait_until(mutex, guard, timeout) }
        })
    }

    #[inline]
    #[track_caller]
    unsafe fn wait_for(
        &self,
        mutex: &Self::RawMutex,
        guard: &mut <Self::RawMutex as lock_api::RawMutex>::Guard,
        timeout: &<Self::RawMutex as RawMutexTimed>::Duration,
    ) -> bool {
        self.sleep(mutex, guard, Location::caller(), |mutex, guard| {
            // SAFETY: the caller holds the mutex by this state.
            unsafe { self.raw.wait_for(mutex, guard, timeout) }
        })
    }
}

impl<C, P> fmt::Debug for TrackedCondvar<C, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrackedCondvar").finish_non_exhaustive()
    }
}
