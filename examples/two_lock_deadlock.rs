//! A deadlock that really happens: `two_locks` with both threads at once.
//!
//! What it shows: two threads take two locks in opposite orders, with a sleep between, so that they
//! meet. Without a tracker both hang for ever and say nothing.
//!
//! What to look for: the report LG002 on standard error, within a millisecond of the moment in
//! which the circle closes. It shows who holds what, taken where, and waits for what, where, and
//! since when, with the stacks of both, which the program asks for by `Config::stacks`. In tier `full` (a
//! debug build) the thread that closes the circle panics in place of parking; the other one goes on,
//! and the process ends with 1. With `LOCKGRAPH=full,LG002=warn` both hang, as they would without
//! the tracker, after the report; with `LG002=abort` the process aborts.
//!
//! With the tracker compiled out it says so, deadlocks nothing, and ends with 0.

use lockgraph::parking_lot::Mutex;
use lockgraph::{Config, Named};
use std::process::ExitCode;
use std::thread::{self, sleep};
use std::time::Duration;

/// Long enough that the two threads meet.
const MOMENT: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    if !lockgraph::PRESENT {
        println!("two_lock_deadlock: the tracker is compiled out, so this would hang for ever");
        return ExitCode::SUCCESS;
    }
    Config::new().stacks(true).install();
    let lock_a = Mutex::new(100).named("lock_a");
    let lock_b = Mutex::new(0).named("lock_b");
    let transfer = || {
        let mut a = lock_a.lock();
        sleep(MOMENT);
        let mut b = lock_b.lock();
        (*a, *b) = (*a - 10, *b + 10);
    };
    let audit = || {
        let b = lock_b.lock();
        sleep(MOMENT);
        let a = lock_a.lock();
        assert_eq!(*a + *b, 100);
    };
    let ended_well = thread::scope(|scope| {
        let named = |name: &str| thread::Builder::new().name(name.to_owned());
        let transfer = named("transfer").spawn_scoped(scope, transfer).expect("a thread can start");
        let audit = named("audit").spawn_scoped(scope, audit).expect("a thread can start");
        [transfer.join().is_ok(), audit.join().is_ok()]
    });
    match ended_well {
        [true, true] => {
            println!("two_lock_deadlock: both ended: the threads did not meet, or tracking is off");
            ExitCode::SUCCESS
        }
        _ => {
            println!("two_lock_deadlock: one thread was refused, so that the other could go on");
            ExitCode::FAILURE
        }
    }
}
