//! The laws of merging, and what a merge finds, against a search through all choices of witnesses.

use crate::make::{Run, tested};
use crate::merge::assert_holds_together;
use lockgraph_model::dump::{Dump, Lock, Witness};
use lockgraph_model::words::{Confidence, Conflict, Mode};
use lockgraph_model::{Merge, merge};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What one random process did; numbers are taken modulo what there is.
#[derive(Clone, Debug)]
struct Process {
    test: Option<&'static str>,
    /// The class of each lock, which is also what it is called.
    locks: Vec<usize>,
    owners: Vec<&'static str>,
    /// (owner, previous)
    segments: Vec<(usize, Option<usize>)>,
    events: Vec<Event>,
}

#[derive(Clone, Debug)]
enum Event {
    Took { owner: usize, segment: usize, held: Vec<usize>, to: usize, modes: (usize, usize) },
    Writer { lock: usize, owner: usize },
    Drop { lock: usize },
    Finding { print: u8, lock: usize },
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const FROM: [&str; 3] = ["exclusive", "shared", "upgradable"];
const TO: [&str; 4] = ["exclusive", "shared", "shared_recursive", "upgrade"];

fn event() -> impl Strategy<Value = Event> {
    let n = || 0usize..12;
    prop_oneof![
        8 => (n(), n(), prop::collection::vec(n(), 1..3), n(), (prop_oneof![3 => Just(0), 1 => n()], prop_oneof![3 => Just(0), 1 => n()]))
            .prop_map(|(owner, segment, held, to, modes)| Event::Took { owner, segment, held, to, modes }),
        1 => (n(), n()).prop_map(|(lock, owner)| Event::Writer { lock, owner }),
        1 => n().prop_map(|lock| Event::Drop { lock }),
        1 => (0u8..4, n()).prop_map(|(print, lock)| Event::Finding { print, lock }),
    ]
}

fn process() -> impl Strategy<Value = Process> {
    (
        prop::option::of(prop::sample::select(vec!["t", "u"])),
        prop::collection::vec(
            prop_oneof![1 => Just(0), 1 => Just(1), 1 => Just(2), 1 => Just(3)],
            2..5,
        ),
        prop::collection::vec(prop::sample::select(vec!["main", "t", "u", "w"]), 1..4),
        prop::collection::vec((0usize..12, prop::option::of(0usize..12)), 0..4),
        prop::collection::vec(event(), 0..9),
    )
        .prop_map(|(test, locks, owners, segments, events)| Process {
            test,
            locks,
            owners,
            segments,
            events,
        })
}

impl Process {
    fn dump(&self, id: u32) -> Dump {
        let mut run: Run = tested(id, self.test);
        // Ids with holes, as after drops.
        let lock = |i: usize| 3 + 2 * (i % self.locks.len()) as u64;
        let owner = |i: usize| 1 + (i % self.owners.len()) as u64;
        for (name, class) in NAMES.iter().zip(1..) {
            run.class(class, name);
        }
        for (i, &class) in self.locks.iter().enumerate() {
            run.instance(lock(i), class as u64 + 1);
        }
        for (i, name) in self.owners.iter().enumerate() {
            run.owner(owner(i), name);
        }
        for (i, &(of, after)) in self.segments.iter().enumerate() {
            let after = after.filter(|_| i > 0).map(|at| (at % i) as u64 + 1);
            run.segment(i as u64 + 1, owner(of), after.as_slice());
        }
        for event in &self.events {
            match event {
                Event::Took { owner: of, segment, held, to, modes } => {
                    let mut held: Vec<u64> = held.iter().map(|&i| lock(i)).collect();
                    let from = held[held.len() - 1];
                    held.retain({
                        let mut seen = BTreeSet::from([lock(*to)]);
                        move |&lock| seen.insert(lock)
                    });
                    if held.last() != Some(&from) {
                        continue;
                    }
                    let segment = match self.segments.len() {
                        0 => 0,
                        count => (segment % count) as u64 + 1,
                    };
                    let (from_mode, to_mode) = (FROM[modes.0 % 3], TO[modes.1 % 4]);
                    run.took_as(owner(*of), segment, &held, lock(*to), from_mode, to_mode);
                }
                Event::Writer { lock: at, owner: by } => drop_ref(run.writer(lock(*at), owner(*by))),
                Event::Drop { lock: at } => drop_ref(run.dropped(lock(*at))),
                Event::Finding { print, lock: at } => drop_ref(run.line(&format!(
                    r#""finding","code":"LG001","kind":"self_deadlock","severity":"error","confidence":"certain","filtered_by":[],"fingerprint":"{print:016x}","message":"m","locks":[{0}],"cycle":[{{"owner":{1},"from":{0},"to":{0},"from_mode":null,"to_mode":null,"held_at":null,"acquired_at":null}}],"owners":[{1}],"sites":[],"misuse":null,"writer_seen":null"#,
                    lock(*at),
                    owner(*print as usize),
                ))),
            }
        }
        run.dump()
    }
}

fn drop_ref(_: &mut Run) {}

fn dumps(processes: &[Process]) -> Vec<Dump> {
    (1..).zip(processes).map(|(id, process)| process.dump(id)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_order_and_the_grouping_of_merges_do_not_matter(
        processes in prop::collection::vec(process(), 1..5),
        keys in prop::collection::vec(any::<u32>(), 5),
        cut in 0usize..5,
    ) {
        let all = dumps(&processes);
        let whole = merge(all.clone());
        assert_holds_together(&whole);
        prop_assert_eq!(whole.processes.len(), all.len());

        // Commutative.
        let mut turned: Vec<(u32, Dump)> = keys.into_iter().zip(all.clone()).collect();
        turned.sort_by_key(|(key, _)| *key);
        prop_assert_eq!(&merge(turned.into_iter().map(|(_, dump)| dump)), &whole);
        // Associative.
        let (left, right) = all.split_at(cut.min(all.len()));
        prop_assert_eq!(&merge([merge(left.to_vec()), merge(right.to_vec())]), &whole);
        let one_by_one = all.iter().cloned().rfold(merge([]), |sum, dump| merge([dump, sum]));
        prop_assert_eq!(&one_by_one, &whole);
        // Idempotent.
        prop_assert_eq!(&merge([whole.clone()]), &whole);
        prop_assert_eq!(&merge([whole.clone(), whole.clone()]), &whole);
        prop_assert_eq!(&merge(all.iter().cloned().chain([whole.clone()])), &whole);
        // Through a file.
        let mut read = Merge::new();
        read.read_from(whole.to_json().as_bytes(), "merged.json").unwrap();
        prop_assert_eq!(&read.finish(), &whole);
    }

    #[test]
    fn a_merge_keeps_every_fact_of_every_process(processes in prop::collection::vec(process(), 1..4)) {
        let all = dumps(&processes);
        let whole = merge(all.clone());
        let sum = |count: fn(&Dump) -> usize| all.iter().map(count).sum::<usize>();
        prop_assert_eq!(whole.locks.len(), sum(|dump| dump.locks.len()));
        prop_assert_eq!(whole.owners.len(), sum(|dump| dump.owners.len()));
        prop_assert_eq!(whole.edges.len(), sum(|dump| dump.edges.len()));
        prop_assert_eq!(
            whole.edges.iter().map(|edge| edge.witnesses.len()).sum::<usize>(),
            sum(|dump| dump.edges.iter().map(|edge| edge.witnesses.len()).sum())
        );
        for (process, dump) in all.iter().enumerate() {
            let of = |id| whole.locks.iter().find(|lock| lock.id == id).unwrap();
            let names = |dump: &Dump, id| {
                let lock: &Lock = dump.locks.iter().find(|lock| lock.id == id).unwrap();
                dump.classes.iter().find(|class| class.id == lock.class).unwrap().name.clone()
            };
            let edges: Vec<_> =
                dump.edges.iter().map(|e| (names(dump, e.from), names(dump, e.to))).collect();
            let kept: Vec<_> = whole
                .edges
                .iter()
                .filter(|edge| of(edge.from).process as usize == process)
                .map(|e| (names(&whole, e.from), names(&whole, e.to)))
                .collect();
            prop_assert_eq!(edges, kept);
            for finding in &dump.findings {
                let merged = whole.findings.iter().find(|f| f.fingerprint == finding.fingerprint);
                let uses = &merged.unwrap().per_process;
                prop_assert!(uses.iter().any(|used| used.process as usize == process));
            }
        }
    }

    #[test]
    fn inversions_across_processes_are_those_of_a_naive_search(
        processes in prop::collection::vec(process(), 2..4),
    ) {
        let whole = merge(dumps(&processes));
        prop_assert!(!whole.truncated);
        let class: BTreeMap<u64, u64> = whole.locks.iter().map(|l| (l.id, l.class)).collect();
        let mut found: BTreeMap<Vec<u64>, Confidence> = BTreeMap::new();
        for finding in whole.findings.iter().filter(|finding| finding.code == "LG003") {
            let cycle = finding.cycle.iter().map(|side| class[&side.from.unwrap()]).collect();
            let best = found.entry(rotated(cycle)).or_insert(finding.confidence.unwrap());
            *best = finding.confidence.unwrap().max(*best);
        }
        prop_assert_eq!(found, Naive::new(&whole).inversions());
    }
}

fn rotated(mut cycle: Vec<u64>) -> Vec<u64> {
    // Classes may be met twice by different locks: the least rotation is the same for all.
    let turns = (0..cycle.len()).map(|at| {
        let mut turn = cycle.clone();
        turn.rotate_left(at);
        turn
    });
    cycle = turns.min().unwrap_or_default();
    cycle
}

/// What counts as one lock: a class, or a lock.
type Node = (u64, Option<u64>);

struct Naive<'a> {
    dump: &'a Dump,
    sides: Vec<(Node, Node, &'a Lock, &'a Lock, &'a Witness)>,
}

impl<'a> Naive<'a> {
    fn new(dump: &'a Dump) -> Self {
        let mut naive = Naive { dump, sides: Vec::new() };
        for edge in &dump.edges {
            let (from, to) = (naive.lock(edge.from), naive.lock(edge.to));
            let (a, b) = (naive.node(from), naive.node(to));
            for witness in edge.witnesses.iter().filter(|_| a != b) {
                naive.sides.push((a, b, from, to, witness));
            }
        }
        naive
    }

    fn lock(&self, id: u64) -> &'a Lock {
        self.dump.locks.iter().find(|lock| lock.id == id).unwrap()
    }

    fn node(&self, lock: &Lock) -> Node {
        let class = self.dump.classes.iter().find(|class| class.id == lock.class).unwrap();
        let single = class.per_process.iter().all(|used| used.max_live <= 1);
        (class.id, (!single).then_some(lock.id))
    }

    /// All rings of sides over distinct nodes, from several processes, whose modes conflict.
    fn inversions(&self) -> BTreeMap<Vec<u64>, Confidence> {
        let mut best = BTreeMap::new();
        let mut rings: Vec<Vec<usize>> = (0..self.sides.len()).map(|side| vec![side]).collect();
        while let Some(ring) = rings.pop() {
            let (start, end) = (self.sides[ring[0]].0, self.sides[ring[ring.len() - 1]].1);
            if start == end {
                if let Some(confidence) = self.grade(&ring) {
                    let cycle = rotated(ring.iter().map(|&side| self.sides[side].0.0).collect());
                    let known = best.entry(cycle).or_insert(confidence);
                    *known = confidence.max(*known);
                }
                continue;
            }
            for (next, side) in self.sides.iter().enumerate() {
                let is_new = ring.iter().all(|&known| self.sides[known].0 != side.0);
                if side.0 == end && is_new && side.0 > start {
                    rings.push(ring.iter().copied().chain([next]).collect());
                }
            }
        }
        best
    }

    fn grade(&self, ring: &[usize]) -> Option<Confidence> {
        let sides: Vec<_> = ring.iter().map(|&side| &self.sides[side]).collect();
        let process = |i: usize| sides[i].2.process;
        if (1..sides.len()).all(|i| process(i) == process(0)) {
            return None;
        }
        let mut behind = Vec::new();
        for (i, side) in sides.iter().enumerate() {
            let before = sides[(i + sides.len() - 1) % sides.len()];
            match before.4.to_mode.conflict(side.4.from_mode, true) {
                Conflict::Never => return None,
                Conflict::BehindWriter => behind.push(side.0),
                Conflict::Always => {}
            }
        }
        let pairs = || (0..sides.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
        for (i, j) in pairs().filter(|&(i, j)| process(i) == process(j)) {
            let late = |one: usize, other: usize| {
                [sides[one].2, sides[one].3].into_iter().any(|lock| {
                    self.node(lock).1.is_some()
                        && lock.dropped_seq.is_some_and(|drop| drop < sides[other].4.seq)
                })
            };
            if late(i, j) || late(j, i) {
                return None;
            }
        }
        if pairs().any(|(i, j)| self.is_gated(sides[i].4, sides[j].4)) {
            return Some(Confidence::Gated);
        }
        if pairs().any(|(i, j)| self.is_ordered(sides[i].4.segment, sides[j].4.segment)) {
            return Some(Confidence::Ordered);
        }
        if pairs().any(|(i, j)| self.is_one_owner(sides[i].4.owner, sides[j].4.owner)) {
            return Some(Confidence::SameOwner);
        }
        let has_writer = |node: &Node| {
            self.dump.locks.iter().filter(|lock| self.node(lock) == *node).any(|lock| {
                let is_outside = |writer: &&u64| {
                    sides.iter().all(|side| !self.is_one_owner(side.4.owner, **writer))
                };
                lock.writers.iter().any(|writer| is_outside(&writer))
            })
        };
        match behind.iter().all(has_writer) {
            true => Some(Confidence::Feasible),
            false => Some(Confidence::NeedsWriter),
        }
    }

    fn is_gated(&self, one: &Witness, other: &Witness) -> bool {
        let excludes = |a: Mode, b: Mode| {
            a == Mode::Exclusive
                || b == Mode::Exclusive
                || (a == Mode::Upgradable && b == Mode::Upgradable)
        };
        one.held.iter().any(|a| {
            other.held.iter().any(|b| {
                self.node(self.lock(a.lock)) == self.node(self.lock(b.lock))
                    && excludes(a.mode, b.mode)
            })
        })
    }

    fn is_ordered(&self, a: u64, b: u64) -> bool {
        let before = |mut set: BTreeSet<u64>| {
            for _ in &self.dump.segments {
                let more: Vec<u64> = self
                    .dump
                    .segments
                    .iter()
                    .filter(|segment| set.contains(&segment.id))
                    .flat_map(|segment| segment.after.clone())
                    .collect();
                set.extend(more);
            }
            set
        };
        a != b
            && a != 0
            && b != 0
            && (before([a].into()).contains(&b) || before([b].into()).contains(&a))
    }

    fn is_one_owner(&self, a: u64, b: u64) -> bool {
        let owner = |id| self.dump.owners.iter().find(|owner| owner.id == id);
        let (Some(a), Some(b)) = (owner(a), owner(b)) else { return false };
        let test = |process: u32| self.dump.processes[process as usize].test.as_ref();
        let is_special = a.name.as_deref() == Some("main")
            || (a.name.as_ref() == test(a.process) && b.name.as_ref() == test(b.process));
        a.id == b.id || (a.process != b.process && a.name == b.name && is_special)
    }
}
