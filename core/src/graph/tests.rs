//! The graph as a value: random requests and drops with every invariant checked after each step,
//! and the caps.

use super::*;
use crate::event::Note;
use crate::finding::Filter;
use crate::held::Hold;
use crate::lock::OwnerId;
use crate::mode::{Mode, Policy, Want};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::panic::Location;

static MUTEX: Policy = Policy {
    kind: "Mutex",
    read_blocks_behind_writer: false,
    guard_send: false,
    reentrant: false,
    shared: false,
    upgrade: false,
};

/// Ordered by a key, so that nesting alone is nothing to report.
static CLASS: Class = Class { name: Some("lock"), keyed: true, ..Class::plain(1, &MUTEX) };

fn hold(id: u64) -> Hold {
    Hold { id, mode: Mode::Exclusive, class: &CLASS, at: Location::caller() }
}

/// What `owner` tells that requests `id`.
fn chain(owner: u32, id: u64, holds: &[Hold]) -> Chain<'_> {
    Chain {
        owner: OwnerId(owner),
        scope: 0,
        segment: 0,
        id,
        class: &CLASS,
        want: Want::Exclusive,
        at: Location::caller(),
        calls: None,
        holds,
    }
}

/// `owner` requests `id` while it holds `held` (the newest first).
fn request(graph: &mut Graph, owner: u32, held: &[u64], id: u64) -> SysVec<Inversion> {
    let holds: Vec<Hold> = held.iter().map(|&id| hold(id)).collect();
    graph.record(&chain(owner, id, &holds))
}

#[test]
fn a_cycle_under_a_gate_rises_with_a_witness_without_it() {
    let mut graph = Graph::new();
    assert!(request(&mut graph, 1, &[1, 9], 2).is_empty());
    let found = request(&mut graph, 2, &[2, 9], 1);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].confidence.unwrap(), Confidence::Gated);
    assert_eq!(&*found[0].filtered_by, [Filter::Gate]);
    assert!(request(&mut graph, 2, &[2, 9], 1).is_empty(), "known");
    let found = request(&mut graph, 1, &[1], 2);
    assert_eq!(found.len(), 1, "the gate is left out on one side: the cycle became possible");
    assert_eq!(found[0].confidence.unwrap(), Confidence::Feasible);
    graph.check_invariants();
}

#[test]
fn evidence_grows_with_the_square_of_what_is_held_up_to_a_cap_and_with_its_number_beyond() {
    let mut graph = Graph::new();
    let nest = |graph: &mut Graph, deep: u64| {
        // The newest first, as owners tell it.
        let held: Vec<u64> = (1..=deep).rev().collect();
        request(graph, 1, &held, deep + 1)
    };
    (1..=160).for_each(|deep| assert!(nest(&mut graph, deep).is_empty()));
    assert_eq!(graph.size().1, 160 * 161 / 2);
    assert_eq!((graph.counters.refused, graph.capped()), (0, 0));
    (161..=400).for_each(|deep| assert!(nest(&mut graph, deep).is_empty()));
    assert_eq!(graph.size().1, 160 * 161 / 2 + 240 * 160);
    assert_eq!(graph.counters.refused, (1..=240).sum::<u64>());
    assert_eq!(graph.capped(), 240 * 160);
    graph.check_invariants();

    // What holds in the cap is as sure as ever, in whatever depth; beyond it nothing is `feasible`.
    let found = request(&mut graph, 2, &[100], 99);
    assert_eq!(found[0].confidence.unwrap(), Confidence::Feasible);
    let found = request(&mut graph, 2, &[400], 399);
    assert_eq!(found[0].confidence.unwrap(), Confidence::Unproven);
    let found = request(&mut graph, 2, &[399, 1], 398);
    assert_eq!(
        found[0].confidence.unwrap(),
        Confidence::Gated,
        "the oldest holds are kept as gates"
    );
    // No edge leads from 200 to 399, but a path does: the inversion is found, less surely.
    let found = request(&mut graph, 2, &[399], 200);
    assert!(!found.is_empty());
    assert!(found.iter().all(|inversion| inversion.confidence <= Some(Confidence::Unproven)));
    graph.check_invariants();
}

#[test]
fn many_owners_become_any_owner_and_a_cycle_through_them_is_unproven() {
    let mut graph = Graph::new();
    for owner in 1..=100 {
        assert!(request(&mut graph, owner, &[1, 100 + u64::from(owner)], 2).is_empty());
    }
    assert!(graph.capped() > 0);
    // Owners 1 to 8 are known with their gates; this one is only in "any owner".
    let found = request(&mut graph, 200, &[2, 101, 102, 103, 104, 105, 106, 107, 108], 1);
    let best = found.iter().filter_map(|inversion| inversion.confidence).max();
    assert_eq!(best, Some(Confidence::Unproven));
}

