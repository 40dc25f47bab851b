//! The assertions: each holds, or panics with the evidence against it.

use super::{Observation, Subject};
use crate::{Confidence, Finding, Kind, Severity};
use lockgraph_model::dump::{Edge, Id};
use std::collections::{HashMap, HashSet, VecDeque};

impl Observation {
    /// See [`assert_clean!`](crate::assert_clean).
    ///
    /// # Panics
    /// Where it does not hold.
    #[track_caller]
    pub fn assert_clean(&self) {
        let bad: Vec<&Finding> =
            self.findings().iter().filter(|finding| finding.severity > Severity::Note).collect();
        if !bad.is_empty() {
            let reports: String = bad.iter().map(|finding| finding.report()).collect();
            panic!("{} found:\n{reports}", count(bad.len(), "problem"));
        }
    }

    /// See [`assert_acyclic!`](crate::assert_acyclic).
    ///
    /// # Panics
    /// Where it does not hold.
    #[track_caller]
    pub fn assert_acyclic(&self) {
        if let Some(cycle) = cycle(self.edges()) {
            panic!("the orders of these locks contradict each other:\n{}", self.sides(&cycle));
        }
        let classes = self.class_edges();
        if let Some(cycle) = cycle(&classes) {
            let sides: String = cycle.iter().map(|edge| self.class_evidence(edge)).collect();
            panic!("the orders of these classes contradict each other:\n{sides}");
        }
    }

    /// See [`assert_order!`](crate::assert_order).
    ///
    /// # Panics
    /// Where it does not hold.
    #[track_caller]
    pub fn assert_order(&self, subjects: &[&dyn Subject]) {
        if !self.is_recorded() {
            return;
        }
        let locks: Vec<Vec<Id>> = subjects.iter().map(|&subject| self.locks(subject)).collect();
        let next = successors(self.edges());
        for later in 1..subjects.len() {
            for earlier in 0..later {
                if let Some(path) = path(&next, &locks[later], &locks[earlier]) {
                    panic!(
                        "{} must come before {}, but:\n{}",
                        subjects[earlier].label(),
                        subjects[later].label(),
                        self.sides(&path)
                    );
                }
            }
        }
        for pair in 0..subjects.len().saturating_sub(1) {
            if path(&next, &locks[pair], &locks[pair + 1]).is_none() {
                panic!(
                    "{} was never held while {} was requested: the order is not tested",
                    subjects[pair].label(),
                    subjects[pair + 1].label()
                );
            }
        }
    }

    /// See [`assert_never_nested!`](crate::assert_never_nested).
    ///
    /// # Panics
    /// Where it does not hold.
    #[track_caller]
    pub fn assert_never_nested(&self, subjects: &[&dyn Subject]) {
        let locks: Vec<HashSet<Id>> =
            subjects.iter().map(|&subject| self.locks(subject).into_iter().collect()).collect();
        let of = |id: Id| locks.iter().position(|locks| locks.contains(&id));
        for edge in self.edges() {
            let (Some(from), Some(to)) = (of(edge.from), of(edge.to)) else { continue };
            if from != to {
                panic!(
                    "{} and {} must never be held together, but:\n{}",
                    subjects[from].label(),
                    subjects[to].label(),
                    self.sides(&[edge])
                );
            }
        }
    }

    /// See [`assert_finding!`](crate::assert_finding).
    ///
    /// # Panics
    /// Where it does not hold; and where no kind has this name.
    #[track_caller]
    pub fn assert_finding(&self, kind: &str, confidence: Option<&str>, subjects: &[&dyn Subject]) {
        let Some(wanted) = Kind::from_word(kind) else {
            let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
            panic!("there is no kind `{kind}`; the kinds are {}", names.join(", "));
        };
        if !self.is_recorded() {
            return;
        }
        let locks: Vec<HashSet<Id>> =
            subjects.iter().map(|&subject| self.locks(subject).into_iter().collect()).collect();
        let fits = |finding: &&Finding| {
            let of = |locks: &HashSet<Id>, id: u64| locks.iter().any(|known| *known == id);
            let grade = finding.confidence.map(Confidence::name);
            finding.kind == wanted
                && (confidence.is_none() || grade == confidence)
                && locks.iter().all(|set| finding.locks.iter().any(|lock| of(set, lock.id.0)))
                && finding.locks.iter().all(|lock| locks.iter().any(|set| of(set, lock.id.0)))
        };
        if !self.findings().iter().any(|finding| fits(&finding)) {
            let labels: Vec<String> = subjects.iter().map(|subject| subject.label()).collect();
            let others: String = self.findings().iter().map(|finding| finding.report()).collect();
            let others = match others.is_empty() {
                true => "nothing was found".to_string(),
                false => format!("what was found:\n{others}"),
            };
            let grade = confidence.map_or_else(String::new, |grade| format!(" ({grade})"));
            panic!("no {kind}{grade} of exactly {}; {others}", labels.join(", "));
        }
    }

    fn sides(&self, edges: &[&Edge]) -> String {
        edges.iter().map(|edge| self.evidence(edge)).collect()
    }
}

