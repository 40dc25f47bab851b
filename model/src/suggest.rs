//! An order of the classes to keep to, and why one class comes before another.

use crate::dump::{Class, ClassEdge, Dump, Id};
use crate::order::order;
use crate::policy::ClassPattern;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{DfsPostOrder, EdgeRef};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt::Write as _;

/// Classes up to which implied rules are left out of [`to_order_toml`]: that takes the square of
/// their number in bits.
const MAX_REDUCED: usize = 4_096;

/// Classes of a component up to which the greedy algorithm is used: petgraph's takes the square of
/// their number.
const MAX_GREEDY: usize = 2_000;

/// An order of the classes that nest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// All classes that class edges join, the one to take first in front.
    pub order: Vec<Id>,
    /// The class edges against it: the acquisitions to turn round. Empty where the dump has an
    /// order already; edges of a class to itself are not among them.
    pub against: Vec<(Id, Id)>,
}

/// Suggests a total order of the classes, with few class edges against it.
///
/// Where the class edges are acyclic it is the order of the dump. Otherwise the edges to drop are
/// found in each component by the greedy algorithm of Eades, Lin and Smyth (A fast and effective
/// heuristic for the feedback arc set problem, 1993), which petgraph has: few, not always the
/// fewest. In a component of more than 2,000 classes they are the edges against the order of a
/// depth-first search. Iterative. Cost: linear, times a logarithm, and the square of the smaller
/// components.
///
/// ```
/// use lockgraph_model::{Dump, suggest};
/// let text = r#"{"schema": "lockgraph/1", "tool": {"name": "lockgraph", "version": "0.1.0"}}"#;
/// let dump = Dump::from_json(text.as_bytes(), "empty.json")?;
/// assert!(suggest::suggest_order(&dump).order.is_empty());
/// # Ok::<(), lockgraph_model::Error>(())
/// ```
pub fn suggest_order(dump: &Dump) -> Suggestion {
    of_edges(&dump.class_edges)
}

/// The same for class edges alone.
pub fn of_edges(edges: &[ClassEdge]) -> Suggestion {
    let dropped = feedback(edges);
    let kept: Vec<ClassEdge> = edges
        .iter()
        .map(|edge| (edge.from, edge.to))
        // A class that only dropped edges join stays in the order.
        .map(|(from, to)| if dropped.contains(&(from, to)) { (to, from) } else { (from, to) })
        .map(|(from, to)| ClassEdge { from, to, witness: None })
        .collect();
    // What the algorithm drops goes against one order of all, and so turned round it agrees.
    let order = order(&kept).unwrap_or_default();
    let place: HashMap<Id, usize> = order.iter().zip(0..).map(|(&id, at)| (id, at)).collect();
    let is_against = |&(from, to): &(Id, Id)| place.get(&from) > place.get(&to);
    let pairs: BTreeSet<(Id, Id)> = edges.iter().map(|edge| (edge.from, edge.to)).collect();
    Suggestion { order, against: pairs.into_iter().filter(is_against).collect() }
}

/// Class edges that leave no cycle when they are turned round.
fn feedback(edges: &[ClassEdge]) -> HashSet<(Id, Id)> {
    let pairs: BTreeSet<(Id, Id)> =
        edges.iter().map(|edge| (edge.from, edge.to)).filter(|(from, to)| from != to).collect();
    let ids: BTreeSet<Id> = pairs.iter().flat_map(|&(from, to)| [from, to]).collect();
    let ids: Vec<Id> = ids.into_iter().collect();
    let number = |id: Id| ids.binary_search(&id).unwrap_or_default() as u32;
    let numbered = pairs.iter().map(|&(from, to)| (number(from), number(to)));
    let graph: DiGraph<(), (), u32> = DiGraph::from_edges(numbered.clone());
    let mut component = vec![0; ids.len()];
    let mut dropped = HashSet::new();
    let components = petgraph::algo::kosaraju_scc(&graph);
    for (at, nodes) in components.iter().enumerate() {
        nodes.iter().for_each(|node| component[node.index()] = at);
    }
    let mut inside: BTreeMap<usize, Vec<(u32, u32)>> = BTreeMap::new();
    for (from, to) in numbered {
        if component[from as usize] == component[to as usize] {
            inside.entry(component[from as usize]).or_default().push((from, to));
        }
    }
    for edges in inside.into_values() {
        let nodes: BTreeSet<u32> = edges.iter().flat_map(|&(from, to)| [from, to]).collect();
        let nodes: Vec<u32> = nodes.into_iter().collect();
        let local = |node: u32| nodes.binary_search(&node).unwrap_or_default() as u32;
        let part: DiGraph<(), (), u32> =
            DiGraph::from_edges(edges.iter().map(|&(from, to)| (local(from), local(to))));
        let against: Vec<_> = match part.node_count() {
            0..=MAX_GREEDY => petgraph::algo::greedy_feedback_arc_set(&part)
                .map(|edge| (edge.source(), edge.target()))
                .collect(),
            _ => against_depth_first(&part),
        };
        for (from, to) in against {
            let id = |node: NodeIndex| ids[nodes[node.index()] as usize];
            dropped.insert((id(from), id(to)));
        }
    }
    dropped
}

