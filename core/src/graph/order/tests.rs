use super::*;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;
use proptest::prelude::*;
use std::collections::BTreeSet;

impl Order {
    /// With another distance between labels, so that they run out early.
    fn with_spacing(spacing: u64) -> Self {
        Order { spacing, ..Order::new() }
    }
}

/// The graph and its order, edited together as the recorder does.
struct World {
    graph: Digraph,
    order: Order,
}

impl World {
    fn new(order: Order) -> Self {
        World { graph: Digraph::new(), order }
    }

    fn with_nodes(count: u32) -> Self {
        let mut world = World::new(Order::new());
        (0..count).for_each(|n| assert_eq!(world.add_node(), n));
        world
    }

    fn add_node(&mut self) -> NodeIx {
        let n = self.graph.add_node();
        self.order.node_added(n);
        n
    }

    fn add_edge(&mut self, u: NodeIx, v: NodeIx) -> Closing {
        self.graph.add_edge(u, v);
        self.order.edge_added(&self.graph, u, v)
    }

    fn remove_edge(&mut self, u: NodeIx, v: NodeIx) {
        let e = self.graph.find_edge(u, v).expect("the edge exists");
        self.graph.remove_edge(e);
        self.order.edge_removed(&self.graph, u, v);
    }

    fn remove_node(&mut self, n: NodeIx) {
        self.graph.clear_node(n, |_| {});
        self.order.node_removed(&self.graph, n);
        while let Some(n) = self.order.pop_free() {
            self.graph.free_node(n);
        }
    }

    fn nodes(&self) -> Vec<NodeIx> {
        (0..self.graph.node_capacity() as NodeIx).filter(|&n| self.graph.is_live(n)).collect()
    }

    fn components(&self) -> BTreeSet<BTreeSet<NodeIx>> {
        self.nodes().into_iter().map(|n| self.order.members(n).collect()).collect()
    }

    /// The components by a second, independent implementation.
    fn expected(&self) -> BTreeSet<BTreeSet<NodeIx>> {
        let nodes = self.nodes();
        let mut graph = DiGraph::<NodeIx, ()>::new();
        let of = |n: NodeIx| nodes.binary_search(&n).expect("a live node").try_into().expect("u32");
        nodes.iter().for_each(|&n| _ = graph.add_node(n));
        for &u in &nodes {
            let ends = self.graph.out_edges(u).map(|(_, v)| (of(u), of(v)));
            graph.extend_with_edges(ends.collect::<Vec<(u32, u32)>>());
        }
        let sets = kosaraju_scc(&graph).into_iter();
        sets.map(|set| set.into_iter().map(|n| graph[n]).collect()).collect()
    }

    fn check(&self) {
        self.graph.check_invariants();
        self.order.check_invariants(&self.graph);
        assert_eq!(self.components(), self.expected());
        for n in self.nodes() {
            assert_eq!(self.order.members(n).next(), Some(n));
            assert_eq!(self.order.members(n).count(), self.order.component_len(n) as usize);
        }
    }
}

/// Reproducible numbers below `bound`; enough for shuffles.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((self.0 >> 33) % u64::from(bound)) as u32
    }

    fn shuffled(&mut self, count: u32) -> Vec<u32> {
        let mut v: Vec<u32> = (0..count).collect();
        (1..count).rev().for_each(|i| v.swap(i as usize, self.below(i + 1) as usize));
        v
    }
}

#[test]
fn an_added_edge_tells_what_it_closed() {
    let mut w = World::with_nodes(5);
    assert_eq!(w.add_edge(0, 1), Closing::Acyclic);
    assert_eq!(w.add_edge(3, 0), Closing::Acyclic);
    assert_eq!(w.add_edge(1, 2), Closing::Acyclic);
    assert_eq!(w.add_edge(2, 3), Closing::Merged);
    assert_eq!(w.add_edge(1, 3), Closing::Inside);
    assert_eq!(w.add_edge(4, 2), Closing::Acyclic);
    assert_eq!(w.add_edge(1, 4), Closing::Merged);
    assert_eq!(w.order.component_len(3), 5);
    w.check();
}

#[test]
fn a_new_node_comes_last() {
    let mut w = World::with_nodes(3);
    w.add_edge(2, 0);
    let n = w.add_node();
    assert!((0..3).all(|m| w.order.position(m) < w.order.position(n)));
    w.check();
}

#[test]
fn a_removed_edge_or_node_splits_its_component_only() {
    let mut w = World::with_nodes(6);
    for (u, v) in [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (2, 3)] {
        w.add_edge(u, v);
    }
    w.remove_edge(2, 0);
    w.check();
    assert_eq!((w.order.component_len(0), w.order.component_len(3)), (1, 3));
    w.remove_node(4);
    w.check();
    assert_eq!(w.components().len(), 5);
    let recycled = w.add_node();
    assert_eq!((recycled, w.add_edge(recycled, 0)), (4, Closing::Acyclic));
    w.check();
}

