//! The condition variable.
//!
//! A wait ends the hold and requests it again before the thread sleeps: every lock that stays
//! held meanwhile is ordered before the mutex.

use super::header::Hold;
use super::mutex::{MutexGuard, POLICY};
use super::real;
use super::result::map;
use crate::door;
use crate::lock::{LockHeader, Site};
use crate::mode::{Mode, Want};
use std::fmt;
use std::panic::Location;
use std::sync::LockResult;
use std::thread;
use std::time::{Duration, Instant};

/// A condition variable for a [`Mutex`](super::Mutex); see [`std::sync::Condvar`].
///
/// # Cost
/// That of `std`'s; a wait looks at what else is held.
///
/// # Panics
/// Where `std`'s does, which depends on the system: the same condition variable used with two
/// mutexes at once. Reported as LG013 then.
pub struct Condvar {
    inner: real::Condvar,
}

/// Whether a timed wait ended because its time was over.
#[derive(Debug, PartialEq, Eq, Copy, Clone)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// True where the time was over. The condition may hold all the same.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

/// A thread in a wait, which unwinds only where the system's condition variable refuses a second
/// mutex.
struct Refused<'a> {
    header: &'a LockHeader,
    site: Site,
    unwinding: bool,
}

impl Drop for Refused<'_> {
    fn drop(&mut self) {
        if !self.unwinding && thread::panicking() {
            door::condvar_two_mutexes(self.header, self.site);
        }
    }
}

impl Condvar {
    /// A condition variable that nobody waits for.
    #[must_use]
    #[inline]
    pub const fn new() -> Condvar {
        Condvar { inner: real::Condvar::new() }
    }

    /// Gives the mutex up, sleeps until notified or spuriously woken, and locks again.
    ///
    /// # Errors
    /// The guard, where a thread has panicked with the mutex locked.
    #[track_caller]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let (hold, result) = sleep(guard, Location::caller(), |inner| self.inner.wait(inner));
        map(result, |inner| MutexGuard { hold, inner })
    }

    /// Waits as long as `condition` is true.
    ///
    /// # Errors
    /// The guard, where a thread has panicked with the mutex locked.
    #[track_caller]
    pub fn wait_while<'a, T, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: F,
    ) -> LockResult<MutexGuard<'a, T>>
    where
        F: FnMut(&mut T) -> bool,
    {
        while condition(&mut *guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// As [`wait_timeout`](Self::wait_timeout), in milliseconds; false where the time was over.
    ///
    /// # Errors
    /// The guard, where a thread has panicked with the mutex locked.
    #[deprecated(since = "1.6.0", note = "replaced by `std::sync::Condvar::wait_timeout`")]
    #[track_caller]
    pub fn wait_timeout_ms<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        ms: u32,
    ) -> LockResult<(MutexGuard<'a, T>, bool)> {
        let result = self.wait_timeout(guard, Duration::from_millis(u64::from(ms)));
        map(result, |(guard, timeout)| (guard, !timeout.timed_out()))
    }

    /// Gives the mutex up, sleeps until notified, spuriously woken or `dur` is over, and locks
    /// again.
    ///
    /// # Errors
    /// The guard, where a thread has panicked with the mutex locked.
    #[track_caller]
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        dur: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let (hold, result) =
            sleep(guard, Location::caller(), |inner| self.inner.wait_timeout(inner, dur));
        map(result, |(inner, timeout)| {
            (MutexGuard { hold, inner }, WaitTimeoutResult(timeout.timed_out()))
        })
    }

    /// Waits as long as `condition` is true, but not longer than `dur`.
    ///
    /// # Errors
    /// The guard, where a thread has panicked with the mutex locked.
    #[track_caller]
    pub fn wait_timeout_while<'a, T, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        dur: Duration,
        mut condition: F,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)>
    where
        F: FnMut(&mut T) -> bool,
    {
        let start = Instant::now();
        loop {
            if !condition(&mut *guard) {
                return Ok((guard, WaitTimeoutResult(false)));
            }
            let Some(timeout) = dur.checked_sub(start.elapsed()) else {
                return Ok((guard, WaitTimeoutResult(true)));
            };
            guard = self.wait_timeout(guard, timeout)?.0;
        }
    }

    /// Wakes one thread that waits.
    #[inline]
    pub fn notify_one(&self) {
        self.inner.notify_one();
    }

    /// Wakes every thread that waits.
    #[inline]
    pub fn notify_all(&self) {
        self.inner.notify_all();
    }
}

/// Runs `wait`, which gives the real mutex up and has it again when it returns.
fn sleep<'a, T, R>(
    guard: MutexGuard<'a, T>,
    site: Site,
    wait: impl FnOnce(real::MutexGuard<'a, T>) -> R,
) -> (Hold<'a>, R) {
    let MutexGuard { hold, inner } = guard;
    let header = hold.header();
    door::condvar_wait(header, site);
    drop(hold);
    // Before the sleep, not at its end: by then the thread may hang for good.
    door::before_relock(header, &POLICY, Want::Exclusive, site);
    let refused = Refused { header, site, unwinding: thread::panicking() };
    let parked = door::sleeps(header, &POLICY, site);
    let result = wait(inner);
    drop(parked);
    drop(refused);
    (Hold::new(header, &POLICY, Mode::Exclusive, site), result)
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Default for Condvar {
    fn default() -> Condvar {
        Condvar::new()
    }
}