/// The edges that lead from a node to one that a depth-first search has not left yet: those against
/// the reverse of the order in which it leaves the nodes.
fn against_depth_first(graph: &DiGraph<(), (), u32>) -> Vec<(NodeIndex, NodeIndex)> {
    let mut left = vec![0; graph.node_count()];
    let mut walk = DfsPostOrder::empty(graph);
    let mut count = 0;
    for start in graph.node_indices() {
        walk.move_to(start);
        while let Some(node) = walk.next(graph) {
            count += 1;
            left[node.index()] = count;
        }
    }
    let edges = graph.edge_references().map(|edge| (edge.source(), edge.target()));
    edges.filter(|(from, to)| left[from.index()] < left[to.index()]).collect()
}

/// The shortest chain of class edges from `from` to `to`: each says where the next class was
/// requested while the one before was held. `None` where there is none.
///
/// From a class to itself it is the shortest cycle. Of several as short the one of the least ids.
/// Cost: linear in the class edges.
pub fn why(dump: &Dump, from: Id, to: Id) -> Option<Vec<&ClassEdge>> {
    let mut out: HashMap<Id, Vec<&ClassEdge>> = HashMap::new();
    for edge in &dump.class_edges {
        out.entry(edge.from).or_default().push(edge);
    }
    out.values_mut().for_each(|edges| edges.sort_by_key(|edge| edge.to));
    let mut reached: HashMap<Id, &ClassEdge> = HashMap::new();
    let mut queue = VecDeque::from([from]);
    while let Some(class) = queue.pop_front() {
        for &edge in out.get(&class).into_iter().flatten() {
            if reached.contains_key(&edge.to) {
                continue;
            }
            reached.insert(edge.to, edge);
            if edge.to == to {
                let mut chain = vec![edge];
                while let Some(first) = chain.last().filter(|edge| edge.from != from) {
                    chain.push(reached.get(&first.from)?);
                }
                chain.reverse();
                return Some(chain);
            }
            queue.push_back(edge.to);
        }
    }
    None
}

/// The `[[order]]` tables of `lockgraph.toml` for an order: one for each class edge that agrees with
/// it and does not follow from others. A class that nothing names is left out, with a comment.
///
/// Cost: linear in the class edges, times the number of classes over 64.
pub fn to_order_toml(dump: &Dump, suggestion: &Suggestion) -> String {
    let mut text = String::new();
    let classes: HashMap<Id, &Class> = dump.classes.iter().map(|class| (class.id, class)).collect();
    let name = |id: &Id| classes.get(id).and_then(|class| ClassPattern::of(class));
    let mut nameless = 0;
    for (before, after) in rules(dump, suggestion) {
        let (Some(before), Some(after)) = (name(&before), name(&after)) else {
            nameless += 1;
            continue;
        };
        let separator = if text.is_empty() { "" } else { "\n" };
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "{separator}[[order]]\nbefore = {}\nafter = {}",
            quoted(before.as_str()),
            quoted(after.as_str())
        );
    }
    if nameless > 0 {
        let _ = writeln!(text, "# {nameless} more, of locks that have neither a name nor a place");
    }
    text
}

/// The class edges that agree with the order, in its order, without those that follow from others.
fn rules(dump: &Dump, suggestion: &Suggestion) -> Vec<(Id, Id)> {
    let order = &suggestion.order;
    let place: HashMap<Id, usize> = order.iter().zip(0..).map(|(&id, at)| (id, at)).collect();
    let mut next: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); order.len()];
    for edge in &dump.class_edges {
        if let (Some(&from), Some(&to)) = (place.get(&edge.from), place.get(&edge.to))
            && from < to
        {
            next[from].insert(to);
        }
    }
    if order.len() <= MAX_REDUCED {
        let words = order.len().div_ceil(64);
        let mut reach: Vec<Vec<u64>> = vec![vec![0; words]; order.len()];
        for from in (0..order.len()).rev() {
            // The nearest first: what is reached through it follows.
            let mut reached = vec![0u64; words];
            next[from].retain(|&to| {
                let follows = reached[to / 64] >> (to % 64) & 1 == 1;
                if !follows {
                    reached.iter_mut().zip(&reach[to]).for_each(|(all, more)| *all |= more);
                    reached[to / 64] |= 1 << (to % 64);
                }
                !follows
            });
            reach[from] = reached;
        }
    }
    let pairs =
        next.iter().enumerate().flat_map(|(from, next)| next.iter().map(move |&to| (from, to)));
    pairs.map(|(from, to)| (order[from], order[to])).collect()
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
