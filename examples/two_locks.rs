//! A deadlock that has not happened yet.
//!
//! What it shows: thread `transfer` takes lock_a, then lock_b; thread `audit` takes lock_b, then
//! lock_a. Run at the same time they would hang one day: each holds what the other wants. Here
//! the second thread starts after the first has ended, so nothing hangs, ever. The inversion is
//! reported all the same, because both orders were seen.
//!
//! What to look for: the report on standard error. It is LG003 with confidence `feasible`, and
//! shows both sides: which thread held which lock, taken where, and what it wanted, where. The
//! process then ends with 1. The lock graph is written as one JSON document, with the finding in it.
//!
//! With the tracker compiled out (`RUSTFLAGS="--cfg lockgraph_off"`) the locks are parking_lot's
//! own; the program says so and ends with 0.

mod support;

use lockgraph::Named;
use lockgraph::parking_lot::Mutex; // before: use parking_lot::Mutex;
use std::process::ExitCode;
use std::thread::{self, sleep};
use std::time::Duration;

/// Long enough that the two threads, started together, would meet.
const MOMENT: Duration = Duration::from_millis(20);

fn main() -> std::io::Result<ExitCode> {
    let lock_a = Mutex::new(100).named("lock_a");
    let lock_b = Mutex::new(0).named("lock_b");
    run("transfer", || {
        let mut a = lock_a.lock();
        sleep(MOMENT);
        let mut b = lock_b.lock();
        (*a, *b) = (*a - 10, *b + 10);
    });
    run("audit", || {
        let b = lock_b.lock();
        sleep(MOMENT);
        let a = lock_a.lock();
        assert_eq!(*a + *b, 100);
    });

    println!("two_locks: both ran, one after the other, and nothing hung this time");
    support::finish("two_locks")
}

/// Runs `work` on a thread of this name, to its end.
fn run(name: &str, work: impl FnOnce() + Send) {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name(name.to_owned());
        thread.spawn_scoped(scope, work).expect("a thread can start").join().expect("it ends well");
    });
}
