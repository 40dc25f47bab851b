//! Call sites in a wrapper that hides its callers.

use super::Project;
use std::process::Command;

/// A dependency's wrapper, as tokio has one over std's mutex.
const SHIM: &str = "//! A mutex without poisoning.
use std::sync::{Mutex as Std, MutexGuard};
pub struct Mutex<T>(Std<T>);
impl<T> Mutex<T> {
    pub const fn new(value: T) -> Self { Mutex(Std::new(value)) }
    HERE
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
";

const BANK: &str = "use shim::Mutex;
static ACCOUNTS: Mutex<u8> = Mutex::new(0);
static AUDIT: Mutex<u8> = Mutex::new(0);
static RATES: Mutex<u8> = Mutex::new(0);
static TERMS: Mutex<u8> = Mutex::new(0);
fn transfer() {
    let _accounts = ACCOUNTS.lock();
    let _audit = AUDIT.lock();
}
fn audit() {
    let _audit = AUDIT.lock();
    let _accounts = ACCOUNTS.lock();
}
fn offer() {
    let _rates = RATES.lock();
    let _terms = TERMS.lock();
}
fn revise() {
    let _terms = TERMS.lock();
    let _rates = RATES.lock();
}
/// One after the other, as nobody but a channel knows.
fn in_turn(one: fn(), other: fn()) {
    let (done, begin) = std::sync::mpsc::channel();
    let one = std::thread::spawn(move || {
        one();
        done.send(()).unwrap();
    });
    let other = std::thread::spawn(move || {
        begin.recv().unwrap();
        other();
    });
    one.join().unwrap();
    other.join().unwrap();
}
#[test]
fn both() {
    in_turn(transfer, audit);
    in_turn(offer, revise);
}
";

fn project(name: &'static str, attribute: &str) -> Project {
    // The projects share a target folder, where cargo tells packages apart by their names.
    let package = format!("{name}_shim");
    let dependency = format!("shim = {{ package = \"{package}\", path = \"shim\" }}\n");
    let project = Project::new(name, &dependency);
    let manifest = "[package]\nversion = \"1.0.0\"\nedition = \"2021\"\nname = ";
    project.write("shim/Cargo.toml", &format!("{manifest}\"{package}\"\n"));
    project.write("shim/src/lib.rs", &SHIM.replace("HERE", attribute));
    project.write("tests/bank.rs", BANK);
    project
}

fn with_lines(cargo: &mut Command) {
    cargo.env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only");
    cargo.env("CARGO_PROFILE_TEST_DEBUG", "line-tables-only");
}

const TEST: [&str; 3] = ["test", "--test", "bank"];

#[test]
fn callers_of_a_wrapper_are_named_and_tell_its_inversions_apart() {
    let project = project("whole_shim", "");
    let found = project.lockgraph_with(&TEST, with_lines);
    found.ends_with(1).says(&[
        "--> tests/bank.rs:8:24",
        "--> tests/bank.rs:12:30",
        "--> tests/bank.rs:16:24",
        "--> tests/bank.rs:20:24",
        "let _audit = AUDIT.lock();",
        "through this call",
        "lockgraph: 2 errors",
    ]);
    let json = ["test", "--format", "json", "--test", "bank"];
    project.lockgraph_with(&json, with_lines).ends_with(1).says(&[
        "called by `bank::transfer` at tests/bank.rs:8:24",
        "called by `bank::revise` at tests/bank.rs:20:24",
    ]);

    // Nothing is told where nothing is kept, nor where nothing says which line an address is.
    let off = |cargo: &mut Command| {
        cargo.env("LOCKGRAPH", "full,stderr=off,callers=off");
        with_lines(cargo);
    };
    let found = project.lockgraph_with(&TEST, off);
    found.ends_with(1).says(&["--> shim/src/lib.rs:8:16", "lockgraph: 1 error"]);
    let without_lines = |cargo: &mut Command| {
        cargo.env("CARGO_PROFILE_TEST_DEBUG", "0");
    };
    let found = project.lockgraph_with(&TEST, without_lines);
    found.ends_with(1).says(&["--> shim/src/lib.rs:8:16", "lockgraph: 1 error"]);
}

#[test]
fn a_wrapper_that_shows_its_callers_needs_no_more() {
    let project = project("whole_shown", "#[track_caller]");
    let found = project.lockgraph_with(&TEST, with_lines);
    found.ends_with(1).says(&["--> tests/bank.rs:8:24", "--> tests/bank.rs:16:24"]);
    found.says(&["lockgraph: 2 errors"]).is_silent_of(&["called by", "through this call"]);
}

/// A function of the project that locks for others, and two programs that each keep an order.
const VAULT: &str = "use std::sync::{Mutex, MutexGuard};
pub static ACCOUNTS: Mutex<u8> = Mutex::new(0);
pub static AUDIT: Mutex<u16> = Mutex::new(0);
pub fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
";

fn order(crate_name: &str, outer: &str, inner: &str) -> String {
    format!(
        "use {crate_name}::{{ACCOUNTS, AUDIT, locked}};
#[test]
fn order() {{
    let _outer = locked(&{outer});
    let _inner = locked(&{inner});
}}
"
    )
}

#[test]
fn callers_are_named_where_only_two_processes_together_show_the_inversion() {
    let project = Project::new("whole_two_callers", "");
    project.write("src/lib.rs", VAULT);
    let write = |file, outer, inner| project.write(file, &order("whole_two_callers", outer, inner));
    write("tests/transfer.rs", "ACCOUNTS", "AUDIT");
    write("tests/audit.rs", "AUDIT", "ACCOUNTS");
    project.lockgraph_with(&["test"], with_lines).ends_with(1).says(&[
        "error[LG003]",
        "--> tests/transfer.rs:5:18",
        "--> tests/audit.rs:5:18",
        "through this call",
    ]);
    write("tests/audit.rs", "ACCOUNTS", "AUDIT");
    project.lockgraph_with(&["test"], with_lines).ends_with(0).is_silent_of(&["LG004", "LG003"]);
}
