//! One-time initialisation as the recorder sees it: a lock that the initialiser holds alone while
//! it runs, and that every other caller wants as long as it is not complete.

use super::header::Hold;
use crate::door;
use crate::lock::{LockHeader, Site};
use crate::mode::{Mode, Policy, Want};
use std::mem;

/// The policy of a kind of one-time initialisation. Whoever only waits for the initialiser
/// reads, and nobody queues in between.
pub(super) const fn policy(kind: &'static str) -> Policy {
    Policy {
        kind,
        read_blocks_behind_writer: false,
        guard_send: false,
        reentrant: false,
        shared: true,
        upgrade: false,
    }
}

/// A wait that ends without a hold: for the recorder, with one that ends at once.
pub(super) struct Wait<'a> {
    header: &'a LockHeader,
    policy: &'static Policy,
    site: Site,
}

impl<'a> Wait<'a> {
    /// The caller is about to wait for an initialiser elsewhere, if there is one; the wait ends
    /// when this is dropped.
    pub(super) fn new(header: &'a LockHeader, policy: &'static Policy, site: Site) -> Self {
        Self::begin(header, policy, Want::Shared, site)
    }

    fn begin(header: &'a LockHeader, policy: &'static Policy, want: Want, site: Site) -> Self {
        door::before(header, policy, want, site);
        // The real lock does not tell whether somebody is at work in it, and by the time that it
        // did, somebody could be. Said too often it does no harm: a wait for nobody.
        let _ = door::blocked(header, policy, want, site);
        Wait { header, policy, site }
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        drop(Hold::new(self.header, self.policy, Mode::Shared, self.site));
    }
}

/// A call that may turn out to be the one that initialises.
pub(super) struct Call<'a>(Option<Wait<'a>>);

impl<'a> Call<'a> {
    /// Asks for the right to initialise.
    ///
    /// # Panics
    /// Where the report is set to `deny`; by default when the thread is at work in this very
    /// initialiser.
    pub(super) fn new(header: &'a LockHeader, policy: &'static Policy, site: Site) -> Self {
        Call(Some(Wait::begin(header, policy, Want::Exclusive, site)))
    }

    /// Runs the initialiser, which holds the lock meanwhile. The hold ends with `f`, before the
    /// real lock lets the others pass.
    pub(super) fn during<R>(&mut self, f: impl FnOnce() -> R) -> R {
        let _hold = self.0.take().map(|wait| {
            let hold = Hold::new(wait.header, wait.policy, Mode::Exclusive, wait.site);
            mem::forget(wait);
            hold
        });
        f()
    }
}
