//! What a program claims of the locks that the running thread holds. In both modes.

use crate::{Named, door};

/// What [`assert_held!`](crate::assert_held) and [`assert_not_held!`](crate::assert_not_held) take: a
/// lock, or the name of a class, which means any lock of it.
pub trait Holdable {
    /// The running thread holds it.
    ///
    /// # Errors
    /// The message, where it does not.
    #[track_caller]
    fn held(&self) -> Result<(), String>;

    /// The running thread does not hold it.
    ///
    /// # Errors
    /// The message, where it does.
    #[track_caller]
    fn not_held(&self) -> Result<(), String>;
}

impl<L: Named + ?Sized> Holdable for L {
    #[track_caller]
    fn held(&self) -> Result<(), String> {
        match self.tracked() {
            Some((header, policy)) => door::assert_held(header, policy),
            None => Ok(()),
        }
    }

    #[track_caller]
    fn not_held(&self) -> Result<(), String> {
        match self.tracked() {
            Some((header, _)) => door::assert_not_held(header),
            None => Ok(()),
        }
    }
}

impl Holdable for str {
    #[track_caller]
    fn held(&self) -> Result<(), String> {
        door::assert_held_by_name(self)
    }

    #[track_caller]
    fn not_held(&self) -> Result<(), String> {
        door::assert_not_held_by_name(self)
    }
}

impl Holdable for &str {
    #[track_caller]
    fn held(&self) -> Result<(), String> {
        (**self).held()
    }

    #[track_caller]
    fn not_held(&self) -> Result<(), String> {
        (**self).not_held()
    }
}

#[doc(hidden)]
#[track_caller]
pub fn __claim(outcome: Result<(), String>) {
    if let Err(message) = outcome {
        assert!(std::thread::panicking(), "{message}");
    }
}

/// The running thread holds this lock, in whatever mode; or a lock of the class with this name.
///
/// A thread that does not is reported (LG013, with the lock that is meant) and panics, unless it is
/// unwinding already. Nothing is known, and it holds, where the recorder is off or compiled out.
///
/// ```
/// use lockgraph::{assert_held, assert_not_held, Named, parking_lot::Mutex};
///
/// let jobs = Mutex::new(Vec::<u32>::new()).named("jobs");
/// assert_not_held!(jobs);
/// {
///     let _guard = jobs.lock();
///     assert_held!(jobs);
///     assert_held!("jobs");
/// }
/// assert_not_held!("jobs");
/// ```
#[macro_export]
macro_rules! assert_held {
    ($lock:expr $(,)?) => {
        $crate::__claim($crate::Holdable::held(&$lock))
    };
}

/// The running thread does not hold this lock, in whatever mode; nor any lock of the class with this
/// name. As [`assert_held!`](crate::assert_held).
#[macro_export]
macro_rules! assert_not_held {
    ($lock:expr $(,)?) => {
        $crate::__claim($crate::Holdable::not_held(&$lock))
    };
}
