//! How threads are started.
//!
//! This file holds unsafe code: std's `spawn_unchecked`, forwarded as it is.

use super::handle::{Child, JoinHandle};
use super::scope::{Scope, ScopedJoinHandle};
use crate::door;
use std::{fmt, io};

/// [`std::thread::spawn`].
///
/// # Panics
/// As std's, where the system cannot start a thread.
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T,
    F: Send + 'static,
    T: Send + 'static,
{
    Builder::new().spawn(f).expect("failed to spawn thread")
}

/// [`std::thread::Builder`].
#[must_use = "must eventually spawn the thread"]
pub struct Builder(std::thread::Builder);

impl Builder {
    /// [`std::thread::Builder::new`].
    #[expect(clippy::new_without_default, reason = "std's has none")]
    pub fn new() -> Builder {
        Builder(std::thread::Builder::new())
    }

    /// [`std::thread::Builder::name`]: in reports the thread has this name.
    pub fn name(self, name: String) -> Builder {
        Builder(self.0.name(name))
    }

    /// [`std::thread::Builder::stack_size`].
    pub fn stack_size(self, size: usize) -> Builder {
        Builder(self.0.stack_size(size))
    }

    /// [`std::thread::Builder::spawn`].
    ///
    /// # Errors
    /// As std's.
    pub fn spawn<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T,
        F: Send + 'static,
        T: Send + 'static,
    {
        let child = Child::starting();
        let real = self.0.spawn(child.body(f))?;
        Ok(JoinHandle::new(real, child))
    }

    /// [`std::thread::Builder::spawn_unchecked`].
    ///
    /// # Safety
    /// As std's.
    ///
    /// # Errors
    /// As std's.
    pub unsafe fn spawn_unchecked<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T,
        F: Send,
        T: Send,
    {
        let child = Child::starting();
        // SAFETY: the caller vouches for `f` and its result; what is added to it is `'static`.
        let real = unsafe { self.0.spawn_unchecked(child.body(f)) }?;
        Ok(JoinHandle::new(real, child))
    }

    /// [`std::thread::Builder::spawn_scoped`].
    ///
    /// # Errors
    /// As std's.
    pub fn spawn_scoped<'scope, 'env, F, T>(
        self,
        scope: &'scope Scope<'scope, 'env>,
        f: F,
    ) -> io::Result<ScopedJoinHandle<'scope, T>>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        scope.start(|real, birth| {
            self.0.spawn_scoped(real, move || {
                door::thread_started(birth);
                let _end = ClosureEnd(birth);
                f()
            })
        })
    }
}

/// Tells of the end of a scoped closure, also where it panics.
struct ClosureEnd(door::Birth);

impl Drop for ClosureEnd {
    fn drop(&mut self) {
        door::closure_ended(self.0);
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
