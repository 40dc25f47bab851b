//! Tests of an order: a module that takes locks, and the tests which prove how.
//!
//! What it shows: `bank` declares its order, so that a request against it is refused at once; its
//! tests watch what a call takes, without knowing how it is written. A test fails when somebody turns
//! two locks round, also where nothing hangs.
//!
//! What to look for: `cargo test --example ordering_test` passes; turn two lines of `transfer` round
//! and see what it says. `cargo run --example ordering_test` prints the order that was observed, and
//! the one problem that was provoked: an acquisition against it (LG007). It ends with 1, since that was
//! reported.
//!
//! With the tracker compiled out the same tests compile, and prove nothing.

mod support;

use std::process::ExitCode;

mod bank {
    use lockgraph::parking_lot::{Mutex, RwLock};
    use lockgraph::{Named, assert_held, order};

    order! {
        pub(crate) RATES < ACCOUNTS < AUDIT;
        ACCOUNTS < LOG
    }

    /// Two accounts, and what is kept of their changes.
    #[derive(Debug)]
    pub(crate) struct Bank {
        rates: RwLock<i64>,
        accounts: Mutex<[i64; 2]>,
        audit: Mutex<i64>,
        log: Mutex<Vec<String>>,
    }

    impl Bank {
        /// With 100 on each account.
        pub(crate) fn new() -> Bank {
            Bank {
                rates: RwLock::new(1).ranked(RATES),
                accounts: Mutex::new([100, 100]).ranked(ACCOUNTS),
                audit: Mutex::new(200).ranked(AUDIT),
                log: Mutex::new(Vec::new()).ranked(LOG),
            }
        }

        /// Moves money from the first account to the second one.
        pub(crate) fn transfer(&self, amount: i64) {
            let rate = self.rates.read();
            let mut accounts = self.accounts.lock();
            accounts[0] -= amount;
            accounts[1] += amount * *rate;
            self.write(format!("{amount} moved"));
        }

        /// Whether no money was lost.
        pub(crate) fn check(&self) -> bool {
            let accounts = self.accounts.lock();
            *self.audit.lock() == accounts.iter().sum::<i64>()
        }

        /// A line of the log: only for who has the accounts, so that lines come in their order.
        fn write(&self, line: String) {
            assert_held!(self.accounts);
            self.log.lock().push(line);
        }

        /// The wrong way round: the log before the accounts.
        pub(crate) fn report(&self) -> String {
            let log = self.log.lock();
            format!("{:?} after {} lines", self.accounts.lock(), log.len())
        }
    }
}

fn main() -> std::io::Result<ExitCode> {
    let bank = bank::Bank::new();
    let observation = lockgraph::testing::observe(|| bank.transfer(10));
    if let Some(order) = observation.order().filter(|_| observation.is_recorded()) {
        println!("ordering_test: transfer takes {}", order.join(", then "));
    }
    assert!(bank.check());
    // Where the recorder is there it refuses this.
    let report = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| bank.report()));
    if let Ok(report) = report {
        println!("ordering_test: {report}");
    }
    support::finish("ordering_test")
}

#[cfg(test)]
mod tests {
    use super::bank::Bank;
    use lockgraph::testing::observe;
    use lockgraph::{
        assert_acyclic, assert_clean, assert_finding, assert_never_nested, assert_order, thread,
    };
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn a_transfer_takes_the_rates_then_the_accounts_then_the_log() {
        let bank = Bank::new();
        let observation = observe(|| bank.transfer(10));
        assert_clean!(observation);
        assert_order!(observation, "rates" < "accounts" < "log");
    }

    #[test]
    fn transfers_and_checks_agree_on_one_order() {
        let bank = Bank::new();
        let observation = observe(|| {
            thread::scope(|s| {
                s.spawn(|| (0..10).for_each(|_| bank.transfer(1)));
                s.spawn(|| (0..10).for_each(|_| assert!(bank.check())));
            });
        });
        assert_clean!(observation);
        assert_acyclic!(observation);
        assert_never_nested!(observation, "audit", "log");
    }

    #[test]
    fn a_report_is_against_the_declared_order() {
        let bank = Bank::new();
        let observation = observe(|| drop(catch_unwind(AssertUnwindSafe(|| bank.report()))));
        assert_finding!(observation, order_violation, ["log", "accounts"]);
    }
}
