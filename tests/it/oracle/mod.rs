//! Random lock programs and scenarios against a naive oracle.
//!
//! The recorder must find what the oracle finds, and the oracle must say what the scenario file
//! says.

mod generate;
mod naive;
mod rulings;

use crate::scenario::answer::Cycle;
use crate::scenario::facade::{self, Plain};
use crate::scenario::program::{self, Program, Scenario};
use crate::scenario::reexec;
use crate::scenario::run;
use crate::scenario::verdict::{self, Inversion, Report};
use crate::scenario::{FILE, prefix};
use lockgraph_core::{Confidence, Filter};
use naive::Verdict;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use std::collections::{BTreeMap, BTreeSet};

/// Longer cycles need not be reported below `needs_writer`.
const LONGEST_FILTERED: usize = 4;

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}

#[test]
fn the_recorder_finds_what_the_naive_oracle_finds() {
    reexec::expect_success("oracle::random_programs", "full");
}

#[test]
fn random_programs() {
    if !reexec::is_child() {
        return;
    }
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let result = runner(cases.unwrap_or(300))
        .run(&generate::programs(), |program| check(&program).map_err(TestCaseError::fail));
    match result {
        Ok(()) => {}
        Err(TestError::Fail(why, program)) => panic!("{why}\n{}", program.to_json()),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

/// Runs one program under recorder and oracle.
fn check(program: &Program) -> Result<(), String> {
    let prefix = prefix(program);
    let before = facade::findings().len();
    let outcome = run::run(program, &prefix);
    let report = Report::read(&facade::findings()[before..], &prefix);
    let plain = facade::plain_cycles(&prefix);
    outcome.drop_locks();
    if let Some(broken) = outcome.broken {
        return Err(format!("the generated program does not run: {broken}"));
    }
    let verdict = naive::judge(&outcome.trace, usize::MAX);
    compare(&verdict, &report)?;
    if let (Some(class), false) = (report.classes.first(), verdict::drops(program)) {
        return Err(format!("{}: expected nothing of its classes", class.cycle));
    }
    let plain = plain?;
    if !plain.truncated && plain.cycles != verdict.plain {
        return Err(format!("dump: expected {:?}, got {:?}", verdict.plain, plain.cycles));
    }
    Ok(())
}

fn compare(verdict: &Verdict, report: &Report) -> Result<(), String> {
    if !report.foreign.is_empty() || report.self_deadlock {
        return Err(format!("findings that nobody expects: {report:?}"));
    }
    for (cycle, grade) in &verdict.reported {
        let filters: Vec<Filter> = grade.filtered_by.iter().copied().collect();
        let expected = format!("{cycle}: expected {:?} {filters:?}", grade.confidence);
        match best(report, cycle) {
            Some(found) if found.confidence != grade.confidence || found.filtered_by != filters => {
                return Err(format!(
                    "{expected}, got {:?} {:?}",
                    found.confidence, found.filtered_by
                ));
            }
            Some(_) => {}
            None if grade.confidence < Confidence::NeedsWriter
                && cycle.len() > LONGEST_FILTERED => {}
            None => return Err(format!("{expected}, got nothing")),
        }
    }
    for Inversion { cycle, confidence, .. } in &report.inversions {
        if !verdict.reported.contains_key(cycle) {
            return Err(format!("{cycle}: expected nothing, got {confidence:?}"));
        }
    }
    Ok(())
}

/// The surest report of a cycle; the first of several.
fn best<'r>(report: &'r Report, cycle: &Cycle) -> Option<&'r Inversion> {
    let of_cycle = report.inversions.iter().filter(|inversion| inversion.cycle == *cycle);
    of_cycle.rev().max_by_key(|inversion| inversion.confidence)
}

#[test]
fn oracle_agrees_with_the_scenario_file() {
    reexec::expect_success("oracle::scenario_file", "off");
}

