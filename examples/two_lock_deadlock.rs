//! A deadlock that really happens: `two_locks` with both threads at once.
//!
//! What it shows: two threads take two locks in opposite orders, with a sleep between, so that they
//! meet. Without a tracker both hang for ever and say nothing.
//!
//! What to look for: two reports on standard error. LG003, the inversion, as soon as both orders
//! were seen; and LG002, the deadlock, within a millisecond of the moment in which the circle
//! closes. It shows who holds what, taken where, and waits for what, where, and since when, and the
//! stacks of both, which the program asks for (`Config::stacks`). In tier `full` (a debug build) the
//! thread that closes the circle panics in place of parking; the other one goes on, and the process
//! ends with 1. With `LOCKGRAPH=full,LG002=warn` both hang, as they would without the tracker, after
//! the report; with `LG002=abort` the process aborts.
//!
//! The fix is `ordered_locks`. With the tracker compiled out it says so, deadlocks nothing, and
//! ends with 0.

mod support;

use lockgraph::parking_lot::Mutex;
use lockgraph::{Config, Named, thread};
use std::process::ExitCode;
use std::time::Duration;

/// Long enough that the two threads meet, most of the time.
const MOMENT: Duration = Duration::from_millis(20);

struct Bank {
    lock_a: Mutex<i32>,
    lock_b: Mutex<i32>,
}

impl Bank {
    fn new() -> Bank {
        Bank { lock_a: Mutex::new(100).named("lock_a"), lock_b: Mutex::new(0).named("lock_b") }
    }

    fn transfer(&self) {
        let mut a = self.lock_a.lock();
        thread::sleep(MOMENT);
        let mut b = self.lock_b.lock();
        (*a, *b) = (*a - 10, *b + 10);
    }

    fn audit(&self) {
        let b = self.lock_b.lock();
        thread::sleep(MOMENT);
        let a = self.lock_a.lock();
        assert_eq!(*a + *b, 100);
    }
}

fn main() -> std::io::Result<ExitCode> {
    if !lockgraph::PRESENT {
        println!("two_lock_deadlock: the tracker is compiled out, so this would hang for ever");
        return Ok(ExitCode::SUCCESS);
    }
    Config::new().stacks(true).install();
    let bank = Bank::new();
    // As long as it goes well, which it does where one of them is done before the other begins.
    let rounds = (1..).find(|_| !round(&bank)).expect("they meet");
    println!(
        "two_lock_deadlock: they met in round {rounds}; one was refused, so the other went on"
    );
    support::finish("two_lock_deadlock")
}

/// Both at the same time: whether both came to their end.
fn round(bank: &Bank) -> bool {
    thread::scope(|scope| {
        let named = |name: &str| thread::Builder::new().name(name.to_owned());
        let transfer = named("transfer").spawn_scoped(scope, || bank.transfer());
        let audit = named("audit").spawn_scoped(scope, || bank.audit());
        let threads = [transfer, audit].map(|thread| thread.expect("a thread can start"));
        threads.map(|thread| thread.join().is_ok()) == [true, true]
    })
}
