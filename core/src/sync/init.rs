//! One-time initialisation as the recorder sees it: a lock that the initialiser holds alone while
//! it runs, and that every other caller wants as long as it is not complete.
//!
//! `std`'s own types do not tell who is at work in them. So callers meet at a mutex of `std`'s in
//! front of them, and whoever has it initialises: a caller that has to wait waits there, and is
//! known to. It costs nothing once complete.

use super::header::{Hold, request};
use crate::door::{self, Parked};
use crate::lock::{LockHeader, Site};
use crate::mode::{Mode, Policy, Want};
use std::ops::{Deref, DerefMut};
use std::sync as real;

/// Where callers meet until the initialisation is complete, with what only the initialiser needs.
pub(super) struct Turns<T = ()>(real::Mutex<T>);

/// The right to initialise; ends when dropped.
pub(super) struct Turn<'a, T = ()> {
    // First: it ends before the others pass. Never read, only dropped.
    _hold: Hold<'a>,
    inner: real::MutexGuard<'a, T>,
}

impl<T> Turns<T> {
    pub(super) const fn new(t: T) -> Self {
        Turns(real::Mutex::new(t))
    }

    /// Waits for the right to initialise. By then the initialisation may be complete.
    ///
    /// # Panics
    /// Where the report is set to `deny`; by default when the thread is at work in this very
    /// initialiser.
    pub(super) fn take<'a>(
        &'a self,
        header: &'a LockHeader,
        policy: &'static Policy,
        site: Site,
    ) -> Turn<'a, T> {
        let turn = request::<true, _, _>(
            header,
            policy,
            Mode::Exclusive,
            site,
            || self.0.try_lock(),
            || self.0.lock(),
            |hold, inner| Turn { _hold: hold, inner },
        );
        // An initialiser that panics leaves the turn to the next: whether that is an error is
        // for std's type to say.
        turn.unwrap_or_else(real::PoisonError::into_inner)
    }

    /// What only the initialiser needs; `&mut` proves that there is none.
    pub(super) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(real::PoisonError::into_inner)
    }
}

impl<T> Deref for Turn<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for Turn<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

/// A wait for the initialiser by somebody who will not be it; ends when dropped. For the recorder
/// it ends with a hold that ends at once.
pub(super) struct Wait<'a> {
    header: &'a LockHeader,
    policy: &'static Policy,
    site: Site,
    parked: Option<Parked>,
}

impl<'a> Wait<'a> {
    /// The caller is about to park, also where nobody is at work yet.
    pub(super) fn new(header: &'a LockHeader, policy: &'static Policy, site: Site) -> Self {
        door::before(header, policy, Want::Shared, site);
        let mut parked = door::blocked(header, policy, Want::Shared, site);
        // Nobody queues here as a writer: it asks for no further attempt.
        parked.parks();
        Wait { header, policy, site, parked: Some(parked) }
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        drop(self.parked.take());
        drop(Hold::new(self.header, self.policy, Mode::Shared, self.site));
    }
}