#[test]
fn a_removal_that_leaves_another_way_keeps_the_component() {
    let mut w = World::with_nodes(4);
    for (u, v) in [(0, 1), (1, 2), (2, 0), (1, 0), (2, 1), (2, 3), (3, 2)] {
        w.add_edge(u, v);
    }
    w.remove_edge(2, 0);
    w.check();
    assert_eq!(w.order.component_len(0), 4);
    w.remove_node(w.order.component(0));
    w.check();
}

#[test]
fn labels_that_run_out_are_dealt_anew() {
    // Every merge and split happens between the same two neighbours.
    for spacing in [1, 3, 1 << 62] {
        let mut w = World::new(Order::with_spacing(spacing));
        for _ in 0..40 {
            w.add_node();
        }
        for n in (1..39).rev() {
            w.add_edge(n, n - 1);
            w.add_edge(n - 1, n);
            w.check();
        }
        for n in 1..39 {
            w.remove_edge(n, n - 1);
            w.check();
        }
        assert_eq!(w.components().len(), 40);
    }
}

#[test]
fn a_long_chain_becomes_a_ring_and_falls_apart() {
    const LEN: u32 = 200_000;
    let mut w = World::with_nodes(LEN);
    // Every edge is against creation order, in no order among themselves.
    for n in Numbers(1).shuffled(LEN - 1) {
        assert_eq!(w.add_edge(n + 1, n), Closing::Acyclic);
    }
    w.order.check_invariants(&w.graph);
    assert_eq!(w.add_edge(0, LEN - 1), Closing::Merged);
    w.order.check_invariants(&w.graph);
    assert_eq!(w.order.component_len(7), LEN);
    w.remove_node(LEN / 2);
    w.order.check_invariants(&w.graph);
    assert!(w.nodes().into_iter().all(|n| w.order.component_len(n) == 1));
}

#[test]
fn a_chain_that_grows_backwards_is_not_quadratic() {
    const LEN: u32 = 200_000;
    for ascending in [true, false] {
        let mut w = World::with_nodes(LEN);
        for n in 1..LEN {
            let n = if ascending { n } else { LEN - n };
            assert_eq!(w.add_edge(n, n - 1), Closing::Acyclic);
        }
        w.order.check_invariants(&w.graph);
    }
}

#[test]
fn hubs_with_many_edges_on_both_sides_stay_cheap() {
    const LEN: u32 = 50_000;
    let mut numbers = Numbers(2);
    let place = numbers.shuffled(LEN);
    let mut w = World::with_nodes(LEN);
    for _ in 0..200_000 {
        let (hub, n) = (numbers.below(10) * (LEN / 10), numbers.below(LEN));
        let (u, v) = if place[hub as usize] < place[n as usize] { (hub, n) } else { (n, hub) };
        if u != v && w.graph.find_edge(u, v).is_none() {
            assert_eq!(w.add_edge(u, v), Closing::Acyclic);
        }
    }
    w.order.check_invariants(&w.graph);
}

#[test]
fn a_chain_of_a_million_nodes_needs_no_deep_stack() {
    const LEN: u32 = 1_000_000;
    let small = std::thread::Builder::new().stack_size(128 * 1024);
    let run = || {
        let mut w = World::with_nodes(LEN);
        (1..LEN).for_each(|n| assert_eq!(w.add_edge(n - 1, n), Closing::Acyclic));
        assert_eq!(w.add_edge(LEN - 1, 0), Closing::Merged);
        assert_eq!(w.order.component_len(0), LEN);
        w.remove_edge(LEN / 2, LEN / 2 + 1);
        assert_eq!(w.order.component_len(0), 1);
        w.order.check_invariants(&w.graph);
    };
    small.spawn(run).expect("a thread").join().expect("no panic");
}

