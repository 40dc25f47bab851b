//! Waits that the recorder cannot see by itself, told by the program. In both modes.

use crate::door::{self, Waiting};
use std::panic::Location;

/// Runs `f`, which waits for something outside: I/O, a database, another process.
///
/// A lock that is held meanwhile is reported (LG008), and with a threshold for stalls (`stall=10s`)
/// a call that lasts longer is (LG010). Nothing is known of who could end such a wait, so it is never
/// part of a deadlock (LG002).
///
/// Cost: two clock readings. Where the recorder is compiled out, that of `f`.
///
/// # Panics
/// Where `f` does.
///
/// ```
/// let answer = lockgraph::blocking("ask the server", || 42);
/// assert_eq!(answer, 42);
/// ```
#[track_caller]
pub fn blocking<R>(name: &'static str, f: impl FnOnce() -> R) -> R {
    let _waits = door::waiting(Waiting::Region(name), Location::caller());
    f()
}

/// Says that the running thread holds no lock here, such as where a callback of somebody else is
/// called. Reported as LG008 where it does, with the name; panics where LG008 is set to `deny`.
/// Nothing where the recorder is compiled out.
///
/// ```
/// fn notify(callback: impl FnOnce()) {
///     lockgraph::assert_no_locks_held!("callback");
///     callback();
/// }
/// notify(|| ());
/// ```
#[macro_export]
macro_rules! assert_no_locks_held {
    ($name:literal) => {
        let _ = $crate::door::no_locks_held($name, ::std::panic::Location::caller());
    };
}
