//! The handle of a thread that outlives its parent's frame.

use crate::door::{self, Birth};
use std::fmt;
use std::panic::Location;
use std::thread::{Result, Thread};

/// A thread that was started and may be joined: dropped, it never will be.
pub(super) struct Child(Birth);

impl Child {
    pub(super) fn starting() -> Child {
        Child(door::thread_starting())
    }

    /// What the started thread runs.
    pub(super) fn body<F, T>(&self, f: F) -> impl FnOnce() -> T + use<F, T>
    where
        F: FnOnce() -> T,
    {
        let birth = self.0;
        move || {
            door::thread_started(birth);
            f()
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        door::thread_detached(self.0);
    }
}

/// [`std::thread::JoinHandle`].
pub struct JoinHandle<T> {
    real: std::thread::JoinHandle<T>,
    child: Child,
}

impl<T> JoinHandle<T> {
    pub(super) fn new(real: std::thread::JoinHandle<T>, child: Child) -> Self {
        JoinHandle { real, child }
    }

    /// [`std::thread::JoinHandle::thread`].
    #[must_use]
    pub fn thread(&self) -> &Thread {
        self.real.thread()
    }

    /// [`std::thread::JoinHandle::join`]. Reports LG008 where the running thread holds a lock that
    /// the joined one takes.
    ///
    /// # Errors
    /// The payload of the child's panic.
    ///
    /// # Panics
    /// Where the child waits, directly or not, for the running thread: in place of a join that
    /// never returns. See LG002 for when.
    #[track_caller]
    pub fn join(self) -> Result<T> {
        let JoinHandle { real, child } = self;
        let wait = door::thread_joining(child.0, Location::caller());
        let result = real.join();
        door::thread_joined(child.0);
        drop(wait);
        result
    }

    /// [`std::thread::JoinHandle::is_finished`].
    pub fn is_finished(&self) -> bool {
        self.real.is_finished()
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.real.fmt(f)
    }
}

#[cfg(unix)]
impl<T> std::os::unix::thread::JoinHandleExt for JoinHandle<T> {
    fn as_pthread_t(&self) -> std::os::unix::thread::RawPthread {
        self.real.as_pthread_t()
    }

    /// A join of the raw thread is not seen by the recorder.
    fn into_pthread_t(self) -> std::os::unix::thread::RawPthread {
        self.real.into_pthread_t()
    }
}
