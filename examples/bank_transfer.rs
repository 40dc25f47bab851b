//! Transfers between many accounts, whose locks are one class: the classic ABBA, and two cures.
//!
//! What it shows: `naive` locks the account that gives, then the one that takes. Two transfers between
//! the same two accounts, one each way, take two locks in opposite orders. `by_key` takes the account
//! with the smaller number first; `together` leaves the order to `lock_all!`. No names are needed:
//! locks of one class are told apart.
//!
//! What to look for: `cargo run --example bank_transfer` makes naive transfers one after the other,
//! and every pair that was crossed is reported (LG003, the same code both times), though nothing hangs;
//! it ends with 1. `.. -- by_key` and `.. -- together` make thousands of transfers in eight threads at
//! once without a finding, and end with 0.
//!
//! With the tracker compiled out the naive transfers are left out: nobody would see what is wrong.

mod support;

use lockgraph::Named;
use lockgraph::parking_lot::Mutex;
use std::process::ExitCode;
use std::thread;

const ACCOUNTS: usize = 100;
const TRANSFERS: usize = 2_000;
const THREADS: usize = 8;

type Account = Mutex<i64>;

/// The giver, then the taker: whoever transfers back takes them the other way round.
fn naive(accounts: &[Account], from: usize, to: usize) {
    let mut giver = accounts[from].lock();
    let mut taker = accounts[to].lock();
    (*giver, *taker) = (*giver - 1, *taker + 1);
}

/// The smaller number first, whoever gives.
fn by_key(accounts: &[Account], from: usize, to: usize) {
    let (low, high) = (from.min(to), from.max(to));
    let mut low_account = accounts[low].lock();
    let mut high_account = accounts[high].lock();
    let (giver, taker) = match from == low {
        true => (&mut low_account, &mut high_account),
        false => (&mut high_account, &mut low_account),
    };
    (**giver, **taker) = (**giver - 1, **taker + 1);
}

/// In the one order that `lock_all!` keeps.
fn together(accounts: &[Account], from: usize, to: usize) {
    let (mut giver, mut taker) = lockgraph::lock_all!(accounts[from], accounts[to]);
    (*giver, *taker) = (*giver - 1, *taker + 1);
}

/// The accounts of the transfer with this number: every pair both ways.
fn pair(number: usize) -> (usize, usize) {
    let from = number * 7 % ACCOUNTS;
    (from, (from + 1 + number * 13 % (ACCOUNTS - 1)) % ACCOUNTS)
}

fn main() -> std::io::Result<ExitCode> {
    let way = std::env::args().nth(1);
    // Declared to be in the order of a key only where that is so.
    let account = |_| match way.as_deref() {
        Some("by_key") => Mutex::new(100).named("account").keyed(),
        _ => Mutex::new(100).named("account"),
    };
    let accounts: Vec<Account> = (0..ACCOUNTS).map(account).collect();
    match way.as_deref() {
        Some("by_key") => in_threads(&accounts, by_key),
        Some("together") => in_threads(&accounts, together),
        _ if !lockgraph::PRESENT => {}
        _ => {
            // One thread after the other: no two of them meet.
            for (name, from, to) in [("alice", 3, 8), ("bob", 8, 3)] {
                let accounts = &accounts;
                thread::scope(|scope| {
                    let thread = thread::Builder::new().name(name.to_owned());
                    thread
                        .spawn_scoped(scope, move || naive(accounts, from, to))
                        .expect("a thread can start");
                });
            }
        }
    }
    let sum: i64 = accounts.iter().map(|account| *account.lock()).sum();
    println!("bank_transfer: {sum} in {ACCOUNTS} accounts");
    assert_eq!(sum, 100 * ACCOUNTS as i64, "no money is lost");
    support::finish("bank_transfer")
}

/// Eight threads at once.
fn in_threads(accounts: &[Account], transfer: fn(&[Account], usize, usize)) {
    thread::scope(|scope| {
        for at in 0..THREADS {
            scope.spawn(move || {
                for number in 0..TRANSFERS {
                    let (from, to) = pair(number * THREADS + at);
                    transfer(accounts, from, to);
                    transfer(accounts, to, from);
                }
            });
        }
    });
}
