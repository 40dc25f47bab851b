//! The value that is initialised on first use.

use super::header::{Header, Tracked};
use super::init::Turns;
use crate::lock::{Label, LockHeader, Site};
use crate::mode::Policy;
use std::fmt;
use std::ops::Deref;
#[cfg(lockgraph_std = "1.89")]
use std::ops::DerefMut;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync as real;

static POLICY: Policy = Policy::once("LazyLock");

/// A value that is initialised on first use; see [`std::sync::LazyLock`].
///
/// Not over `std`'s own, which would run the initialiser out of our sight.
///
/// # Cost
/// 24 bytes more than `std`'s, which also keeps value and initialiser in one place; one load once
/// initialised.
pub struct LazyLock<T, F = fn() -> T> {
    header: Header,
    value: real::OnceLock<T>,
    /// The initialiser until it is called; none beside no value means that it has panicked.
    init: Turns<Option<F>>,
}

impl<T, F: FnOnce() -> T> LazyLock<T, F> {
    /// A value that `f` will make. The caller's line is the creation site.
    #[inline]
    #[track_caller]
    pub const fn new(f: F) -> LazyLock<T, F> {
        LazyLock {
            header: Header::new(Location::caller()),
            value: real::OnceLock::new(),
            init: Turns::new(Some(f)),
        }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn __label(mut self, label: &'static Label) -> Self {
        self.header.label(label);
        self
    }

    /// The value, made now where there is none; parks the thread while the initialiser runs
    /// elsewhere.
    ///
    /// # Panics
    /// Where the initialiser does, and ever after. A use from within the initialiser would never
    /// return: it is reported as LG001 and panics by default.
    #[inline]
    #[track_caller]
    pub fn force(this: &LazyLock<T, F>) -> &T {
        match this.value.get() {
            Some(value) => value,
            None => this.initialise(Location::caller()),
        }
    }

    /// The value, made now where there is none.
    ///
    /// # Panics
    /// Where the initialiser does, and ever after.
    #[cfg(lockgraph_std = "1.94")]
    #[inline]
    pub fn force_mut(this: &mut LazyLock<T, F>) -> &mut T {
        this.make_mut()
    }

    #[cfg(lockgraph_std = "1.89")]
    fn make_mut(&mut self) -> &mut T {
        if self.value.get().is_none() {
            let value = self.init.get_mut().take().unwrap_or_else(|| panic_poisoned())();
            self.value.get_or_init(|| value);
        }
        self.value.get_mut().expect("set above")
    }

    #[cold]
    fn initialise(&self, site: Site) -> &T {
        let mut init = self.init.take(self.header(), &POLICY, site);
        self.value.get_or_init(|| init.take().unwrap_or_else(|| panic_poisoned())())
    }
}

#[cold]
#[inline(never)]
fn panic_poisoned() -> ! {
    panic!("LazyLock instance has previously been poisoned")
}

#[cfg(lockgraph_std = "1.94")]
impl<T, F> LazyLock<T, F> {
    /// The value, if there is one.
    #[inline]
    pub fn get_mut(this: &mut LazyLock<T, F>) -> Option<&mut T> {
        this.value.get_mut()
    }

    /// The value, if there is one. Never waits.
    #[inline]
    pub fn get(this: &LazyLock<T, F>) -> Option<&T> {
        this.value.get()
    }
}

impl<T, F> Tracked for LazyLock<T, F> {
    #[inline]
    fn header(&self) -> &LockHeader {
        self.header.of::<T>(&POLICY)
    }

    fn policy(&self) -> &'static Policy {
        &POLICY
    }
}

impl<T, F: FnOnce() -> T> Deref for LazyLock<T, F> {
    type Target = T;

    #[inline]
    #[track_caller]
    fn deref(&self) -> &T {
        LazyLock::force(self)
    }
}

#[cfg(lockgraph_std = "1.89")]
impl<T, F: FnOnce() -> T> DerefMut for LazyLock<T, F> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.make_mut()
    }
}

impl<T: Default> Default for LazyLock<T> {
    #[inline]
    #[track_caller]
    fn default() -> LazyLock<T> {
        let mut lazy = LazyLock::new(T::default as fn() -> T);
        lazy.header.derived(Location::caller());
        lazy
    }
}

impl<T: fmt::Debug, F> fmt::Debug for LazyLock<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut d = f.debug_tuple("LazyLock");
        match self.value.get() {
            Some(value) => d.field(value),
            None => d.field(&format_args!("<uninit>")),
        };
        d.finish()
    }
}

// As std has it. The fields would say less: a mutex is always `RefUnwindSafe`.
impl<T: RefUnwindSafe + UnwindSafe, F: UnwindSafe> RefUnwindSafe for LazyLock<T, F> {}
impl<T: UnwindSafe, F: UnwindSafe> UnwindSafe for LazyLock<T, F> {}
