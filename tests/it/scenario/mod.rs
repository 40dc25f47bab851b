//! The scenario runner: small lock programs with a known right answer, driven through the door as
//! a lock wrapper would, and on the real locks and threads of `lockgraph::sync` and
//! `lockgraph::thread` where std has the operations.
//!
//! Reads the file named by `LOCKGRAPH_SCENARIOS`, or `tests/scenarios/scenarios.json`. Prints one
//! line per failing program and per policy difference, then a closing count, for each family.

pub(crate) mod answer;
pub(crate) mod facade;
mod family;
mod locks;
mod odd_programs;
pub(crate) mod program;
pub(crate) mod reexec;
pub(crate) mod run;
mod std_run;
pub(crate) mod trace;
pub(crate) mod verdict;
mod worker;
pub(crate) mod world;

use family::Family;
use program::{Program, Scenario};
use verdict::Difference;

/// The scenario file of the project.
pub(crate) const FILE: &str = include_str!("../../scenarios/scenarios.json");

#[test]
fn scenarios_at_the_door() {
    reexec::expect_success("scenario::child_at_the_door", "full");
}

#[test]
fn scenarios_on_the_locks_of_std() {
    reexec::expect_success("scenario::child_on_the_locks_of_std", "full");
}

#[test]
fn child_at_the_door() {
    if reexec::is_child() {
        run_file(Family::Door);
    }
}

#[test]
fn child_on_the_locks_of_std() {
    // Without the tracker they are std's own.
    if reexec::is_child() && lockgraph::PRESENT {
        run_file(Family::Std);
    }
}

/// Runs every program on the family, and says how it went.
fn run_file(family: Family) {
    let text = match std::env::var_os("LOCKGRAPH_SCENARIOS") {
        Some(path) => std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display())),
        None => FILE.to_owned(),
    };
    let (mut passed, mut failed, mut policy) = (0, 0, 0);
    let mut lacking = Vec::new();
    let mut programs = program::read_file(&text);
    // They make each dump after them long.
    programs
        .sort_by_key(|(_, scenario)| scenario.as_ref().is_ok_and(|read| read.program.is_bulky()));
    println!();
    for (id, scenario) in programs {
        let scenario = match scenario {
            Ok(scenario) => scenario,
            Err(unreadable) => {
                println!("FAILED {id}: {unreadable}");
                failed += 1;
                continue;
            }
        };
        if let Some(lacks) = family.lacks(&scenario) {
            lacking.push(format!("{id} ({lacks})"));
            continue;
        }
        let (differences, ran) = judge(family, &scenario);
        let listed: Vec<_> = differences.iter().map(Difference::to_string).collect();
        let listed = listed.join("; ");
        if differences.is_empty() {
            passed += 1;
        } else if scenario.answer.policy && ran {
            println!("policy {id}: {listed}. Why: {}", scenario.answer.why);
            policy += 1;
        } else {
            println!("FAILED {id} on {}: {listed}", family.name());
            failed += 1;
        }
    }
    let name = family.name();
    if !lacking.is_empty() {
        println!("{name} lacks: {}", lacking.join(", "));
    }
    let lacking = lacking.len();
    println!(
        "{name}: {passed} passed, {failed} failed, {policy} policy differences, {lacking} not run"
    );
    assert_eq!(failed, 0, "programs failed");
}

/// Runs one program and compares. False where it could not be run as written, which no policy
/// excuses.
fn judge(family: Family, scenario: &Scenario) -> (Vec<Difference>, bool) {
    let prefix = prefix(&scenario.program);
    let before = facade::findings().len();
    let outcome = family.run(scenario, &prefix);
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
