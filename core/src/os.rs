//! What the recorder asks of the operating system, behind one trait: a port is one file beside
//! `os/linux.rs`, and one line here.
//!
//! Linux is tested. Everywhere else, under Miri and with `--cfg lockgraph_no_os`, stands
//! `os/none.rs`, which needs no operating system and says what goes unnoticed without one. Its
//! code is tested on Linux (`.ci/no-os`); that it suffices on macOS, Windows or wasm32 is
//! unproven. What core uses of `std` besides works everywhere or fails as a `Result`: variables
//! of the environment, files, threads' names, mutexes.

#[cfg(all(target_os = "linux", not(lockgraph_no_os), not(miri)))]
#[path = "os/linux.rs"]
mod system;
#[cfg(not(all(target_os = "linux", not(lockgraph_no_os), not(miri))))]
#[path = "os/none.rs"]
mod system;

use crate::config::Signal;
use crate::copies::OURS;

/// Waits for the next signal; false where none will come.
pub(crate) type Signals = Box<dyn FnMut() -> bool + Send>;

/// What a copy of the recorder begins with, in every version.
#[repr(C)]
pub(crate) struct Head {
    /// Equal for equal copies alone: of one source, by one compiler, in one way.
    pub(crate) key: extern "C" fn() -> u64,
}

/// The first of the copies of the recorder in this process.
pub(crate) struct First {
    pub(crate) head: &'static Head,
    /// How many there are before it that are not equal.
    pub(crate) strangers: usize,
}

/// The calls that differ between systems.
pub(crate) trait System {
    /// Calls `exiting` when the process ends by itself, `forked` in every forked child. Where
    /// that cannot be had, the journal has no `end`, and a forked child records nothing useful.
    fn hook(exiting: extern "C" fn(), forked: extern "C" fn());

    /// Writes to the standard error, where the system can past std's lock of it: another thread
    /// may have that lock, in an `eprintln!` say, while it waits for a lock which this one holds.
    fn print(bytes: &[u8]);

    /// Calls `end` on this thread when it ends, after its thread-locals where the system can.
    /// False where that cannot be had (any more).
    fn at_thread_end(end: fn()) -> bool;

    /// What waits for this signal from now on; why not where that cannot be had, or where the program
    /// has another use for the signal. Called once.
    fn signals(signal: Signal) -> Result<Signals, &'static str>;

    /// Signals are for nobody any more: in a forked child, whose pipe is its parent's.
    fn ignore_signal();

    /// True where the process has so many threads, and all but the running one are seen to sleep.
    /// False where that is not known.
    fn all_others_sleep(threads: usize) -> bool;

    /// The addresses of the calls that led here, the innermost first, as many as there is room for;
    /// how many those are. Takes no lock that a program could hold, and allocates nothing.
    fn calls(calls: &mut [usize]) -> usize;

    /// The module that an address is in: the name of its file, empty for the program's own, and the
    /// distance from where the file's addresses begin. As [`calls`](Self::calls) otherwise.
    fn module(address: usize, visit: impl FnOnce(&str, usize));

    /// Of the copies that are equal to this one, the one whose file was loaded first; this one where
    /// that is not known. The files of both stay loaded from now on.
    fn first_copy() -> First {
        First { head: &OURS.head, strangers: 0 }
    }

    /// The number of the process; 0 where there are none.
    fn process_id() -> u32;

    /// Milliseconds since 1970; 0 where there is no clock.
    fn unix_ms() -> u128;
}

/// The system that this build is for.
pub(crate) use system::Os;
