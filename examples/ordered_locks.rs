//! The work of `two_locks` in one global order: lock_a before lock_b, everywhere.
//!
//! What it shows: a clean run is evidence too. The order that was observed is printed, and the
//! lock graph is written as one JSON document, which can be kept, compared and checked.
//!
//! What to look for: no report; the line with the order; the path of the dump (given as the first
//! argument, else beside this program's binary). The process ends with 0, and with 1 where
//! anything was reported or no order exists.
//!
//! With the tracker compiled out (`RUSTFLAGS="--cfg lockgraph_off"`) the work is done, there is
//! no order to print, and the process ends with 0.

use lockgraph::Named;
use lockgraph::parking_lot::Mutex;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::{self, sleep};
use std::time::Duration;

/// As in `two_locks`.
const MOMENT: Duration = Duration::from_millis(20);

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let lock_a = Mutex::new(100).named("lock_a");
    let lock_b = Mutex::new(0).named("lock_b");
    let transfer = || {
        let mut a = lock_a.lock();
        sleep(MOMENT);
        let mut b = lock_b.lock();
        (*a, *b) = (*a - 10, *b + 10);
    };
    let audit = || {
        let a = lock_a.lock();
        sleep(MOMENT);
        let b = lock_b.lock();
        assert_eq!(*a + *b, 100);
    };
    // At the same time: with one order there is nothing to fear.
    thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        thread::Builder::new().name("transfer".to_owned()).spawn_scoped(scope, transfer)?;
        thread::Builder::new().name("audit".to_owned()).spawn_scoped(scope, audit)?;
        Ok(())
    })?;

    if !lockgraph::PRESENT {
        println!("ordered_locks: the tracker is compiled out of this build: no order to show");
        return Ok(ExitCode::SUCCESS);
    }
    let path = match std::env::args_os().nth(1) {
        Some(path) => PathBuf::from(path),
        None => std::env::current_exe()?.with_file_name("ordered_locks.json"),
    };
    lockgraph::write_dump(&path)?;
    println!("ordered_locks: the lock graph is in {}", path.display());

    let dump = lockgraph::dump();
    let Some(order) = &dump.order else {
        println!("ordered_locks: no order fits what was observed");
        return Ok(ExitCode::FAILURE);
    };
    let names: Vec<&str> = order
        .iter()
        .filter_map(|id| dump.classes.iter().find(|class| class.id == *id))
        .map(|class| class.name.as_deref().unwrap_or("(unnamed)"))
        .collect();
    println!("ordered_locks: validated order: {}", names.join(" -> "));

    let clean = lockgraph::findings().is_empty();
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
