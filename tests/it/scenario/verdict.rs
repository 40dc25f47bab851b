//! Compares what the recorder said of one run with what is known of the program.

use super::answer::{Answer, Cycle, sorted};
use super::facade::Plain;
use super::program::{Op, Program, Scenario};
use super::run::Outcome;
use lockgraph_core::{Confidence, Detail, Filter, Finding, Kind};
use std::fmt::Display;

/// One point on which recorder and scenario disagree.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    what: String,
    expected: String,
    got: String,
}

impl Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: expected {}, got {}", self.what, self.expected, self.got)
    }
}

/// An inversion as it was reported.
#[derive(Clone, Debug)]
pub(crate) struct Inversion {
    pub(crate) cycle: Cycle,
    pub(crate) confidence: Confidence,
    pub(crate) filtered_by: Vec<Filter>,
}

/// What was reported during one run, in the words of the scenario file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) inversions: Vec<Inversion>,
    /// LG004, by the names of the classes.
    pub(crate) classes: Vec<Inversion>,
    pub(crate) self_deadlock: bool,
    pub(crate) misuse: Vec<String>,
    /// The threads that LG002 named, sorted; none where it was not reported.
    pub(crate) deadlock: Vec<String>,
    /// Findings about locks that are not of this run.
    pub(crate) foreign: Vec<String>,
}

impl Report {
    /// Sorts out the findings; lock names lose their `prefix`.
    pub(crate) fn read(findings: &[Finding], prefix: &str) -> Report {
        let mut report = Report::default();
        for finding in findings {
            let name = |name: &str| name.strip_prefix(prefix).map(str::to_owned);
            let locks: Option<Vec<String>> =
                finding.locks.iter().map(|lock| lock.class.name.and_then(name)).collect();
            let Some(locks) = locks.filter(|locks| !locks.is_empty()) else {
                report.foreign.push(format!("{} {:?}", finding.kind.code(), finding.locks));
                continue;
            };
            match finding.kind {
                Kind::OrderInversion | Kind::ClassInversion => {
                    let inversion = Inversion {
                        cycle: Cycle::new(locks),
                        confidence: finding.confidence.unwrap_or(Confidence::Gated),
                        filtered_by: sorted(finding.filtered_by.clone()),
                    };
                    match finding.kind {
                        Kind::OrderInversion => report.inversions.push(inversion),
                        _ => report.classes.push(inversion),
                    }
                }
                // A note: what is nested is seen in the inversions.
                Kind::SameClassNesting => {}
                Kind::SelfDeadlock => report.self_deadlock = true,
                Kind::Deadlock => {
                    let owners = finding.sides.iter().filter_map(|side| side.owner.name.as_deref());
                    report.deadlock.extend(owners.map(str::to_owned));
                    report.deadlock.sort();
                }
                // The files say nothing of it.
                Kind::HeldAcrossWait => {}
                Kind::ReaderRecursion => report.misuse.push("recursive_read".into()),
                Kind::CondvarNested => report.misuse.push("wait_holding_other".into()),
                Kind::OrphanedLock => report.misuse.push("thread_exit_holding".into()),
                Kind::Misuse => report.misuse.push(match finding.detail {
                    Detail::Misuse(misuse) => misuse.name().into(),
                    _ => "misuse without a word".into(),
                }),
                other => report.foreign.push(format!("{} of {locks:?}", other.code())),
            }
        }
        report.misuse.sort();
        report.misuse.dedup();
        report
    }

    /// The cycles reported with at least this confidence, each once.
    fn cycles(&self, confidence: Confidence) -> Vec<Cycle> {
        let sure = self.inversions.iter().filter(|inversion| inversion.confidence >= confidence);
        let mut cycles = sorted(sure.map(|inversion| inversion.cycle.clone()).collect::<Vec<_>>());
        cycles.dedup();
        cycles
    }
}

/// Every difference between a run and the answer; none where all is as known.
pub(crate) fn compare(
    scenario: &Scenario,
    outcome: &Outcome,
    report: &Report,
    plain: Result<Plain, String>,
) -> Vec<Difference> {
    let Scenario { program, answer } = scenario;
    let mut differences = Differences(Vec::new());
    if let Some(broken) = &outcome.broken {
        differences.note("the run", "to its end", broken);
    }
    differences.same(
        "self-deadlock in the program",
        answer.expect.self_deadlock,
        outcome.self_deadlock,
    );
    differences.same("LG001", answer.expect.self_deadlock, report.self_deadlock);
    compare_deadlock(scenario, outcome, report, &mut differences);
    differences.same("misuse", &words(&answer.expect.misuse), &words(&report.misuse));
    if !report.foreign.is_empty() {
        differences.note("other findings", "none", words(&report.foreign));
    }
    // Each lock is its own class: only one that is gone leaves more to its class.
    if let (Some(class), false) = (report.classes.first(), drops(program)) {
        differences.note("LG004", "none", &class.cycle);
    }
    compare_inversions(program, answer, report, &mut differences);
    match plain {
        Ok(plain) => compare_plain(answer, &plain, &mut differences),
        Err(why) => differences.note("plain cycles", "a dump", why),
    }
    differences.0
}

