//! The condition variable.

use super::mutex::MutexGuard;
use super::relock;
use crate::raw::{LockPolicy, TrackedCondvar};
use lock_api::{RawCondvar, RawCondvarTimed, RawMutexTimed, WaitTimeoutResult};
use lockgraph_core::door;
use std::fmt;
use std::panic::Location;

/// A condition variable; [`lock_api::Condvar`] for tracked mutexes.
///
/// A wait is recorded as giving the mutex up and taking it again behind every other lock that
/// the thread holds.
///
/// # Cost
/// 8 bytes more than untracked.
#[repr(transparent)]
pub struct Condvar<C, P>(lock_api::Condvar<TrackedCondvar<C, P>>);

impl<C: RawCondvar, P: LockPolicy> Condvar<C, P> {
    /// A condition variable that nobody waits on.
    #[inline]
    pub const fn new() -> Self {
        Condvar(lock_api::Condvar::new())
    }

    /// The raw condition variable.
    #[inline]
    pub fn raw(&self) -> &TrackedCondvar<C, P> {
        self.0.raw()
    }

    /// Wakes one waiting thread; true where `C` knows that there was one.
    #[inline]
    pub fn notify_one(&self) -> bool {
        self.0.notify_one()
    }

    /// Wakes every waiting thread; how many, where `C` knows.
    #[inline]
    pub fn notify_all(&self) -> usize {
        self.0.notify_all()
    }

    /// Unlocks the mutex, parks the thread until it is notified, and locks again.
    ///
    /// # Panics
    /// Where `C` does: parking_lot's does when threads wait with two mutexes at once.
    #[inline]
    #[track_caller]
    pub fn wait<T: ?Sized>(&self, mutex_guard: &mut MutexGuard<'_, C::RawMutex, P, T>) {
        let _hint = door::at(Location::caller(), true);
        self.0.wait(&mut mutex_guard.0);
    }

    /// [Waits](Self::wait) for as long as `condition` is true.
    ///
    /// # Panics
    /// As [`wait`](Self::wait), and where `condition` does.
    #[inline]
    #[track_caller]
    pub fn wait_while<T, F>(
        &self,
        mutex_guard: &mut MutexGuard<'_, C::RawMutex, P, T>,
        condition: F,
    ) where
        T: ?Sized,
        F: FnMut(&mut T) -> bool,
    {
        self.0.wait_while(&mut mutex_guard.0, relock::between(Location::caller(), condition));
    }
}

impl<R, C, P> Condvar<C, P>
where
    R: RawMutexTimed,
    C: RawCondvarTimed<RawMutex = R>,
    P: LockPolicy,
{
    /// As [`wait`](Self::wait), until the instant `timeout` at the latest.
    ///
    /// # Panics
    /// As [`wait`](Self::wait).
    #[inline]
    #[track_caller]
    pub fn wait_until<T: ?Sized>(
        &self,
        mutex_guard: &mut MutexGuard<'_, R, P, T>,
        timeout: R::Instant,
    ) -> WaitTimeoutResult {
        let _hint = door::at(Location::caller(), true);
        self.0.wait_until(&mut mutex_guard.0, timeout)
    }

    /// As [`wait`](Self::wait), for the duration `timeout` at most.
    ///
    /// # Panics
    /// As [`wait`](Self::wait).
    #[inline]
    #[track_caller]
    pub fn wait_for<T: ?Sized>(
        &self,
        mutex_guard: &mut MutexGuard<'_, R, P, T>,
        timeout: R::Duration,
    ) -> WaitTimeoutResult {
        let _hint = door::at(Location::caller(), true);
        self.0.wait_for(&mut mutex_guard.0, timeout)
    }

    /// As [`wait_while`](Self::wait_while), until the instant `timeout` at the latest.
    ///
    /// # Panics
    /// As [`wait_while`](Self::wait_while).
    #[inline]
    #[track_caller]
    pub fn wait_while_until<T, F>(
        &self,
        mutex_guard: &mut MutexGuard<'_, R, P, T>,
        condition: F,
        timeout: R::Instant,
    ) -> WaitTimeoutResult
    where
        T: ?Sized,
        F: FnMut(&mut T) -> bool,
    {
        let condition = relock::between(Location::caller(), condition);
        self.0.wait_while_until(&mut mutex_guard.0, condition, timeout)
    }

    /// As [`wait_while`](Self::wait_while), for the duration `timeout` at most.
    ///
    /// # Panics
    /// As [`wait_while`](Self::wait_while).
    #[inline]
    #[track_caller]
    pub fn wait_while_for<T, F>(
        &self,
        mutex_guard: &mut MutexGuard<'_, R, P, T>,
        condition: F,
        timeout: R::Duration,
    ) -> WaitTimeoutResult
    where
        T: ?Sized,
        F: FnMut(&mut T) -> bool,
    {
        let condition = relock::between(Location::caller(), condition);
        self.0.wait_while_for(&mut mutex_guard.0, condition, timeout)
    }
}

impl<C: RawCondvar, P: LockPolicy> Default for Condvar<C, P> {
    #[inline]
    fn default() -> Self {
        Condvar::new()
    }
}

impl<C, P> fmt::Debug for Condvar<C, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