#[test]
fn a_cycle_of_a_hundred_locks_is_found() {
    let mut graph = Graph::new();
    for i in 1..100 {
        assert!(request(&mut graph, i, &[u64::from(i)], u64::from(i) + 1).is_empty());
    }
    let found = request(&mut graph, 100, &[100], 1);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].confidence.unwrap(), Confidence::Feasible);
    assert_eq!(found[0].sides.len(), 100);
    assert_eq!(graph.truncated(), 0);
}

#[test]
fn a_dropped_lock_takes_its_edges_along() {
    let mut graph = Graph::new();
    request(&mut graph, 1, &[1], 2);
    request(&mut graph, 2, &[2], 3);
    graph.drop_lock(2);
    assert!(request(&mut graph, 3, &[3], 1).is_empty());
    assert_eq!(graph.size(), (2, 1));
    graph.check_invariants();
}

#[test]
fn short_lived_locks_leave_nothing_behind() {
    let mut graph = Graph::new();
    let mut bytes = 0;
    for id in 10..20_000 {
        request(&mut graph, 1, &[2, 1], id);
        request(&mut graph, 1, &[id, 2, 1], 3);
        graph.drop_lock(id);
        if id == 1_000 {
            bytes = graph.bytes();
        }
    }
    // 1 -> 2 was never requested; 1 -> 3 and 2 -> 3 stay.
    assert_eq!(graph.size(), (3, 2));
    assert_eq!(graph.bytes(), bytes, "memory is flat");
}

