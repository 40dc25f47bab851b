//! Scoped threads.
//!
//! std's scope lives in the frame of `std::thread::scope`, where nothing can be added to it. So ours
//! is a box beside it, with a reference to it: made when std's scope begins, and freed when
//! `std::thread::scope` has returned or unwound, which is when std's own scope is gone too.
//!
//! This file holds unsafe code: that box lives for a lifetime that only std's scope knows.

use super::builder::Builder;
use crate::door::{self, Birth, Children};
use crate::lock::Site;
use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::Location;
use std::thread::{Result, Thread};
use std::{fmt, io, ptr};

/// [`std::thread::Scope`].
pub struct Scope<'scope, 'env: 'scope> {
    real: &'scope std::thread::Scope<'scope, 'env>,
    children: Children,
    /// Std's is neither covariant in the lifetime nor unwind safe.
    _mutable: PhantomData<&'scope mut &'scope ()>,
}

/// [`std::thread::scope`]. Its end joins every thread that was not joined by hand: it reports LG008
/// where the running thread holds a lock that one of them takes.
///
/// # Panics
/// As std's, where a thread that was not joined by hand has panicked.
#[track_caller]
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let site = Location::caller();
    let end = End(Cell::new(ptr::null_mut()));
    std::thread::scope(|real| {
        let children = Children::new();
        let scope = Box::into_raw(Box::new(Scope { real, children, _mutable: PhantomData }));
        end.0.set(scope.cast());
        // SAFETY: the box was just made. `end` frees it, after `std::thread::scope` is left: the
        // lifetime `'scope` of this reference is over by then, as std's own scope is gone.
        let scope = unsafe { &*scope };
        let _waiting = Waiting(&scope.children, site);
        f(scope)
    })
}

/// The end of the scope's closure, by a return or by a panic: the wait for the children begins.
struct Waiting<'a>(&'a Children, Site);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.joining(self.1);
    }
}

/// The end of the wait: every child has ended. Points to the scope, or is null before it is made.
struct End(Cell<*mut ()>);

impl Drop for End {
    fn drop(&mut self) {
        let scope = self.0.get().cast::<Scope<'_, '_>>();
        if scope.is_null() {
            return;
        }
        // SAFETY: the pointer came from `Box::into_raw` in `scope` and was not freed. Nobody uses
        // it any more: `std::thread::scope` returns or unwinds after all its threads are done.
        let scope = unsafe { Box::from_raw(scope) };
        scope.children.joined();
    }
}

impl<'scope, 'env> Scope<'scope, 'env> {
    /// [`std::thread::Scope::spawn`].
    ///
    /// # Panics
    /// As std's, where the system cannot start a thread.
    pub fn spawn<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        Builder::new().spawn_scoped(self, f).expect("failed to spawn thread")
    }

    /// Starts a thread with std's scope, and keeps its birth.
    pub(super) fn start<T>(
        &'scope self,
        start: impl FnOnce(
            &'scope std::thread::Scope<'scope, 'env>,
            Birth,
        ) -> io::Result<std::thread::ScopedJoinHandle<'scope, T>>,
    ) -> io::Result<ScopedJoinHandle<'scope, T>> {
        let birth = door::thread_starting();
        self.children.add(birth);
        match start(self.real, birth) {
            Ok(real) => Ok(ScopedJoinHandle { real, birth, children: &self.children }),
            Err(error) => {
                self.children.remove(birth);
                door::thread_detached(birth);
                Err(error)
            }
        }
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.real.fmt(f)
    }
}

/// [`std::thread::ScopedJoinHandle`].
pub struct ScopedJoinHandle<'scope, T> {
    real: std::thread::ScopedJoinHandle<'scope, T>,
    birth: Birth,
    children: &'scope Children,
}

impl<'scope, T> ScopedJoinHandle<'scope, T> {
    /// [`std::thread::ScopedJoinHandle::thread`].
    #[must_use]
    pub fn thread(&self) -> &Thread {
        self.real.thread()
    }

    /// [`std::thread::ScopedJoinHandle::join`]. Reports LG008 where the running thread holds a lock
    /// that the joined one takes.
    ///
    /// # Errors
    /// The payload of the child's panic.
    ///
    /// # Panics
    /// Where the child waits, directly or not, for the running thread: in place of a join that
    /// never returns. See LG002 for when.
    #[track_caller]
    pub fn join(self) -> Result<T> {
        let ScopedJoinHandle { real, birth, children } = self;
        // Where it panics, the end of the scope waits for the thread.
        let wait = door::thread_joining(birth, Location::caller());
        children.remove(birth);
        let result = real.join();
        door::thread_joined(birth);
        drop(wait);
        result
    }

    /// [`std::thread::ScopedJoinHandle::is_finished`].
    pub fn is_finished(&self) -> bool {
        self.real.is_finished()
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.real.fmt(f)
    }
}