#[test]
fn scenario_file() {
    if !reexec::is_child() {
        return;
    }
    let mut disagreements = Vec::new();
    for (id, scenario) in program::read_file(FILE) {
        let scenario = scenario.unwrap_or_else(|why| panic!("{id}: {why}"));
        if let Err(why) = agrees(&scenario) {
            if scenario.answer.policy {
                println!("policy {id}: {why}");
            } else {
                disagreements.push(format!("{id}: {why}"));
            }
        }
    }
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
}

/// Whether runner and oracle alone come to the answer of the file.
fn agrees(scenario: &Scenario) -> Result<(), String> {
    let Scenario { program, answer } = scenario;
    let outcome = run::run(program, &prefix(program));
    outcome.drop_locks();
    // Where the file does not list all cycles there are too many to walk; as many locks as threads
    // are enough for every cycle of distinct owners.
    let longest = match answer.plain.cycles {
        Some(_) => usize::MAX,
        None => program.threads.len(),
    };
    let verdict = naive::judge(&outcome.trace, longest);
    let stuck: Vec<_> =
        outcome.stuck.iter().map(|&thread| program.threads[thread].name.clone()).collect();
    same("stuck threads", answer.expect.actual_deadlock.as_ref().unwrap_or(&Vec::new()), &stuck)?;

    let inversions = verdict.reported.iter().map(|(cycle, grade)| Inversion {
        cycle: cycle.clone(),
        confidence: grade.confidence,
        filtered_by: grade.filtered_by.iter().copied().collect(),
    });
    let report = Report {
        inversions: inversions.collect(),
        // The model's own word, in place of the recorder's.
        deadlock: stuck.clone(),
        self_deadlock: outcome.self_deadlock,
        classes: Vec::new(),
        // Not the oracle's business.
        misuse: answer.expect.misuse.clone(),
        foreign: Vec::new(),
    };
    let plain = Plain {
        cycles: verdict.plain.clone(),
        components: verdict.components.clone(),
        truncated: false,
    };
    let differences = verdict::compare(scenario, &outcome, &report, Ok(plain));
    if let Some(difference) = differences.first() {
        return Err(difference.to_string());
    }
    // The runner takes more filters than listed as right; here they are exactly those listed.
    for (cycle, filters) in &answer.filtered_by {
        let filters: BTreeSet<_> = filters.iter().copied().collect();
        let found = verdict.reported.get(cycle).map(|grade| grade.filtered_by.clone());
        same(&format!("{cycle} filtered by"), &Some(filters), &found)?;
    }
    Ok(())
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, got: &T) -> Result<(), String> {
    if expected == got {
        Ok(())
    } else {
        Err(format!("{what}: expected {expected:?}, got {got:?}"))
    }
}

#[test]
fn the_generator_reaches_every_confidence() {
    reexec::expect_success("oracle::generator", "off");
}

#[test]
fn generator() {
    if !reexec::is_child() {
        return;
    }
    let mut seen = BTreeMap::<_, usize>::new();
    let mut runner = TestRunner::deterministic();
    for _ in 0..1000 {
        let tree = generate::programs().new_tree(&mut runner).expect("every choice is legal");
        let program = tree.current();
        let outcome = run::run(&program, &prefix(&program));
        outcome.drop_locks();
        assert_eq!(outcome.broken, None, "{}", program.to_json());
        assert!(!outcome.self_deadlock && outcome.stuck.is_empty(), "{}", program.to_json());
        for grade in naive::judge(&outcome.trace, usize::MAX).reported.values() {
            *seen.entry(grade.confidence).or_default() += 1;
        }
    }
    println!("{seen:?}");
    for confidence in [
        Confidence::Gated,
        Confidence::Ordered,
        Confidence::SameOwner,
        Confidence::NeedsWriter,
        Confidence::Feasible,
    ] {
        assert!(seen.contains_key(&confidence), "no program gave {confidence:?}");
    }
}
