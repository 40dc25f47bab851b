//! The scenario runner: small lock programs with a known right answer, driven through the door as
//! a lock wrapper would.
//!
//! Reads the file named by `LOCKGRAPH_SCENARIOS`, or `tests/scenarios/scenarios.json`. Prints one
//! line per failing program and per policy difference, then a closing count.

pub(crate) mod answer;
pub(crate) mod facade;
mod locks;
mod odd_programs;
pub(crate) mod program;
pub(crate) mod reexec;
pub(crate) mod run;
pub(crate) mod trace;
pub(crate) mod verdict;
mod worker;
pub(crate) mod world;

use program::{Program, Scenario};
use verdict::Difference;

/// The scenario file of the project.
pub(crate) const FILE: &str = include_str!("../../scenarios/scenarios.json");

#[test]
fn scenarios() {
    reexec::expect_success("scenario::child", "full");
}

#[test]
fn child() {
    if !reexec::is_child() {
        return;
    }
    let text = match std::env::var_os("LOCKGRAPH_SCENARIOS") {
        Some(path) => std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display())),
        None => FILE.to_owned(),
    };
    let (mut passed, mut failed, mut policy) = (0, 0, 0);
    println!();
    for (id, scenario) in program::read_file(&text) {
        let scenario = match scenario {
            Ok(scenario) => scenario,
            Err(unreadable) => {
                println!("FAILED {id}: {unreadable}");
                failed += 1;
                continue;
            }
        };
        let (differences, ran) = judge(&scenario);
        let listed: Vec<_> = differences.iter().map(Difference::to_string).collect();
        let listed = listed.join("; ");
        if differences.is_empty() {
            passed += 1;
        } else if scenario.answer.policy && ran {
            println!("policy {id}: {listed}. Why: {}", scenario.answer.why);
            policy += 1;
        } else {
            println!("FAILED {id}: {listed}");
            failed += 1;
        }
    }
    println!("{passed} passed, {failed} failed, {policy} policy differences");
    assert_eq!(failed, 0, "programs failed");
}

/// Runs one program and compares. False where it could not be run as written, which no policy
/// excuses.
fn judge(scenario: &Scenario) -> (Vec<Difference>, bool) {
    let prefix = prefix(&scenario.program);
    let before = facade::findings().len();
    let outcome = run::run(&scenario.program, &prefix);
    let report = verdict::Report::read(&facade::findings()[before..], &prefix);
    let differences = verdict::compare(scenario, &outcome, &report, facade::plain_cycles(&prefix));
    outcome.drop_locks();
    (differences, outcome.broken.is_none())
}

/// What the names of one run begin with; no two runs of a process share it.
pub(crate) fn prefix(program: &Program) -> String {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    format!("{}#{}/", program.id, RUNS.fetch_add(1, Ordering::Relaxed))
}