/// LG002 where the program says that threads are stuck, and nowhere else. Threads that only wait
/// for stuck ones are no part of the deadlock.
fn compare_deadlock(
    scenario: &Scenario,
    outcome: &Outcome,
    report: &Report,
    differences: &mut Differences,
) {
    let expected = sorted(scenario.answer.expect.actual_deadlock.clone().unwrap_or_default());
    let name = |&thread: &usize| scenario.program.threads[thread].name.clone();
    let stuck = sorted(outcome.stuck.iter().map(name).collect::<Vec<_>>());
    differences.same("stuck threads of the model", &words(&expected), &words(&stuck));
    let right = report.deadlock.iter().all(|thread| expected.contains(thread));
    if !right || report.deadlock.is_empty() != expected.is_empty() {
        differences.note("LG002", words(&expected), words(&report.deadlock));
    }
}

fn compare_inversions(
    program: &Program,
    answer: &Answer,
    report: &Report,
    differences: &mut Differences,
) {
    let enough = match answer.policy && answer.needs_unobserved_writer {
        true => Confidence::NeedsWriter,
        false => Confidence::Feasible,
    };
    if let Some(expected) = answer.reported_cycles() {
        differences.same("cycles", &words(expected), &words(&report.cycles(enough)));
    }
    for (at, first) in report.inversions.iter().enumerate() {
        let same = |second: &&Inversion| {
            second.cycle == first.cycle && second.confidence == first.confidence
        };
        if let Some(second) = report.inversions[at + 1..].iter().find(same) {
            differences.note(&second.cycle, "one report", format!("two, {:?}", second.confidence));
        }
    }
    for (cycle, filters) in &answer.filtered_by {
        let what = format!("{cycle} filtered by");
        let of_cycle = report.inversions.iter().rfind(|inversion| inversion.cycle == *cycle);
        match of_cycle {
            None => differences.note(&what, format!("{filters:?}"), "no finding"),
            Some(found) if found.confidence >= Confidence::Feasible => {
                differences.note(&what, format!("{filters:?}"), "feasible");
            }
            // More filters than the file lists are right too: it names those that suffice.
            Some(found) if filters.iter().all(|filter| found.filtered_by.contains(filter)) => {}
            Some(found) => differences.note(
                &what,
                format!("{filters:?}"),
                format!("{:?}, {:?}", found.filtered_by, found.confidence),
            ),
        }
    }
    // Where a lock was dropped, a reported cycle may be gone from the end state.
    if let (Some(plain), false) = (&answer.plain.cycles, drops(program)) {
        for inversion in &report.inversions {
            if !plain.contains(&inversion.cycle) {
                differences.note(
                    "LG003 of any confidence",
                    "only plain cycles",
                    format!("{} {:?}", inversion.cycle, inversion.confidence),
                );
            }
        }
    }
}

/// Whether the program ends the life of a lock.
pub(crate) fn drops(program: &Program) -> bool {
    let ops = program.threads.iter().flat_map(|thread| &thread.ops);
    ops.into_iter().any(|op| matches!(op, Op::Drop(_) | Op::Init(_)))
}

fn compare_plain(answer: &Answer, plain: &Plain, differences: &mut Differences) {
    match &answer.plain.cycles {
        Some(cycles) => {
            differences.same("plain cycles", &words(cycles), &words(&plain.cycles));
            differences.same("truncated", false, plain.truncated);
        }
        None => {
            let expected = format!("{:?}", answer.plain.components);
            differences.same("components", &expected, &format!("{:?}", plain.components));
        }
    }
}

struct Differences(Vec<Difference>);

impl Differences {
    fn note(&mut self, what: impl Display, expected: impl Display, got: impl Display) {
        self.0.push(Difference {
            what: what.to_string(),
            expected: expected.to_string(),
            got: got.to_string(),
        });
    }

    fn same<T: PartialEq + Display>(&mut self, what: &str, expected: T, got: T) {
        if expected != got {
            self.note(what, expected, got);
        }
    }
}

fn words<T: Display>(list: &[T]) -> String {
    let list: Vec<_> = list.iter().map(T::to_string).collect();
    format!("[{}]", list.join(", "))
}