#[derive(Clone, Debug)]
enum Step {
    Request { owner: u32, held: Vec<u64>, id: u64 },
    Drop(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let held = proptest::sample::subsequence((1..=7u64).collect::<Vec<_>>(), 1..4).prop_shuffle();
    prop_oneof![
        9 => (1..5u32, held, 1..=7u64)
            .prop_map(|(owner, held, id)| Step::Request { owner, held, id }),
        1 => (1..=7u64).prop_map(Step::Drop),
    ]
}

proptest! {
    #[test]
    fn edges_are_exactly_the_pairs_requested_and_invariants_hold(
        steps in proptest::collection::vec(step(), 1..120)
    ) {
        let mut graph = Graph::new();
        let mut pairs = BTreeSet::new();
        // Ids are never reused: a dropped lock comes back as another one.
        let mut current: Vec<u64> = (0..=7).collect();
        for step in steps {
            match step {
                Step::Request { owner, held, id } => {
                    let id = current[id as usize];
                    let held: Vec<u64> = held.iter().map(|&h| current[h as usize]).collect();
                    request(&mut graph, owner, &held, id);
                    pairs.extend(held.iter().filter(|&&h| h != id).map(|&h| (h, id)));
                }
                Step::Drop(id) => {
                    let gone = current[id as usize];
                    graph.drop_lock(gone);
                    pairs.retain(|&(a, b)| a != gone && b != gone);
                    current[id as usize] += 10;
                }
            }
            graph.check_invariants();
            prop_assert_eq!(graph.size().1, pairs.len());
            for &(a, b) in &pairs {
                let (a, b) =
                    (graph.locks.by_id.get(a).unwrap(), graph.locks.by_id.get(b).unwrap());
                prop_assert!(graph.locks.digraph.find_edge(a, b).is_some());
            }
        }
    }
}

/// Each held set was copied and hashed for every edge, cubic in the number of holds: minutes here;
/// and a journal of two million edges with a thousand holds each would take tens of gigabytes.
#[test]
fn two_thousand_locks_held_at_once_cost_their_edges() {
    let mut graph = Graph::new();
    let mut holds = Vec::new();
    for id in 1..=2_000 {
        graph.record(&Chain {
            owner: OwnerId(1),
            scope: 0,
            segment: 0,
            id,
            class: &CLASS,
            want: Want::Exclusive,
            at: Location::caller(),
            calls: None,
            holds: &holds,
        });
        holds.insert(0, hold(id));
    }
    assert_eq!(graph.size(), (2_000, 160 * 161 / 2 + 1_839 * 160));
    assert!(graph.locks.witnesses.sets.live() < 2_200, "sets are shared, and none is left over");
}

/// Who names a lock names one that was told.
fn told_before_it_is_named(events: &[Event], told: &mut BTreeSet<u64>) {
    for event in events {
        let named = match &event.note {
            Note::Lock { id, .. } => {
                assert!(told.insert(*id), "lock {id} is told twice");
                continue;
            }
            Note::Edge { from, to } => vec![*from, *to],
            Note::Witness { side, .. } => {
                let others = side.others.iter().map(|(id, ..)| *id);
                others.chain([side.from.0, side.to.0]).collect()
            }
            Note::ClassEdge { held, .. } => held.iter().map(|(id, _)| *id).collect(),
            Note::Writer { id, .. } | Note::Drop { id } => vec![*id],
            _ => continue,
        };
        named.iter().for_each(|id| assert!(told.contains(id), "lock {id} is named untold"));
    }
}

#[test]
fn a_journal_tells_a_share_of_the_locks_of_a_class_and_beyond_it_what_is_news() {
    static CHANNEL: Class = Class { name: Some("channel"), ..Class::plain(1, &MUTEX) };
    static MESSAGE: Class = Class { name: Some("message"), ..Class::plain(2, &MUTEX) };
    static OTHER: Class = Class { name: Some("other"), ..Class::plain(3, &MUTEX) };
    const MANY: u64 = 3 * tell::SHARE as u64;
    let class = |id| match id {
        1 => &CHANNEL,
        2 => &OTHER,
        _ => &MESSAGE,
    };
    let request = |graph: &mut Graph, owner, held: &[u64], id| {
        let at = Location::caller();
        let hold = |&id: &u64| Hold { id, mode: Mode::Exclusive, class: class(id), at };
        let holds: Vec<Hold> = held.iter().map(hold).collect();
        let (owner, class) = (OwnerId(owner), class(id));
        let (scope, segment, want, holds) = (0, 0, Want::Exclusive, &holds[..]);
        graph.record(&Chain { owner, scope, segment, id, class, want, at, calls: None, holds })
    };
    // Two messages live at once.
    MESSAGE.tally.born();
    MESSAGE.tally.born();
    let mut graph = Graph::new();
    graph.journaling = true;
    let mut told = BTreeSet::new();
    for id in 10..10 + MANY {
        assert!(request(&mut graph, id as u32 % 3, &[1], id).is_empty());
        graph.drop_lock(id);
    }
    let news = graph.take_news();
    told_before_it_is_named(&news, &mut told);
    let count = |kind: fn(&Note) -> bool| news.iter().filter(|event| kind(&event.note)).count();
    let share = tell::SHARE as usize;
    assert_eq!(count(|note| matches!(note, Note::Lock { .. })), share + 1);
    assert_eq!(count(|note| matches!(note, Note::Edge { .. })), share);
    assert_eq!(count(|note| matches!(note, Note::Drop { .. })), share);
    assert_eq!(graph.counters.untold_locks, MANY - tell::SHARE as u64);

    // Known of the classes: nothing is told. A dump has all of it.
    let late = 10 + MANY;
    assert!(request(&mut graph, 1, &[1], late).is_empty());
    assert!(graph.take_news().is_empty());
    let dump = graph.retell(&Besides { locks: SysVec::new(), classes: SysVec::new() });
    told_before_it_is_named(&dump, &mut BTreeSet::new());
    assert!(dump.iter().any(|event| matches!(event.note, Note::Edge { to, .. } if to == late)));
    let node = graph.locks.by_id.get(late).unwrap();
    assert!(!graph.locks.nodes[node as usize].told, "a dump is no journal");

    // An inversion with it: both sides are told.
    assert_eq!(request(&mut graph, 2, &[late], 1).len(), 1);
    let news = graph.take_news();
    told_before_it_is_named(&news, &mut told);
    for edge in [(1, late), (late, 1)] {
        let is_it = |event: &&Event| matches!(&event.note, Note::Witness { side, .. } if (side.from.0, side.to.0) == edge);
        assert!(news.iter().any(|event| is_it(&event)), "{edge:?}");
    }
    // A new pair of classes.
    assert!(request(&mut graph, 1, &[late + 1], 2).is_empty());
    let news = graph.take_news();
    told_before_it_is_named(&news, &mut told);
    assert!(told.contains(&(late + 1)) && told.contains(&2));
    assert!(news.iter().any(|event| matches!(event.note, Note::ClassEdge { .. })));
    graph.check_invariants();
}

#[test]
fn a_full_graph_refuses_what_is_new_and_counts_it_and_takes_more_when_a_lock_has_gone() {
    let mut graph = Graph::new();
    graph.locks.limit = 10;
    for id in 2..=20 {
        assert!(request(&mut graph, 1, &[1], id).is_empty());
    }
    assert_eq!(graph.size(), (10, 9), "a lock and its edges to nine others");
    assert_eq!(graph.counters.refused, 10);
    // What is known stays: so does the way to find that it is contradicted, once there is room.
    assert!(request(&mut graph, 2, &[2], 1).is_empty(), "refused as well");
    assert_eq!(graph.counters.refused, 11);
    graph.drop_lock(10);
    let found = request(&mut graph, 2, &[2], 1);
    assert_eq!(found[0].confidence.unwrap(), Confidence::Feasible);
    graph.check_invariants();
}

#[test]
fn more_than_four_gates_become_what_they_have_in_common() {
    let mut graph = Graph::new();
    // Each time another gate, and one that is always there.
    for gate in 100..104 {
        assert!(request(&mut graph, 1, &[1, gate, 9], 2).is_empty());
    }
    assert_eq!(graph.capped(), 0);
    assert!(request(&mut graph, 1, &[1, 104, 9], 2).is_empty());
    assert!(graph.capped() > 0);
    let found = request(&mut graph, 2, &[2, 9], 1);
    let best = found.iter().filter_map(|inversion| inversion.confidence).max();
    assert_eq!(best, Some(Confidence::Gated), "what they have in common is a gate still");
    let found = request(&mut graph, 2, &[2, 104], 1);
    let best = found.iter().filter_map(|inversion| inversion.confidence).max();
    assert_eq!(best, Some(Confidence::Unproven), "and what was left out might have been one");
    graph.check_invariants();
}

/// Two threads that turn one pair round, of which main joined the one before it started the other,
/// with `between` threads started and joined in the meantime.
fn joined_long_before(between: u32) -> (Graph, SysVec<Inversion>) {
    let mut graph = Graph::new();
    let mut main = graph.segments.add(OwnerId(1), 0, 0);
    let mut child = |graph: &mut Graph, owner: u32, nests: Option<(u64, u64)>| {
        let first = graph.segments.add(OwnerId(owner), main, 0);
        let found = nests.map(|(outer, id)| {
            let holds = [hold(outer)];
            graph.record(&Chain { segment: first, ..chain(owner, id, &holds) })
        });
        let started = graph.segments.add(OwnerId(1), main, 0);
        main = graph.segments.add(OwnerId(1), started, first);
        found
    };
    child(&mut graph, 2, Some((1, 2)));
    (3..3 + between).for_each(|owner| _ = child(&mut graph, owner, None));
    let found = child(&mut graph, 3 + between, Some((2, 1)));
    (graph, found.unwrap_or_default())
}

#[test]
fn a_join_orders_two_sides_with_hundreds_of_thousands_of_threads_between_them() {
    let (graph, found) = joined_long_before(200_000);
    assert_eq!(found[0].confidence.unwrap(), Confidence::Ordered);
    assert_eq!((found.len(), graph.truncated()), (1, 0));
}

#[test]
fn where_the_way_between_two_sides_is_too_long_nothing_is_said_and_that_is_counted() {
    let (graph, found) = joined_long_before(600_000);
    assert!(found.is_empty(), "maybe a join keeps them apart");
    assert!(graph.truncated() > 0);
}

#[test]
fn more_than_eight_segments_of_an_owner_become_unknown_which_nothing_orders() {
    let mut graph = Graph::new();
    let holds = [hold(1)];
    let mut after = 0;
    for _ in 0..9 {
        after = graph.add_segment(OwnerId(1), after, 0);
        graph.record(&Chain { segment: after, ..chain(1, 2, &holds) });
    }
    assert_eq!(graph.capped(), 1);
    // The thread that turns them round was started by the last of these segments, and so comes
    // after all of them: but of the ninth that is known no more.
    let segment = graph.add_segment(OwnerId(2), after, 0);
    let holds = [hold(2)];
    let found = graph.record(&Chain { segment, ..chain(2, 1, &holds) });
    assert_eq!(found[0].confidence.unwrap(), Confidence::Unproven);
    graph.check_invariants();
}

#[test]
fn a_search_in_a_large_component_ends_within_its_budget_and_says_so() {
    let mut graph = Graph::new();
    // All pairs, both ways round, under one gate: more cycles than anybody can look at.
    const LOCKS: u64 = 60;
    for b in 2..=LOCKS {
        (1..b).for_each(|a| assert!(request(&mut graph, 1, &[a, 99], b).is_empty()));
    }
    let before = graph.locks.credit;
    let mut searches = 0;
    for b in 2..=LOCKS {
        for a in 1..b {
            request(&mut graph, 2, &[b, 99], a);
            searches += 1;
        }
    }
    let spent = before - graph.locks.credit;
    assert!(spent > 0 && spent <= searches * 3 * 60_000, "{spent} steps of {searches} searches");
    // A process that has used up its credit goes on with short searches: the nearest is found.
    graph.locks.credit = 0;
    let found = request(&mut graph, 1, &[1], 2);
    let best = found.iter().filter_map(|inversion| inversion.confidence).max();
    assert_eq!(best, Some(Confidence::Feasible), "no gate is around both sides any more");
    assert!(graph.truncated() > 0);
    graph.check_invariants();
}