#[test]
fn nodes_recycled_for_ever_keep_the_order_valid() {
    let mut numbers = Numbers(3);
    let mut w = World::with_nodes(30);
    for round in 0..3_000 {
        w.remove_node(numbers.below(30));
        let n = w.add_node();
        for _ in 0..4 {
            let (other, out) = (numbers.below(30), numbers.below(2) == 0);
            let (u, v) = if out { (n, other) } else { (other, n) };
            if u != v && w.graph.find_edge(u, v).is_none() {
                w.add_edge(u, v);
            }
        }
        w.order.check_invariants(&w.graph);
        if round % 16 == 0 {
            w.check();
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Edit {
    AddNode,
    AddEdge(u32, u32),
    RemoveNode(u32),
    RemoveEdge(u32, u32),
}

/// Edits over up to `nodes` nodes; `removals` in 100 remove something.
fn edits(nodes: u32, removals: u32) -> impl Strategy<Value = Vec<Edit>> {
    let pair = (0..nodes, 0..nodes);
    let edit = prop_oneof![
        12 => Just(Edit::AddNode),
        88 - removals => pair.clone().prop_map(|(u, v)| Edit::AddEdge(u, v)),
        removals / 4 + 1 => (0..nodes).prop_map(Edit::RemoveNode),
        removals => pair.prop_map(|(u, v)| Edit::RemoveEdge(u, v)),
    ];
    prop::collection::vec(edit, 1..400)
}

fn worlds() -> impl Strategy<Value = (u32, u64, Vec<Edit>)> {
    let shape = (2u32..=40, prop_oneof![Just(5u32), Just(30), Just(70)]);
    let spacing = prop_oneof![Just(1u64), Just(2), Just(5), Just(SPACING), Just(1 << 62)];
    (shape, spacing).prop_flat_map(|((nodes, removals), spacing)| {
        (Just(nodes), Just(spacing), edits(nodes, removals))
    })
}

proptest! {
    #[test]
    fn components_and_order_hold_after_every_edit((nodes, spacing, edits) in worlds()) {
        let mut w = World::new(Order::with_spacing(spacing));
        for _ in 0..nodes / 2 {
            w.add_node();
        }
        for edit in edits {
            match edit {
                Edit::AddNode if w.graph.node_count() < nodes as usize => _ = w.add_node(),
                Edit::AddEdge(u, v) if u != v && w.graph.is_live(u) && w.graph.is_live(v) => {
                    if w.graph.find_edge(u, v).is_none() {
                        let before = w.components().len();
                        let known = w.order.same_component(u, v);
                        let closing = w.add_edge(u, v);
                        let expected = match (known, w.components().len() < before) {
                            (true, _) => Closing::Inside,
                            (false, true) => Closing::Merged,
                            (false, false) => Closing::Acyclic,
                        };
                        prop_assert_eq!(closing, expected);
                    }
                }
                Edit::RemoveNode(n) if w.graph.is_live(n) => w.remove_node(n),
                // A random pair is rarely an edge: take one that leaves `u`.
                Edit::RemoveEdge(u, nth) if w.graph.is_live(u) => {
                    let ends: Vec<_> = w.graph.out_edges(u).map(|(_, v)| v).collect();
                    if !ends.is_empty() {
                        w.remove_edge(u, ends[nth as usize % ends.len()]);
                    }
                }
                _ => continue,
            }
            w.check();
        }
    }
}

#[test]
fn a_component_that_is_not_recomputed_yet_is_no_smaller_than_it_should_be() {
    const LEN: u32 = 300;
    let mut numbers = Numbers(4);
    // Nothing that was added allows anything.
    let mut w = World::new(Order { slack: i64::MIN / 2, ..Order::new() });
    (0..LEN).for_each(|_| _ = w.add_node());
    let mut live: Vec<NodeIx> = (0..LEN).collect();
    let mut late = 0;
    for round in 0..2_000 {
        if round < 1_500 && round % 3 != 0 {
            live.push(w.add_node());
        } else if !live.is_empty() {
            w.remove_node(live.swap_remove(numbers.below(live.len() as u32) as usize));
        }
        for _ in 0..6 {
            let [u, v] = [(); 2].map(|()| live[numbers.below(live.len() as u32) as usize]);
            if u != v && w.graph.find_edge(u, v).is_none() {
                w.add_edge(u, v);
            }
        }
        if round % 20 == 0 {
            w.order.check_invariants(&w.graph);
            let whole = |set: &BTreeSet<NodeIx>| {
                let mut components = set.iter().map(|&n| w.order.component(n));
                let first = components.next();
                components.all(|component| Some(component) == first)
            };
            assert!(w.expected().iter().all(whole), "nodes that reach each other are apart");
            late += usize::from(w.components() != w.expected());
        }
    }
    assert!(late > 10, "that was the case {late} times");
    live.into_iter().for_each(|n| w.remove_node(n));
    w.check();
    assert!(w.nodes().is_empty(), "every index was given up in the end");
}

#[test]
fn a_large_component_falls_apart_in_less_than_the_square_of_its_size() {
    const LEN: u32 = 20_000;
    let mut numbers = Numbers(5);
    let mut w = World::with_nodes(LEN);
    (0..LEN).for_each(|n| _ = w.add_edge(n, (n + 1) % LEN));
    for _ in 0..LEN * 8 {
        let (u, v) = (numbers.below(LEN), numbers.below(LEN));
        if u != v && w.graph.find_edge(u, v).is_none() {
            assert_eq!(w.add_edge(u, v), Closing::Inside);
        }
    }
    let allowed = w.order.slack;
    (0..LEN).for_each(|n| w.remove_node(n));
    let took = allowed - w.order.slack;
    assert!(took < 20_000_000, "the square is some thousand millions; this took {took}");
    w.check();
}