/// A cycle of edges, where there is one; an edge from a node to itself is none.
fn cycle(edges: &[Edge]) -> Option<Vec<&Edge>> {
    let next = successors(edges);
    edges.iter().filter(|edge| edge.from != edge.to).find_map(|edge| {
        let mut cycle = path(&next, &[edge.to], &[edge.from])?;
        cycle.push(edge);
        Some(cycle)
    })
}

/// The edges by where they start.
fn successors(edges: &[Edge]) -> HashMap<Id, Vec<&Edge>> {
    let mut from: HashMap<Id, Vec<&Edge>> = HashMap::new();
    edges.iter().for_each(|edge| from.entry(edge.from).or_default().push(edge));
    from
}

fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// The shortest chain of edges from one of `from` to one of `to`.
fn path<'a>(next: &HashMap<Id, Vec<&'a Edge>>, from: &[Id], to: &[Id]) -> Option<Vec<&'a Edge>> {
    let goals: HashSet<Id> = to.iter().copied().collect();
    let mut reached: HashMap<Id, Option<&Edge>> = from.iter().map(|&id| (id, None)).collect();
    let mut queue: VecDeque<Id> = from.iter().copied().collect();
    while let Some(id) = queue.pop_front() {
        for &edge in next.get(&id).into_iter().flatten() {
            if goals.contains(&edge.to) && !from.contains(&edge.to) {
                let mut chain = vec![edge];
                while let Some(before) = reached[&chain[chain.len() - 1].from] {
                    chain.push(before);
                }
                chain.reverse();
                return Some(chain);
            }
            reached.entry(edge.to).or_insert_with(|| {
                queue.push_back(edge.to);
                Some(edge)
            });
        }
    }
    None
}

/// Nothing was found that is more than a note: no error and no warning.
///
/// ```
/// let observation = lockgraph::testing::observe(|| ());
/// lockgraph::assert_clean!(observation);
/// ```
#[macro_export]
macro_rules! assert_clean {
    ($observation:expr $(,)?) => {
        $observation.assert_clean()
    };
}

/// The orders contradict each other nowhere: neither those of the locks, whatever may keep a cycle
/// of them from hanging, nor those of their classes.
///
/// ```
/// let observation = lockgraph::testing::observe(|| ());
/// lockgraph::assert_acyclic!(observation);
/// ```
#[macro_export]
macro_rules! assert_acyclic {
    ($observation:expr $(,)?) => {
        $observation.assert_acyclic()
    };
}

/// Each lock was requested while the one before it was held, directly or through others, and none
/// while a later one was. A lock is named by its class's name, or stands for itself.
///
/// It fails on an order that was never seen too: a test that does not nest the locks says nothing
/// about them.
///
/// ```
/// use lockgraph::{Named, parking_lot::Mutex, testing::observe};
///
/// let (accounts, log) = (Mutex::new(0).named("accounts"), Mutex::new(0).named("log"));
/// let observation = observe(|| {
///     let _accounts = accounts.lock();
///     let _log = log.lock();
/// });
/// lockgraph::assert_order!(observation, "accounts" < "log");
/// ```
#[macro_export]
macro_rules! assert_order {
    ($observation:expr, $first:tt $(< $next:tt)+ $(,)?) => {
        $observation.assert_order(&[&$first, $(&$next),+])
    };
}

/// None of the locks was requested while another one of them was held.
///
/// ```
/// let observation = lockgraph::testing::observe(|| ());
/// lockgraph::assert_never_nested!(observation, "cache", "log");
/// ```
#[macro_export]
macro_rules! assert_never_nested {
    ($observation:expr, $($lock:expr),+ $(,)?) => {
        $observation.assert_never_nested(&[$(&$lock),+])
    };
}

/// Something of this kind was found, about exactly these locks; with a confidence, if one is named.
///
/// ```
/// use lockgraph::{Named, parking_lot::Mutex, testing::observe, thread};
///
/// let observation = observe(|| {
///     let (a, b) = (Mutex::new(0).named("a"), Mutex::new(0).named("b"));
///     let (done, first) = std::sync::mpsc::channel();
///     thread::scope(|s| {
///         s.spawn(|| {
///             drop((a.lock(), b.lock()));
///             done.send(()).unwrap();
///         });
///         // One after the other: nothing hangs, but nothing forbids that they meet.
///         first.recv().unwrap();
///         drop((b.lock(), a.lock()));
///     });
/// });
/// lockgraph::assert_finding!(observation, order_inversion, ["a", "b"]);
/// ```
#[macro_export]
macro_rules! assert_finding {
    ($observation:expr, $kind:ident, [$($lock:expr),* $(,)?] $(,)?) => {
        $observation.assert_finding(stringify!($kind), None, &[$(&$lock),*])
    };
    ($observation:expr, $kind:ident($confidence:ident), [$($lock:expr),* $(,)?] $(,)?) => {
        $observation.assert_finding(
            stringify!($kind), Some(stringify!($confidence)), &[$(&$lock),*]
        )
    };
}
