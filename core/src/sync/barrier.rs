//! The barrier.

use crate::door::{self, Waiting};
use std::fmt;
use std::panic::Location;
use std::sync as real;
use std::sync::BarrierWaitResult;

/// A place where threads wait for each other; see [`std::sync::Barrier`].
///
/// It is no lock: nobody holds it. A lock that is held while waiting here is reported (LG008).
pub struct Barrier {
    inner: real::Barrier,
}

impl Barrier {
    /// A barrier for `n` threads.
    #[must_use]
    #[inline]
    pub const fn new(n: usize) -> Barrier {
        Barrier { inner: real::Barrier::new(n) }
    }

    /// Parks the thread until `n` of them are here. One of these is the leader.
    #[track_caller]
    pub fn wait(&self) -> BarrierWaitResult {
        let _waits = door::waiting(Waiting::Barrier, Location::caller());
        self.inner.wait()
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
