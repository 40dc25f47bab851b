//! The threads of a scope, which is what its end waits for.
//!
//! Guarantee: the table is never locked across anything but its own functions. Here and not with
//! the mirror of `std::thread::scope`: it grows without the program's allocator.

use super::thread::joining;
use super::wait::{self, Parked};
use super::{Birth, thread_joined};
use crate::joins::Until;
use crate::lock::Site;
use crate::mem::SysVec;
use crate::stds::refuse;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The threads of a scope that were not joined by hand.
pub struct Children {
    births: Mutex<SysVec<Birth>>,
    /// The wait at the end of the scope.
    wait: Mutex<Option<Parked>>,
}

impl Children {
    /// None yet. Allocates nothing.
    #[expect(clippy::new_without_default, reason = "a scope makes one, and nobody else")]
    pub const fn new() -> Self {
        Children { births: Mutex::new(SysVec::new()), wait: Mutex::new(None) }
    }

    fn lock(&self) -> MutexGuard<'_, SysVec<Birth>> {
        self.births.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread is about to start.
    pub fn add(&self, birth: Birth) {
        self.lock().push(birth);
    }

    /// A thread is joined by hand, or did not start.
    pub fn remove(&self, birth: Birth) {
        let mut births = self.lock();
        // A thread that is joined by hand is often the newest.
        if let Some(at) = births.iter().rposition(|other| *other == birth) {
            births.swap_remove(at);
        }
    }

    /// The scope begins to wait for all of them; they may still start others. Reports LG008 and
    /// LG002; never panics, as this is called where a scope ends.
    pub fn joining(&self, site: Site) {
        let mut at = 0;
        loop {
            let next = self.lock().get(at).copied();
            let Some(birth) = next else { break };
            joining(birth, site, Until::ClosureEnds);
            at += 1;
        }
        if at > 0 {
            let wait = wait::threads(site, false, refuse);
            *self.wait.lock().unwrap_or_else(PoisonError::into_inner) = Some(wait);
        }
    }

    /// The scope has waited for all of them.
    pub fn joined(&self) {
        loop {
            let next = self.lock().pop();
            let Some(birth) = next else { break };
            thread_joined(birth);
        }
        let wait = self.wait.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(wait);
    }
}

impl fmt::Debug for Children {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Children").finish_non_exhaustive()
    }
}
