//! The search for cycles, against a naive one and on the shapes that break naive ones.

use lockgraph_model::cycles::{Limits, components};
use lockgraph_model::dump::{Edge, Lock, Site, Witness};
use lockgraph_model::words::{Conflict, Mode, Want};
use proptest::prelude::*;
use std::time::{Duration, Instant};

fn lock(id: u64, read_blocks_behind_writer: bool, dropped_seq: Option<u64>) -> Lock {
    Lock {
        id,
        process: 0,
        class: id,
        created_seq: 0,
        dropped_seq,
        writer_queued: false,
        read_blocks_behind_writer,
        reentrant: false,
        guard_send: false,
        writers: Vec::new(),
    }
}

fn witness(seq: u64, from_mode: Mode, to_mode: Want) -> Witness {
    Witness {
        seq,
        scope: 0,
        owner: 0,
        segment: 0,
        from_mode,
        to_mode,
        held_at: None,
        acquired_at: Site { file: "a.rs".into(), line: 1, column: 1 },
        held: Vec::new(),
        stack: None,
        capped: false,
    }
}

fn edge(from: u64, to: u64) -> Edge {
    Edge { from, to, witnesses: vec![witness(1, Mode::Exclusive, Want::Exclusive)] }
}

fn locks(count: u64) -> Vec<Lock> {
    (1..=count).map(|id| lock(id, false, None)).collect()
}

/// Every sequence of distinct locks, every choice of one witness per edge.
fn naive(locks: &[Lock], edges: &[Edge]) -> Vec<Vec<u64>> {
    fn extend(path: &mut Vec<usize>, locks: &[Lock], edges: &[Edge], found: &mut Vec<Vec<u64>>) {
        if path.len() > 1 && choice(&mut Vec::new(), path, locks, edges) {
            found.push(path.iter().map(|&i| locks[i].id).collect());
        }
        for next in path[0] + 1..locks.len() {
            if !path.contains(&next) {
                path.push(next);
                extend(path, locks, edges, found);
                path.pop();
            }
        }
    }
    fn choice<'a>(
        chosen: &mut Vec<&'a Witness>,
        path: &[usize],
        locks: &[Lock],
        edges: &'a [Edge],
    ) -> bool {
        let k = path.len();
        if chosen.len() == k {
            return (0..k).all(|i| {
                let at = (i + 1) % k;
                let lock = &locks[path[at]];
                chosen[i].to_mode.conflict(chosen[at].from_mode, lock.read_blocks_behind_writer)
                    != Conflict::Never
                    && chosen.iter().all(|w| lock.dropped_seq.is_none_or(|drop| w.seq < drop))
            });
        }
        let (from, to) = (path[chosen.len()], path[(chosen.len() + 1) % k]);
        edges
            .iter()
            .filter(|edge| (edge.from, edge.to) == (locks[from].id, locks[to].id))
            .flat_map(|edge| &edge.witnesses)
            .any(|witness| {
                chosen.push(witness);
                let works = choice(chosen, path, locks, edges);
                chosen.pop();
                works
            })
    }
    let mut found = Vec::new();
    for start in 0..locks.len() {
        extend(&mut vec![start], locks, edges, &mut found);
    }
    found.sort();
    found
}

fn search(locks: &[Lock], edges: &[Edge], limits: &Limits) -> (Vec<Vec<u64>>, bool) {
    let found = components(locks, edges, limits);
    let truncated = found.iter().any(|component| component.truncated);
    (found.into_iter().flat_map(|component| component.cycles).collect(), truncated)
}

prop_compose! {
    fn a_lock(id: u64)(behind in any::<bool>(), dropped in prop::option::weighted(0.3, 1u64..20))
        -> Lock { lock(id, behind, dropped) }
}

prop_compose! {
    fn a_witness()(
        seq in 0u64..20,
        from in prop::sample::select(Mode::ALL.to_vec()),
        to in prop::sample::select(Want::ALL.to_vec()),
    ) -> Witness { witness(seq, from, to) }
}

