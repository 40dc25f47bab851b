//! No operating system that we know: threads are followed, exits and forks go unnoticed. A
//! journal then has no `end` and counts as that of a killed process; a forked child goes on
//! recording, into its parent's journal. A report waits for std's lock of the standard error.

use super::{Signals, System};
use crate::config::Signal;
use std::cell::Cell;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// `std` itself panics when asked for a process or a clock where there are none.
const BARE: bool = cfg!(any(lockgraph_no_os, miri, target_family = "wasm"));

struct End(Cell<Option<fn()>>);

impl Drop for End {
    fn drop(&mut self) {
        if let Some(end) = self.0.get() {
            end();
        }
    }
}

thread_local! {
    static END: End = const { End(Cell::new(None)) };
}

/// What `std` alone can do.
pub(crate) struct Os;

impl System for Os {
    fn hook(_exiting: extern "C" fn(), _forked: extern "C" fn()) {}

    fn print(bytes: &[u8]) {
        // Nobody is left to tell where stderr is closed.
        let _ = std::io::stderr().write_all(bytes);
    }

    /// When the thread's thread-locals are destroyed, in an order that nobody promises.
    fn at_thread_end(end: fn()) -> bool {
        END.try_with(|cell| cell.0.set(Some(end))).is_ok()
    }

    fn signals(_signal: Signal) -> Result<Signals, &'static str> {
        Err("signals are not known on this system")
    }

    fn ignore_signal() {}

    fn all_others_sleep(_threads: usize) -> bool {
        false
    }

    fn calls(_calls: &mut [usize]) -> usize {
        0
    }

    fn module(_address: usize, _visit: impl FnOnce(&str, usize)) {}

    fn process_id() -> u32 {
        if BARE { 0 } else { std::process::id() }
    }

    fn unix_ms() -> u128 {
        if BARE {
            return 0;
        }
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis())
    }
}
