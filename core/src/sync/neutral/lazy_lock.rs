//! The value that is initialised on first use, in the size of std's; see `lazy_lock.rs` beside, which
//! stands here where there is room for a header.
//!
//! As std has it, a `Once` tells which of value and initialiser is there. Not over std's own type, which
//! did not say until 1.94 whether it is complete.

use super::init::{Place, Turns};
use crate::lock::Site;
use crate::mode::Policy;
use std::cell::UnsafeCell;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Deref;
#[cfg(lockgraph_std = "1.89")]
use std::ops::DerefMut;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::Once;

static POLICY: Policy = Policy::once("LazyLock");

/// A value that is initialised on first use; see [`std::sync::LazyLock`].
///
/// # Cost
/// One load once initialised.
pub struct LazyLock<T, F = fn() -> T> {
    once: Once,
    data: UnsafeCell<Data<T, F>>,
}

/// The value where `once` is complete, the initialiser where it is not, and neither where it is
/// poisoned.
union Data<T, F> {
    value: ManuallyDrop<T>,
    init: ManuallyDrop<F>,
}

// SAFETY: as std's: the initialiser is taken by one thread, which makes the value; then it is shared.
unsafe impl<T: Sync + Send, F: Send> Sync for LazyLock<T, F> {}

impl<T, F: FnOnce() -> T> LazyLock<T, F> {
    /// A value that `f` will make.
    #[inline]
    pub const fn new(f: F) -> LazyLock<T, F> {
        LazyLock { once: Once::new(), data: UnsafeCell::new(Data { init: ManuallyDrop::new(f) }) }
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
        if !this.once.is_completed() {
            this.initialise(Location::caller());
        }
        // SAFETY: complete, if only now; `initialise` does not return otherwise.
        unsafe { this.value() }
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
        self.make();
        // SAFETY: `make` returns where it is complete.
        unsafe { &mut self.data.get_mut().value }
    }

    #[cold]
    fn initialise(&self, site: Site) {
        let _turn = Turns::new(()).take(Place::of::<T, _>(&self.once), &POLICY, site);
        self.make();
    }

    /// Makes the value, unless there is one.
    fn make(&self) {
        if self.once.is_completed() {
            return;
        }
        self.once.call_once_force(|state| {
            if state.is_poisoned() {
                panic_poisoned();
            }
            // SAFETY: neither complete nor poisoned: the initialiser is there, and `once` lets nobody
            // else in. It is not read again: `once` is complete after this, or poisoned.
            let init = unsafe { ManuallyDrop::take(&mut (*self.data.get()).init) };
            let value = ManuallyDrop::new(init());
            // SAFETY: as above; nobody refers to the value as long as it is not complete.
            unsafe { (*self.data.get()).value = value };
        });
    }
}

#[cold]
#[inline(never)]
fn panic_poisoned() -> ! {
    panic!("LazyLock instance has previously been poisoned")
}

impl<T, F> LazyLock<T, F> {
    /// # Safety
    /// It is complete.
    #[inline]
    unsafe fn value(&self) -> &T {
        // SAFETY: the value is there, and changed by nobody but through `&mut`.
        unsafe { &(*self.data.get()).value }
    }

    #[inline]
    fn made(&self) -> Option<&T> {
        // SAFETY: it is complete.
        self.once.is_completed().then(|| unsafe { self.value() })
    }

    /// The value, if there is one.
    #[cfg(lockgraph_std = "1.94")]
    #[inline]
    pub fn get_mut(this: &mut LazyLock<T, F>) -> Option<&mut T> {
        // SAFETY: it is complete: the value is there.
        this.once.is_completed().then(|| unsafe { &mut *this.data.get_mut().value })
    }

    /// The value, if there is one. Never waits.
    #[cfg(lockgraph_std = "1.94")]
    #[inline]
    pub fn get(this: &LazyLock<T, F>) -> Option<&T> {
        this.made()
    }
}

impl<T, F> Drop for LazyLock<T, F> {
    fn drop(&mut self) {
        if self.once.is_completed() {
            // SAFETY: complete: the value is there, and dropped nowhere else.
            return unsafe { ManuallyDrop::drop(&mut self.data.get_mut().value) };
        }
        let mut poisoned = true;
        self.once.call_once_force(|state| poisoned = state.is_poisoned());
        if !poisoned {
            // SAFETY: neither complete nor poisoned: the initialiser is there.
            unsafe { ManuallyDrop::drop(&mut self.data.get_mut().init) };
        }
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
    fn default() -> LazyLock<T> {
        LazyLock::new(T::default)
    }
}

impl<T: fmt::Debug, F> fmt::Debug for LazyLock<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut d = f.debug_tuple("LazyLock");
        match self.made() {
            Some(value) => d.field(value),
            None => d.field(&format_args!("<uninit>")),
        };
        d.finish()
    }
}

// As std has it. The fields would say less: a cell is never `RefUnwindSafe`.
impl<T: RefUnwindSafe + UnwindSafe, F: UnwindSafe> RefUnwindSafe for LazyLock<T, F> {}
impl<T: UnwindSafe, F: UnwindSafe> UnwindSafe for LazyLock<T, F> {}
