//! The one-time initialisation without data.

use super::header::Header;
#[cfg(not(lockgraph_neutral))]
use super::header::Tracked;
use super::init::{self, Turns};
use super::real;
use crate::lock::Label;
#[cfg(not(lockgraph_neutral))]
use crate::lock::LockHeader;
use crate::mode::Policy;
use std::fmt;
use std::panic::Location;
use std::sync::OnceState;

static POLICY: Policy = Policy::once("Once");

/// A one-time initialisation; see [`std::sync::Once`].
///
/// # Cost
/// 24 bytes more than `std`'s; one load once complete.
pub struct Once {
    header: Header,
    turns: Turns,
    inner: real::Once,
}

/// A [`Once`] that has not run.
#[deprecated(since = "1.38.0", note = "the `Once::new()` function is now preferred")]
#[allow(clippy::declare_interior_mutable_const, reason = "std has it")]
pub const ONCE_INIT: Once =
    Once { header: Header::nowhere(), turns: Turns::new(()), inner: real::Once::new() };

#[allow(clippy::new_without_default, reason = "std has none")]
impl Once {
    /// A `Once` that has not run. The caller's line is its creation site.
    #[inline]
    #[must_use]
    #[track_caller]
    pub const fn new() -> Once {
        Once {
            header: Header::new(Location::caller()),
            turns: Turns::new(()),
            inner: real::Once::new(),
        }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn __label(mut self, label: &'static Label) -> Self {
        self.header.label(label);
        self
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
        if !self.inner.is_completed() {
            let _turn = self.turns.take(self.header(), &POLICY, Location::caller());
            self.inner.call_once(f);
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
        F: FnOnce(&OnceState),
    {
        if !self.inner.is_completed() {
            let _turn = self.turns.take(self.header(), &POLICY, Location::caller());
            self.inner.call_once_force(f);
        }
    }

    /// Whether an initialiser has completed.
    #[inline]
    pub fn is_completed(&self) -> bool {
        self.inner.is_completed()
    }

    /// Parks the thread until an initialiser has completed.
    ///
    /// # Panics
    /// Where an initialiser has panicked.
    #[cfg(lockgraph_std = "1.86")]
    #[clippy::msrv = "1.86"]
    #[track_caller]
    pub fn wait(&self) {
        if !self.inner.is_completed() {
            let _wait = init::Wait::new(self.header(), &POLICY, Location::caller());
            self.inner.wait();
        }
    }

    /// As [`wait`](Self::wait), also for another initialiser after one has panicked.
    #[cfg(lockgraph_std = "1.86")]
    #[clippy::msrv = "1.86"]
    #[track_caller]
    pub fn wait_force(&self) {
        if !self.inner.is_completed() {
            let _wait = init::Wait::new(self.header(), &POLICY, Location::caller());
            self.inner.wait_force();
        }
    }
}

/// It is what it is to std: what the recorder keeps of it is elsewhere.
#[cfg(lockgraph_neutral)]
impl Once {
    fn header(&self) -> init::Place<'_> {
        init::Place::of::<(), _>(&self.inner)
    }
}

#[cfg(not(lockgraph_neutral))]
impl Tracked for Once {
    #[inline]
    fn header(&self) -> &LockHeader {
        self.header.of::<()>(&POLICY)
    }

    fn policy(&self) -> &'static Policy {
        &POLICY
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
