//! The fix of `two_lock_deadlock`: the same two threads at once, with lock_a before lock_b in both.
//!
//! What it shows: a clean run is evidence too. The order that was observed is printed, the lock
//! graph is written as one JSON document, which can be kept, compared and checked, and an assertion
//! in a test keeps the order as it is: `cargo test --example ordered_locks`. The test takes the
//! locks in one thread, one after the other. It needs no deadlock in order to fail.
//!
//! What to look for: no report; the line with the order; the path of the dump. The process ends
//! with 0, and with 1 where anything was reported.
//!
//! With the tracker compiled out (`RUSTFLAGS="--cfg lockgraph_off"`) the work is done, there is
//! no order to print, and the process ends with 0.

mod support;

use lockgraph::parking_lot::Mutex;
use lockgraph::{Named, thread};
use std::io;
use std::process::ExitCode;
use std::time::Duration;

/// As in `two_lock_deadlock`.
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
        let a = self.lock_a.lock();
        thread::sleep(MOMENT);
        let b = self.lock_b.lock();
        assert_eq!(*a + *b, 100);
    }
}

fn main() -> io::Result<ExitCode> {
    let bank = Bank::new();
    // At the same time: with one order there is nothing to fear.
    thread::scope(|scope| -> io::Result<()> {
        let named = |name: &str| thread::Builder::new().name(name.to_owned());
        named("transfer").spawn_scoped(scope, || bank.transfer())?;
        named("audit").spawn_scoped(scope, || bank.audit())?;
        Ok(())
    })?;
    println!("ordered_locks: transfer and audit ran at the same time, and both ended");
    support::finish("ordered_locks")
}

#[cfg(test)]
mod tests {
    use super::Bank;
    use lockgraph::testing::observe;

    #[test]
    fn lock_a_comes_before_lock_b() {
        let bank = Bank::new();
        let observation = observe(|| {
            bank.transfer();
            bank.audit();
        });
        lockgraph::assert_order!(observation, "lock_a" < "lock_b");
        lockgraph::assert_clean!(observation);
    }
}
