//! The naive oracle: every cycle of a run by brute force over its full trace.
//!
//! Written from the rules alone, without anything of the recorder: no cache, no minimal witness,
//! no component, no budget. It keeps each distinct side (who held what and wanted what), walks all
//! lock cycles through each new one, and tries every choice of sides for each cycle.
//!
//! The rules, as taken here:
//! - a *choice* for a lock cycle has one side per edge, with conflicting modes at every lock;
//! - gate, start/join order and distinct owners are three separate filters, each asked of every
//!   pair of sides: two sides of one owner may be ordered, or share a gate, too;
//! - a choice is worth the lowest confidence of the filters that it fails, a cycle as much as its
//!   best choice so far, and that only rises;
//! - `filtered_by` is what each choice failed at the moment when the confidence rose;
//! - a dropped lock takes its edges along, and nothing else.

use crate::scenario::answer::Cycle;
use crate::scenario::trace::{Event, Instance, Trace};
use crate::scenario::world::conflict;
use lockgraph_core::mode::{Conflict, Mode, Want};
use lockgraph_core::{Confidence, Filter};
use std::collections::{BTreeMap, BTreeSet};

/// What the oracle says of one run.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Each cycle that was possible at some time, with its best confidence.
    pub(crate) reported: BTreeMap<Cycle, Grade>,
    /// The cycles among the edges that are left at the end.
    pub(crate) plain: Vec<Cycle>,
    /// The locks of each component with more than one lock at the end.
    pub(crate) components: Vec<Vec<String>>,
}

/// How sure a cycle is, and why not surer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grade {
    pub(crate) confidence: Confidence,
    pub(crate) filtered_by: BTreeSet<Filter>,
}

/// One owner's evidence for an edge: it held `held`, `from_mode` of it on the edge's first lock,
/// and wanted the second.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Side {
    owner: usize,
    segment: usize,
    from_mode: Mode,
    want: Want,
    held: Vec<(Instance, Mode)>,
}

type Edges = BTreeMap<Instance, BTreeMap<Instance, BTreeSet<Side>>>;

/// Judges a run. Cycles of more than `longest` locks are left out.
pub(crate) fn judge(trace: &Trace, longest: usize) -> Verdict {
    let mut oracle = Oracle { trace, longest, ..Oracle::new(trace) };
    for event in &trace.events {
        oracle.see(*event);
    }
    oracle.finish()
}

struct Oracle<'t> {
    trace: &'t Trace,
    longest: usize,
    held: BTreeMap<usize, Vec<(Instance, Mode)>>,
    segments: Segments,
    edges: Edges,
    /// Who ever made a blocking write or upgrade request, by lock.
    writers: BTreeMap<Instance, BTreeSet<usize>>,
    grades: BTreeMap<Vec<Instance>, Grade>,
}

