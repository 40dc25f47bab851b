//! The barrier.

use std::fmt;
use std::sync as real;
use std::sync::BarrierWaitResult;

/// A place where threads wait for each other; see [`std::sync::Barrier`].
///
/// It is no lock: nobody holds it.
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
        self.inner.wait()
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
