//! A bug report as a test: `two_locks` again, and the threads are made to meet.
//!
//! What it shows: the two threads of `two_locks` run one after the other most of the time, so the
//! program ends well, and a test of it passes. `provoke` runs it once, sees both orders, and runs it
//! again with each thread paused between its two locks until the other one is there too. So the
//! deadlock happens on every run, without a sleep. Then the same with the order fixed.
//!
//! What to look for: on standard error LG003 `feasible` of the first run; then, of the second, LG002,
//! which is broken by a panic of the thread that closes it, and LG003 again as `reproduced`. On
//! standard output a line for each of the two forms. `assert_clean!` on the first one is the test that
//! fails, each time; on the second one it passes. It ends with 1, as the first form can hang.
//!
//! With the tracker compiled out it says so, runs the fixed form alone, which cannot hang, and ends
//! with 0.

mod support;

use lockgraph::parking_lot::Mutex;
use lockgraph::testing::provoke;
use lockgraph::{Named, thread};
use std::process::ExitCode;

struct Bank {
    savings: Mutex<i64>,
    checking: Mutex<i64>,
}

impl Bank {
    fn new() -> Bank {
        Bank {
            savings: Mutex::new(100).named("savings"),
            checking: Mutex::new(0).named("checking"),
        }
    }

    fn withdraw(&self, amount: i64) {
        let mut savings = self.savings.lock();
        let mut checking = self.checking.lock();
        (*savings, *checking) = (*savings - amount, *checking + amount);
    }

    /// The bug: the other order.
    fn audit(&self) {
        let checking = self.checking.lock();
        let savings = self.savings.lock();
        assert_eq!(*savings + *checking, 100);
    }

    fn audit_in_order(&self) {
        let savings = self.savings.lock();
        let checking = self.checking.lock();
        assert_eq!(*savings + *checking, 100);
    }
}

/// What the test does: a customer and an auditor at the same time.
fn customer_and_auditor(audit: fn(&Bank)) {
    let bank = Bank::new();
    thread::scope(|scope| {
        let named = |name: &str| thread::Builder::new().name(name.to_owned());
        let customer = named("customer").spawn_scoped(scope, || bank.withdraw(10));
        let auditor = named("auditor").spawn_scoped(scope, || audit(&bank));
        // Where the deadlock was broken one of them has panicked.
        let _ = (customer.expect("starts").join(), auditor.expect("starts").join());
    });
}

fn main() -> std::io::Result<ExitCode> {
    if lockgraph::PRESENT {
        let reported = provoke(|| customer_and_auditor(Bank::audit));
        println!("provoke_two_locks: as reported: {}", reported.outcome());
    }
    let fixed = provoke(|| customer_and_auditor(Bank::audit_in_order));
    lockgraph::assert_clean!(fixed);
    println!("provoke_two_locks: with one order: {}", fixed.outcome());
    support::finish("provoke_two_locks")
}