impl<'t> Oracle<'t> {
    fn new(trace: &'t Trace) -> Oracle<'t> {
        Oracle {
            trace,
            longest: usize::MAX,
            held: BTreeMap::new(),
            segments: Segments::default(),
            edges: Edges::new(),
            writers: BTreeMap::new(),
            grades: BTreeMap::new(),
        }
    }

    fn see(&mut self, event: Event) {
        match event {
            Event::Requested { owner, lock, want } => self.request(owner, lock, want),
            Event::Acquired { owner, lock, mode } => {
                self.held.entry(owner).or_default().push((lock, mode));
            }
            Event::Released { owner, lock, mode } => {
                let held = self.held.entry(owner).or_default();
                let at = held.iter().rposition(|hold| *hold == (lock, mode));
                held.remove(at.expect("only a hold is released"));
            }
            Event::Converted { owner, lock, from, to } => {
                let held = self.held.entry(owner).or_default();
                let hold = held.iter_mut().rfind(|hold| **hold == (lock, from));
                hold.expect("only a hold is converted").1 = to;
            }
            Event::Dropped { lock } => {
                self.edges.remove(&lock);
                self.edges.values_mut().for_each(|to| _ = to.remove(&lock));
            }
            Event::Started { parent, child } => self.segments.start(parent, child),
            Event::Joined { parent, child } => self.segments.join(parent, child),
        }
    }

    fn request(&mut self, owner: usize, lock: Instance, want: Want) {
        let mut affected = BTreeSet::new();
        if want.is_writer() {
            let first = self.writers.entry(lock).or_default().insert(owner);
            // A writer changes a cycle only where readers may meet.
            if first && self.trace.locks[lock.0].shared {
                affected.extend(self.cycles_through(lock, &self.targets(lock)));
            }
        }
        let mut held = self.held.entry(owner).or_default().clone();
        held.sort();
        let segment = self.segments.current(owner);
        let mut grown = BTreeSet::new();
        for &(from, from_mode) in held.iter().filter(|(from, _)| *from != lock) {
            let side = Side { owner, segment, from_mode, want, held: held.clone() };
            if self.edges.entry(from).or_default().entry(lock).or_default().insert(side) {
                grown.insert(from);
            }
        }
        for from in grown {
            affected.extend(self.cycles_through(from, &[lock]));
        }
        for cycle in affected {
            self.regrade(cycle);
        }
    }

    fn targets(&self, from: Instance) -> Vec<Instance> {
        self.edges.get(&from).into_iter().flat_map(|to| to.keys().copied()).collect()
    }

    /// The locks that can be reached from `start`, itself left out unless it lies on a cycle.
    fn reached_from(&self, start: Instance) -> BTreeSet<Instance> {
        let mut reached = BTreeSet::new();
        let mut open = vec![start];
        while let Some(lock) = open.pop() {
            open.extend(self.targets(lock).into_iter().filter(|to| reached.insert(*to)));
        }
        reached
    }

    /// The locks from which `goal` can be reached.
    fn sources_of(&self, goal: Instance) -> BTreeSet<Instance> {
        let mut sources = BTreeSet::new();
        let mut open = vec![goal];
        while let Some(lock) = open.pop() {
            let before = self.edges.iter().filter(|(_, to)| to.contains_key(&lock));
            open.extend(before.map(|(from, _)| *from).filter(|from| sources.insert(*from)));
        }
        sources
    }

    /// Every cycle of distinct locks with an edge from `from` to one of `firsts`, smallest first.
    fn cycles_through(&self, from: Instance, firsts: &[Instance]) -> BTreeSet<Vec<Instance>> {
        let mut cycles = BTreeSet::new();
        if !firsts.iter().any(|to| self.reached_from(*to).contains(&from)) {
            return cycles;
        }
        let useful = self.sources_of(from);
        let mut paths: Vec<_> = firsts.iter().map(|&to| vec![from, to]).collect();
        while let Some(path) = paths.pop() {
            for next in self.targets(path[path.len() - 1]) {
                let longer = path.len() < self.longest && useful.contains(&next);
                if next == from {
                    let mut cycle = path.clone();
                    let smallest = (0..cycle.len()).min_by_key(|&at| cycle[at]).unwrap_or(0);
                    cycle.rotate_left(smallest);
                    cycles.insert(cycle);
                } else if longer && !path.contains(&next) {
                    paths.push([path.as_slice(), &[next]].concat());
                }
            }
        }
        cycles
    }

    fn regrade(&mut self, cycle: Vec<Instance>) {
        let Some(grade) = self.grade(&cycle) else { return };
        let rises = self.grades.get(&cycle).is_none_or(|old| old.confidence < grade.confidence);
        if rises {
            self.grades.insert(cycle, grade);
        }
    }

    /// The best choice of sides for a lock cycle; `None` where no choice has conflicting modes.
    fn grade(&self, cycle: &[Instance]) -> Option<Grade> {
        let mut grade = None;
        self.choose(cycle, &mut Vec::new(), &mut grade);
        grade
    }

    fn choose<'s>(
        &'s self,
        cycle: &[Instance],
        chosen: &mut Vec<&'s Side>,
        grade: &mut Option<Grade>,
    ) {
        let at = chosen.len();
        if at == cycle.len() {
            // The last side wants the lock that the first one holds.
            if conflict(chosen[at - 1].want, chosen[0].from_mode) != Conflict::Never {
                let choice = self.weigh(cycle, chosen);
                *grade = Some(match grade.take() {
                    None => choice,
                    Some(best) => Grade {
                        confidence: best.confidence.max(choice.confidence),
                        filtered_by: &best.filtered_by & &choice.filtered_by,
                    },
                });
            }
            return;
        }
        for side in &self.edges[&cycle[at]][&cycle[(at + 1) % cycle.len()]] {
            let meets = |before: &&Side| conflict(before.want, side.from_mode) != Conflict::Never;
            if chosen.last().is_none_or(meets) {
                chosen.push(side);
                self.choose(cycle, chosen, grade);
                chosen.pop();
            }
        }
    }

