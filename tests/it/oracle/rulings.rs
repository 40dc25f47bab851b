//! Where the rules meet: what a naive reading of them gives for small programs.

use super::naive::{Grade, judge};
use crate::scenario::program::read_file;
use crate::scenario::{prefix, reexec, run::run};
use lockgraph_core::Confidence::{Feasible, Gated, Ordered, SameOwner};
use lockgraph_core::Filter::{Gate, Order, Owner};
use lockgraph_core::{Confidence, Filter};
use serde_json::{Value, json};

#[test]
fn rules_meet_as_written() {
    reexec::expect_success("oracle::rulings::rulings", "off");
}

/// Locks each letter of a word in order, then releases them in reverse; `+x` starts the thread
/// `x`, `-x` joins it.
fn ops(script: &str) -> Vec<Value> {
    let mut ops = Vec::new();
    for word in script.split_whitespace() {
        if let Some(child) = word.strip_prefix('+') {
            ops.push(json!(["spawn", child]));
        } else if let Some(child) = word.strip_prefix('-') {
            ops.push(json!(["join", child]));
        } else {
            ops.extend(word.chars().map(|lock| json!(["lock", lock.to_string()])));
            ops.extend(word.chars().rev().map(|lock| json!(["unlock", lock.to_string()])));
        }
    }
    ops
}

/// The grade of the one cycle of a program on A, B and G.
fn graded(threads: &[(&str, &str)]) -> (Confidence, Vec<Filter>) {
    let thread = |(name, script): &(&str, &str)| json!({ "name": name, "ops": ops(script) });
    let mutex = |name: &&str| json!({ "name": name, "kind": "mutex" });
    let locks: Vec<_> = ["A", "B", "G"].iter().map(mutex).collect();
    let threads: Vec<_> = threads.iter().map(thread).collect();
    let program = json!([{
        "id": "ruling",
        "locks": locks,
        "threads": threads,
    }]);
    let (_, scenario) = read_file(&program.to_string()).remove(0);
    let program = scenario.expect("of the language").program;
    let outcome = run(&program, &prefix(&program));
    outcome.drop_locks();
    let reported = judge(&outcome.trace, usize::MAX).reported;
    assert_eq!(reported.len(), 1, "{threads:?}");
    let Grade { confidence, filtered_by } = reported.into_values().next().expect("one");
    (confidence, filtered_by.into_iter().collect())
}

#[test]
fn rulings() {
    if !reexec::is_child() {
        return;
    }
    // A gate around one of two choices does not hold, in whichever order they come.
    assert_eq!(graded(&[("t1", "GAB AB"), ("t2", "GBA")]), (Feasible, vec![]));
    assert_eq!(graded(&[("t1", "GAB"), ("t2", "GBA"), ("t3", "AB")]), (Feasible, vec![]));
    assert_eq!(graded(&[("t1", "GAB"), ("t2", "GBA")]), (Gated, vec![Gate]));
    // The third side is not ordered with the child's.
    let child = ("c", "BA");
    assert_eq!(graded(&[("main", "AB +c AB"), child]), (Feasible, vec![]));
    assert_eq!(graded(&[("main", "AB +c -c AB"), child]), (Ordered, vec![Order]));
    // Each filter is asked of every pair of sides; the lowest confidence that fails counts.
    assert_eq!(graded(&[("t1", "AB BA")]), (SameOwner, vec![Owner]));
    assert_eq!(graded(&[("t1", "GAB GBA")]), (Gated, vec![Gate, Owner]));
    assert_eq!(graded(&[("main", "AB +c BA"), ("c", "")]), (Ordered, vec![Order, Owner]));
    // No filter rules out every choice: the best choice alone names the confidence.
    assert_eq!(graded(&[("t1", "GBA"), ("t2", "GAB BA")]), (SameOwner, vec![]));
}