fn a_graph() -> impl Strategy<Value = (Vec<Lock>, Vec<Edge>)> {
    (2u64..=6)
        .prop_flat_map(|count| {
            let locks: Vec<_> = (0..count).map(|id| a_lock(id * 7 % 5 * 10 + id)).collect();
            let edge = (0..count, 0..count, prop::collection::vec(a_witness(), 0..4));
            (locks, prop::collection::vec(edge, 0..(count * count) as usize))
        })
        .prop_map(|(locks, edges)| {
            let edges = edges
                .into_iter()
                .map(|(from, to, witnesses)| Edge {
                    from: locks[from as usize].id,
                    to: locks[to as usize].id,
                    witnesses,
                })
                .collect();
            (locks, edges)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn the_cycles_are_those_of_a_naive_search((mut locks, edges) in a_graph()) {
        let (found, truncated) = search(&locks, &edges, &Limits::default());
        prop_assert!(!truncated);
        locks.sort_by_key(|lock| lock.id);
        let mut sorted = found.clone();
        sorted.sort();
        prop_assert_eq!(&sorted, &naive(&locks, &edges));
        for component in components(&locks, &edges, &Limits::default()) {
            let lengths: Vec<usize> = component.cycles.iter().map(Vec::len).collect();
            prop_assert!(lengths.is_sorted(), "shortest first: {:?}", lengths);
        }

        // A lower cap keeps the first of the same list, and says that it did.
        for cap in 0..found.len() {
            let limits = Limits { cycles: cap, ..Limits::default() };
            for (all, part) in components(&locks, &edges, &Limits::default())
                .into_iter()
                .zip(components(&locks, &edges, &limits))
            {
                prop_assert_eq!(part.truncated, all.cycles.len() > cap);
                prop_assert_eq!(&part.cycles[..], &all.cycles[..cap.min(all.cycles.len())]);
            }
        }
    }

    #[test]
    fn a_lower_budget_loses_cycles_only_by_saying_so((locks, edges) in a_graph(), steps in 0u64..300) {
        let all = search(&locks, &edges, &Limits::default()).0;
        let (part, truncated) = search(&locks, &edges, &Limits { steps, ..Limits::default() });
        prop_assert!(truncated || part.len() == all.len());
        prop_assert!(part.iter().all(|cycle| all.contains(cycle)));
    }

    #[test]
    fn the_order_of_the_input_does_not_matter((locks, edges) in a_graph(), turn in 0usize..36) {
        let mut turned = (locks.clone(), edges.clone());
        turned.0.reverse();
        let middle = turn % edges.len().max(1);
        if !edges.is_empty() {
            turned.1.rotate_left(middle);
        }
        prop_assert_eq!(
            components(&locks, &edges, &Limits::default()),
            components(&turned.0, &turned.1, &Limits::default())
        );
    }
}

#[test]
fn a_complete_order_of_130_locks_with_one_edge_back_returns_at_once_with_the_shortest() {
    let start = Instant::now();
    let mut edges: Vec<Edge> =
        (1..=130).flat_map(|from| (from + 1..=130).map(move |to| edge(from, to))).collect();
    edges.push(edge(130, 1));
    let found = components(&locks(130), &edges, &Limits::default());
    assert_eq!(found.len(), 1);
    assert!(found[0].truncated);
    assert_eq!(found[0].cycles.len(), 1_000);
    assert_eq!(found[0].cycles[0], [1, 130]);
    assert!(found[0].cycles[1..129].iter().all(|cycle| cycle.len() == 3));
    assert!(found[0].cycles[129..].iter().all(|cycle| cycle.len() == 4));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn a_complete_graph_of_130_locks_lists_its_pairs_first() {
    let edges: Vec<Edge> = (1..=130)
        .flat_map(|from| (1..=130).filter(move |&to| to != from).map(move |to| edge(from, to)))
        .collect();
    let found = components(&locks(130), &edges, &Limits { cycles: 10_000, ..Limits::default() });
    assert!(found[0].truncated);
    assert_eq!(found[0].cycles.iter().filter(|cycle| cycle.len() == 2).count(), 130 * 129 / 2);
}

#[test]
fn a_ring_of_200000_locks_is_one_cycle_and_a_chain_is_none() {
    let count = 200_000;
    let mut edges: Vec<Edge> = (1..count).map(|id| edge(id, id + 1)).collect();
    assert!(components(&locks(count), &edges, &Limits::default()).is_empty());
    edges.push(edge(count, 1));
    let found = components(&locks(count), &edges, &Limits::default());
    assert_eq!(found[0].cycles.len(), 1);
    assert_eq!(found[0].cycles[0].len() as u64, count);
    assert!(!found[0].truncated);
}

#[test]
fn a_component_that_no_modes_close_costs_no_more_than_its_budget() {
    // Recursive reads all round: 2^128 ways, none of them a cycle that counts.
    let calm = |from, to| Edge {
        from,
        to,
        witnesses: vec![witness(1, Mode::SharedRecursive, Want::SharedRecursive)],
    };
    let mut edges: Vec<Edge> =
        (1..=130).flat_map(|from| (from + 1..=130).map(move |to| calm(from, to))).collect();
    edges.push(calm(130, 1));
    let found = components(&locks(130), &edges, &Limits::default());
    assert_eq!((found[0].locks.len(), found[0].cycles.len()), (130, 0));
    assert!(!found[0].truncated, "no choice of modes fits any edge");
}

#[test]
fn neighbours_must_agree_on_one_witness() {
    // 1 -> 2 was seen holding 1 shared and wanting 2 exclusive, or holding 1 exclusive and
    // reading 2. 2 -> 1 reads 1 and holds 2 shared: neither choice closes both ends.
    let both = vec![
        witness(1, Mode::Shared, Want::Exclusive),
        witness(2, Mode::Exclusive, Want::SharedRecursive),
    ];
    let mut edges = vec![
        Edge { from: 1, to: 2, witnesses: both },
        Edge { from: 2, to: 1, witnesses: vec![witness(3, Mode::Shared, Want::Shared)] },
    ];
    assert!(search(&locks(2), &edges, &Limits::default()).0.is_empty());
    edges[0].witnesses.push(witness(4, Mode::Exclusive, Want::Exclusive));
    assert_eq!(search(&locks(2), &edges, &Limits::default()).0, [[1, 2]]);
}