    fn weigh(&self, cycle: &[Instance], sides: &[&Side]) -> Grade {
        let mut failed = BTreeSet::new();
        for (at, one) in sides.iter().enumerate() {
            for other in &sides[at + 1..] {
                if gate(one, other) {
                    failed.insert(Filter::Gate);
                }
                if self.segments.ordered(one.segment, other.segment) {
                    failed.insert(Filter::Order);
                }
                if one.owner == other.owner {
                    failed.insert(Filter::Owner);
                }
            }
        }
        let confidence = if failed.contains(&Filter::Gate) {
            Confidence::Gated
        } else if failed.contains(&Filter::Order) {
            Confidence::Ordered
        } else if failed.contains(&Filter::Owner) {
            Confidence::SameOwner
        } else if self.lacks_writer(cycle, sides) {
            Confidence::NeedsWriter
        } else {
            Confidence::Feasible
        };
        Grade { confidence, filtered_by: failed }
    }

    /// True where a lock conflicts only behind a queued writer, and nobody else ever wrote it.
    fn lacks_writer(&self, cycle: &[Instance], sides: &[&Side]) -> bool {
        (0..cycle.len()).any(|at| {
            let holder = sides[at];
            let waiter = sides[(at + cycle.len() - 1) % cycle.len()];
            let outsider = |writers: &BTreeSet<usize>| {
                writers.iter().any(|writer| sides.iter().all(|side| side.owner != *writer))
            };
            conflict(waiter.want, holder.from_mode) == Conflict::BehindWriter
                && !self.writers.get(&cycle[at]).is_some_and(outsider)
        })
    }

    fn finish(self) -> Verdict {
        let mut verdict = Verdict::default();
        for (cycle, grade) in &self.grades {
            let known = verdict.reported.entry(self.named(cycle)).or_insert_with(|| grade.clone());
            if known.confidence < grade.confidence {
                *known = grade.clone();
            }
        }
        let mut plain = BTreeSet::new();
        let mut components = BTreeSet::new();
        let reached: BTreeMap<_, _> =
            self.edges.keys().map(|from| (*from, self.reached_from(*from))).collect();
        for (from, after) in reached.iter().filter(|(from, after)| after.contains(from)) {
            plain.extend(self.cycles_through(*from, &self.targets(*from)));
            let mutual = |to: &&Instance| reached.get(to).is_some_and(|back| back.contains(from));
            components.insert(after.iter().filter(mutual).copied().collect::<Vec<_>>());
        }
        plain.retain(|cycle| self.grade(cycle).is_some());
        verdict.plain = plain.iter().map(|cycle| self.named(cycle)).collect();
        verdict.plain.sort();
        verdict.components = components.iter().map(|component| self.names(component)).collect();
        verdict
    }

    fn named(&self, cycle: &[Instance]) -> Cycle {
        Cycle::new(self.names(cycle))
    }

    fn names(&self, locks: &[Instance]) -> Vec<String> {
        let name = |lock: &Instance| self.trace.locks[lock.0].name.clone();
        locks.iter().map(|lock| name(lock).unwrap_or_else(|| "(bulk)".into())).collect()
    }
}

/// True where the two held sets cannot exist at once.
fn gate(one: &Side, other: &Side) -> bool {
    let excludes = |one: Mode, other: Mode| {
        one == Mode::Exclusive
            || other == Mode::Exclusive
            || (one == Mode::Upgradable && other == Mode::Upgradable)
    };
    one.held.iter().any(|(lock, mode)| {
        other.held.iter().any(|(at, others_mode)| lock == at && excludes(*mode, *others_mode))
    })
}

/// The stretches of threads between start and join events, and what comes before what.
#[derive(Default)]
struct Segments {
    current: BTreeMap<usize, usize>,
    /// By segment: those right before it.
    after: Vec<Vec<usize>>,
}

impl Segments {
    fn current(&mut self, owner: usize) -> usize {
        match self.current.get(&owner) {
            Some(&segment) => segment,
            None => self.open(owner, Vec::new()),
        }
    }

    fn open(&mut self, owner: usize, after: Vec<usize>) -> usize {
        self.after.push(after);
        self.current.insert(owner, self.after.len() - 1);
        self.after.len() - 1
    }

    fn start(&mut self, parent: usize, child: usize) {
        let before = self.current(parent);
        self.open(child, vec![before]);
        self.open(parent, vec![before]);
    }

    fn join(&mut self, parent: usize, child: usize) {
        let after = vec![self.current(parent), self.current(child)];
        self.open(parent, after);
    }

    fn ordered(&self, one: usize, other: usize) -> bool {
        self.precedes(one, other) || self.precedes(other, one)
    }

    fn precedes(&self, first: usize, second: usize) -> bool {
        self.after[second].iter().any(|&before| before == first || self.precedes(first, before))
    }
}
