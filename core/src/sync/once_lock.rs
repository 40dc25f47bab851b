//! The value that is initialised once.

use super::header::Header;
#[cfg(not(lockgraph_neutral))]
use super::header::Tracked;
use super::init::{self, Turns};
use super::real;
#[cfg(not(lockgraph_neutral))]
use crate::lock::LockHeader;
use crate::lock::{Label, Site};
use crate::mode::Policy;
use std::fmt;
use std::panic::Location;

static POLICY: Policy = Policy::once("OnceLock");

/// A cell that is written once; see [`std::sync::OnceLock`].
///
/// # Cost
/// 24 bytes more than `std`'s; one load once initialised.
pub struct OnceLock<T> {
    header: Header,
    turns: Turns,
    inner: real::OnceLock<T>,
}

impl<T> OnceLock<T> {
    #[inline]
    const fn over(site: Site, inner: real::OnceLock<T>) -> OnceLock<T> {
        OnceLock { header: Header::new(site), turns: Turns::new(()), inner }
    }

    /// An empty cell. The caller's line is its creation site.
    #[inline]
    #[must_use]
    #[track_caller]
    pub const fn new() -> OnceLock<T> {
        OnceLock::over(Location::caller(), real::OnceLock::new())
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn __label(mut self, label: &'static Label) -> Self {
        self.header.label(label);
        self
    }

    /// The value, if there is one. Never waits.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.inner.get()
    }

    /// The value, if there is one.
    #[inline]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.inner.get_mut()
    }

    /// Parks the thread until there is a value.
    #[cfg(lockgraph_std = "1.86")]
    #[clippy::msrv = "1.86"]
    #[inline]
    #[track_caller]
    pub fn wait(&self) -> &T {
        match self.inner.get() {
            Some(value) => value,
            None => {
                let _wait = init::Wait::new(self.header(), &POLICY, Location::caller());
                self.inner.wait()
            }
        }
    }

    /// Sets the value, and parks the thread while an initialiser runs elsewhere.
    ///
    /// # Errors
    /// `value`, where there is one already.
    ///
    /// # Panics
    /// A call from within the initialiser would never return: it is reported as LG001 and panics
    /// by default.
    #[inline]
    #[track_caller]
    pub fn set(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        self.get_or_init(|| value.take().expect("an initialiser runs once"));
        value.map_or(Ok(()), Err)
    }

    /// The value, made by `f` where there is none; parks the thread while an initialiser runs
    /// elsewhere.
    ///
    /// # Panics
    /// Where `f` does; the cell stays empty. A call from within `f` would never return: it is
    /// reported as LG001 and panics by default.
    #[inline]
    #[track_caller]
    pub fn get_or_init<F>(&self, f: F) -> &T
    where
        F: FnOnce() -> T,
    {
        match self.inner.get() {
            Some(value) => value,
            None => self.initialise(Location::caller(), f),
        }
    }

    /// The value.
    #[inline]
    pub fn into_inner(self) -> Option<T> {
        self.inner.into_inner()
    }

    /// The value, leaving the cell empty.
    #[inline]
    pub fn take(&mut self) -> Option<T> {
        self.inner.take()
    }

    #[cold]
    fn initialise(&self, site: Site, f: impl FnOnce() -> T) -> &T {
        let _turn = self.turns.take(self.header(), &POLICY, site);
        self.inner.get_or_init(f)
    }
}

/// It is what it is to std: what the recorder keeps of it is elsewhere.
#[cfg(lockgraph_neutral)]
impl<T> OnceLock<T> {
    fn header(&self) -> init::Place<'_> {
        init::Place::of::<T, _>(&self.inner)
    }
}

#[cfg(not(lockgraph_neutral))]
impl<T> Tracked for OnceLock<T> {
    #[inline]
    fn header(&self) -> &LockHeader {
        self.header.of::<T>(&POLICY)
    }

    fn policy(&self) -> &'static Policy {
        &POLICY
    }
}

impl<T> Default for OnceLock<T> {
    #[inline]
    #[track_caller]
    fn default() -> OnceLock<T> {
        let mut cell = OnceLock::new();
        cell.header.derived(Location::caller());
        cell
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<T: Clone> Clone for OnceLock<T> {
    #[inline]
    #[track_caller]
    fn clone(&self) -> OnceLock<T> {
        let mut cell = OnceLock::over(Location::caller(), self.inner.clone());
        cell.header.derived(Location::caller());
        cell
    }
}

impl<T> From<T> for OnceLock<T> {
    #[inline]
    #[track_caller]
    fn from(value: T) -> Self {
        OnceLock::over(Location::caller(), value.into())
    }
}

impl<T: PartialEq> PartialEq for OnceLock<T> {
    #[inline]
    fn eq(&self, other: &OnceLock<T>) -> bool {
        self.inner == other.inner
    }
}

impl<T: Eq> Eq for OnceLock<T> {}
