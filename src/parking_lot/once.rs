//! The one-time initialisation.

use super::{OnceState, policy};
use crate::raw::{LockPolicy, Tracked};
use lockgraph_core::door::{self, Parked, Token};
use lockgraph_core::lock::{Label, LockHeader, Site};
use lockgraph_core::mode::{Mode, Policy, Want};
use std::fmt;
use std::panic::Location;

const POLICY: &Policy = <policy::Once as LockPolicy>::POLICY;

/// A one-time initialisation.
///
/// To the recorder it is a lock that the initialiser holds alone while it runs, and that every
/// other caller wants as long as it is not complete: initialisers that wait for each other, or
/// for themselves, are reported.
///
/// # Cost
/// 16 bytes more than untracked; nothing at all once complete.
pub struct Once(Tracked<::parking_lot::Once, policy::Once>);

impl Once {
    /// A `Once` that has not run. The caller's line is its creation site.
    #[inline]
    #[track_caller]
    pub const fn new() -> Once {
        Once(Tracked::at(Location::caller(), ::parking_lot::Once::new()))
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn __label(mut self, label: &'static Label) -> Self {
        self.0.label(label);
        self
    }

    /// A `Once` that is complete.
    #[inline]
    #[track_caller]
    pub const fn new_completed() -> Once {
        Once(Tracked::at(Location::caller(), ::parking_lot::Once::new_completed()))
    }

    /// How far it is.
    #[inline]
    pub fn state(&self) -> OnceState {
        self.0.inner().state()
    }

    /// Whether an initialiser has completed.
    #[inline]
    pub fn is_completed(&self) -> bool {
        self.0.inner().is_completed()
    }

    /// Parks the thread until an initialiser has completed.
    ///
    /// # Panics
    /// Where an initialiser has panicked.
    #[inline]
    #[track_caller]
    pub fn wait(&self) {
        if !self.is_completed() {
            self.wait_slow(Location::caller(), ::parking_lot::Once::wait);
        }
    }

    /// As [`wait`](Self::wait), also for another initialiser after one has panicked.
    #[inline]
    #[track_caller]
    pub fn wait_force(&self) {
        if !self.is_completed() {
            self.wait_slow(Location::caller(), ::parking_lot::Once::wait_force);
        }
    }

    /// Runs `f` unless an initialiser has run, and parks the thread while one runs elsewhere.
    ///
    /// # Panics
    /// Where `f` does, and where an initialiser has panicked before. A call from within `f` would
    /// never return: it is reported as LG001 and panics by default.
    #[inline]
    #[track_caller]
    pub fn call_once<F>(&self, f: F)
    where
        F: FnOnce(),
    {
        if !self.is_completed() {
            let site = Location::caller();
            self.call_slow(site, |once, run| once.call_once(|| run.during(f)));
        }
    }

    /// As [`call_once`](Self::call_once), also after an initialiser has panicked; `f` is told.
    ///
    /// # Panics
    /// Where `f` does.
    #[inline]
    #[track_caller]
    pub fn call_once_force<F>(&self, f: F)
    where
        F: FnOnce(OnceState),
    {
        if !self.is_completed() {
            let site = Location::caller();
            self.call_slow(site, |once, run| once.call_once_force(|state| run.during(|| f(state))));
        }
    }

    fn wait_slow(&self, site: Site, wait: impl FnOnce(&::parking_lot::Once)) {
        door::before(self.0.header(), POLICY, Want::Shared, site);
        let _passed = Passed::waits(self, Want::Shared, site);
        wait(self.0.inner());
    }

    fn call_slow(&self, site: Site, call: impl FnOnce(&::parking_lot::Once, &mut Run<'_>)) {
        door::before(self.0.header(), POLICY, Want::Exclusive, site);
        // The state may change before the call, which then does not park: no harm, as whoever
        // was at work is gone.
        let waits = self.state() == OnceState::InProgress;
        let passed = waits.then(|| Passed::waits(self, Want::Exclusive, site));
        let mut run = Run { once: self, site, passed };
        call(self.0.inner(), &mut run);
    }
}

/// A wait that ends without a hold: for the recorder, with one that ends at once.
struct Passed<'a> {
    once: &'a Once,
    site: Site,
    parked: Option<Parked>,
}

impl<'a> Passed<'a> {
    fn waits(once: &'a Once, want: Want, site: Site) -> Self {
        let mut parked = door::blocked(once.0.header(), POLICY, want, site);
        // Nobody queues here as a writer: it asks for no further attempt.
        parked.parks();
        Passed { once, site, parked: Some(parked) }
    }
}

impl Drop for Passed<'_> {
    fn drop(&mut self) {
        drop(self.parked.take());
        let header = self.once.0.header();
        door::released(header, door::acquired(header, POLICY, Mode::Shared, self.site));
    }
}

/// A call that may turn out to be the one that initialises.
struct Run<'a> {
    once: &'a Once,
    site: Site,
    passed: Option<Passed<'a>>,
}

impl Run<'_> {
    /// Runs the initialiser, which holds the lock meanwhile.
    fn during(&mut self, f: impl FnOnce()) {
        struct Hold<'a>(&'a Once, Option<Token>);
        impl Drop for Hold<'_> {
            fn drop(&mut self) {
                if let Some(token) = self.1.take() {
                    door::released(self.0.0.header(), token);
                }
            }
        }

        if let Some(mut passed) = self.passed.take() {
            drop(passed.parked.take());
            std::mem::forget(passed);
        }
        let token = door::acquired(self.once.0.header(), POLICY, Mode::Exclusive, self.site);
        // Ends when `f` does, before the real `Once` lets the others pass.
        let _hold = Hold(self.once, Some(token));
        f();
    }
}

impl Default for Once {
    #[inline]
    #[track_caller]
    fn default() -> Once {
        Once(Tracked::by_default(Location::caller(), ::parking_lot::Once::new()))
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.inner().fmt(f)
    }
}

impl crate::Named for Once {
    fn tracked(&self) -> Option<(&LockHeader, &'static Policy)> {
        Some((self.0.header(), POLICY))
    }
}
