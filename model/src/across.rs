//! Inversions whose sides come from several processes: no process could see them.
//!
//! In a dump of several processes a class that had at most one live lock in each of them counts
//! as one lock. A cycle of such classes (and of single locks of one process) is LG003, a cycle of
//! distinct classes that have more locks is LG004. The rules are those of the recorder: k sides
//! with k distinct owners, no gate between two of them, no start/join order, and modes that
//! conflict all round; the grades are the recorder's too.
//!
//! Owners of two processes are distinct, unless both are the main thread, or both carry the name
//! of the test that their processes ran. Start and join order nothing across processes. Within
//! one process, a side that was first seen after a lock of another side was dropped cannot meet
//! it, unless the class of that lock counts as one lock.
//!
//! Guarantees: iterative; independent of the order of merging; a cycle that a process reported at
//! least as surely is not reported again. Bounded by [`Limits`] for each component, by a budget
//! of comparisons for each cycle, and by the evidence that is kept for each edge; where a bound was
//! met, `truncated` says so.
//!
//! Does not see: cycles within one process, which its recorder reports.

mod evidence;
mod grade;
mod report;

use crate::cycles::{Limits, components};
use crate::dump::{Component, Dump, Finding, Id};
use crate::words::Confidence;
pub(crate) use evidence::lock_at;
use evidence::{Evidence, Ring};
use grade::Grader;
use std::collections::{HashMap, HashSet};

/// Puts the findings that only several processes together show in place of those that were there.
pub(crate) fn findings(dump: &mut Dump, limits: &Limits) {
    dump.truncated = false;
    if dump.processes.len() < 2 {
        return;
    }
    dump.findings.retain(|finding| !finding.per_process.is_empty());
    let (found, truncated) = search(dump, limits);
    dump.findings.extend(found);
    dump.truncated = truncated;
}

fn search(dump: &Dump, limits: &Limits) -> (Vec<Finding>, bool) {
    let mut known = Known::of(dump);
    let (mut found, mut truncated) = (Vec::new(), false);
    let tangles = evidence::tangles(dump);
    if tangles.is_empty() {
        return (found, truncated);
    }
    for ring in [Ring::Locks, Ring::Classes] {
        let evidence = Evidence::collect(dump, &tangles, ring);
        truncated |= evidence.truncated;
        let (locks, edges) = evidence.graph();
        let mut grader = Grader::new(&evidence);
        for Component { cycles, truncated: more, .. } in components(&locks, &edges, limits) {
            truncated |= more;
            for cycle in cycles {
                let nodes: Vec<u32> = cycle.iter().map(|&id| id as u32).collect();
                let classes: Vec<Id> = nodes.iter().map(|&node| evidence.class(node)).collect();
                let already = known.best(&classes);
                let Some(graded) = grader.grade(&nodes, ring, already) else { continue };
                let finding = report::finding(&evidence, ring, &graded);
                if known.add(classes, &finding) {
                    found.push(finding);
                }
            }
        }
        truncated |= grader.truncated;
    }
    (found, truncated)
}

/// What was reported of each cycle of classes.
struct Known {
    best: HashMap<Vec<Id>, Confidence>,
    fingerprints: HashSet<String>,
}

impl Known {
    fn of(dump: &Dump) -> Known {
        let mut known = Known { best: HashMap::new(), fingerprints: HashSet::new() };
        let class: HashMap<Id, Id> = match dump.findings.is_empty() {
            true => HashMap::new(),
            false => dump.locks.iter().map(|lock| (lock.id, lock.class)).collect(),
        };
        for finding in &dump.findings {
            let locks = finding.cycle.iter().filter_map(|side| side.from);
            let classes: Option<Vec<Id>> = locks.map(|lock| class.get(&lock).copied()).collect();
            known.add(classes.unwrap_or_default(), finding);
        }
        known
    }

    /// False where it is nothing new.
    fn add(&mut self, classes: Vec<Id>, finding: &Finding) -> bool {
        let confidence = match (&*finding.code, finding.confidence) {
            ("LG003" | "LG004", Some(confidence)) => confidence,
            _ => return false,
        };
        let best = self.best.entry(rotated(classes)).or_insert(confidence);
        *best = confidence.max(*best);
        self.fingerprints.insert(finding.fingerprint.clone())
    }

    fn best(&self, classes: &[Id]) -> Option<Confidence> {
        self.best.get(&rotated(classes.to_vec())).copied()
    }
}

/// The cycle from its least element on. Its elements are distinct.
fn rotated(mut cycle: Vec<Id>) -> Vec<Id> {
    let least = (0..cycle.len()).min_by_key(|&at| cycle[at]).unwrap_or(0);
    cycle.rotate_left(least);
    cycle
}
