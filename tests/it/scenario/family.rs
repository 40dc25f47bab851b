//! What a program can be run on: the door, called as a lock wrapper would, or the real locks and
//! threads of `lockgraph::sync` and `lockgraph::thread`.

use super::program::{Ask, LockKind, Op, Scenario};
use super::run::{self, Outcome};
use super::std_run;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Family {
    Door,
    Std,
}

impl Family {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Family::Door => "door",
            Family::Std => "std",
        }
    }

    /// What the program asks for that this family does not have.
    pub(crate) fn lacks(self, scenario: &Scenario) -> Option<&'static str> {
        match self {
            Family::Door => None,
            Family::Std => std_lacks(scenario),
        }
    }

    pub(crate) fn run(self, scenario: &Scenario, prefix: &str) -> Outcome {
        match self {
            Family::Door => run::run(&scenario.program, prefix),
            Family::Std => std_run::run(&scenario.program, prefix),
        }
    }
}

fn std_lacks(Scenario { program, answer }: &Scenario) -> Option<&'static str> {
    let misuse = &answer.expect.misuse;
    if program.locks.iter().any(|lock| lock.kind == LockKind::Reentrant) {
        return Some("reentrant locks");
    }
    if program.locks.iter().any(|lock| lock.address_of.is_some()) {
        return Some("a say in addresses");
    }
    if misuse.iter().any(|misuse| misuse.ends_with("unlock") || misuse == "unlock_not_held") {
        return Some("unlocks without a guard");
    }
    if misuse.iter().any(|misuse| misuse == "condvar_two_mutexes") {
        return Some("waits of threads that come back at once and still meet");
    }
    program.threads.iter().flat_map(|thread| &thread.ops).find_map(|op| match op {
        Op::Acquire { ask: Ask::ReadRecursive, .. } => Some("recursive reads"),
        Op::Acquire { ask: Ask::Upgradable, .. } | Op::Upgrade(_) => Some("upgrades"),
        Op::Init(_) => Some("a second initialisation in place"),
        Op::AssertHeld(_) => Some("assertions of holds"),
        _ => None,
    })
}
