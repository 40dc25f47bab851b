//! The part of the order graph that a cycle across processes can lie in, with one node for what
//! counts as one lock.

use crate::dump::{Class, Dump, Edge, Id, Lock, Site, Witness};
use crate::words::{Mode, Want};
use petgraph::graph::DiGraph;
use std::collections::{BTreeMap, HashMap};

/// Owners kept for each edge, modes and held set: enough for as many sides.
const OWNERS: usize = 16;
/// Sides kept of one owner for each edge, modes and held set: its segments.
const SIDES: u32 = 8;
/// Sides kept for each edge.
const EDGE_SIDES: usize = 512;
/// Writers kept for each node.
const WRITERS: usize = 64;

/// What the nodes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ring {
    /// Classes that count as one lock, and single locks of the others.
    Locks,
    /// Classes.
    Classes,
}

/// A place in `classes`, or after those a place in `locks`.
pub(super) type Node = u32;

/// One witness, in terms of nodes.
pub(super) struct Side<'a> {
    pub(super) process: u32,
    pub(super) from: &'a Lock,
    pub(super) to: &'a Lock,
    pub(super) owner: Party<'a>,
    pub(super) witness: &'a Witness,
    /// Sorted by node. Locks, also where the ring is of classes: a gate is a lock.
    pub(super) held: Vec<(Node, Mode)>,
}

/// Who did it, as far as it can be told across processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Party<'a> {
    /// Any of several owners.
    Any,
    /// The main thread.
    Main(u32, Id),
    /// The thread of a test, which its process was started for.
    Test(u32, Id, &'a str),
    /// Somebody of one process.
    Other(u32, Id),
}

impl Party<'_> {
    pub(super) fn is_same(self, other: Self) -> bool {
        match (self, other) {
            (Party::Any, _) | (_, Party::Any) => false,
            (Party::Main(p, _), Party::Main(q, _)) if p != q => true,
            (Party::Test(p, _, one), Party::Test(q, _, two)) if p != q => one == two,
            _ => self == other,
        }
    }
}

pub(super) struct Evidence<'a> {
    pub(super) dump: &'a Dump,
    ring: Ring,
    /// For each place in `classes`: it had at most one live lock in each process.
    single: Vec<bool>,
    pub(super) edges: BTreeMap<(Node, Node), Vec<Side<'a>>>,
    nodes: HashMap<Node, NodeFacts<'a>>,
    pub(super) truncated: bool,
}

#[derive(Default)]
struct NodeFacts<'a> {
    read_blocks_behind_writer: bool,
    writers: Vec<Party<'a>>,
}

/// For each place in `classes` the number of its component in the graph of the class edges; 0
/// where it is alone in it. Empty where all are.
pub(super) fn tangles(dump: &Dump) -> Vec<u32> {
    let mut graph: DiGraph<(), (), u32> = DiGraph::new();
    for _ in &dump.classes {
        graph.add_node(());
    }
    for edge in &dump.class_edges {
        let ends = (class_at(dump, edge.from), class_at(dump, edge.to));
        if let (Some(from), Some(to)) = ends {
            graph.add_edge((from as u32).into(), (to as u32).into(), ());
        }
    }
    let mut tangles = vec![0; dump.classes.len()];
    let (mut count, components) = (0, petgraph::algo::kosaraju_scc(&graph));
    for component in components.iter().filter(|component| component.len() > 1) {
        count += 1;
        component.iter().for_each(|node| tangles[node.index()] = count);
    }
    if count == 0 { Vec::new() } else { tangles }
}

impl<'a> Evidence<'a> {
    /// The edges within the tangles. A cycle of locks lies in one: its classes are a closed walk.
    pub(super) fn collect(dump: &'a Dump, tangles: &[u32], ring: Ring) -> Evidence<'a> {
        let single = dump.classes.iter().map(is_single).collect();
        let mut evidence = Evidence {
            dump,
            ring,
            single,
            edges: BTreeMap::new(),
            nodes: HashMap::new(),
            truncated: false,
        };
        let tangle = |lock: &Lock| class_at(dump, lock.class).map_or(0, |at| tangles[at]);
        let mut kept: HashMap<Group, Vec<(Party<'a>, u32)>> = HashMap::new();
        for edge in &dump.edges {
            let ends = (lock_at(dump, edge.from), lock_at(dump, edge.to));
            let (Some(from), Some(to)) = ends else { continue };
            let (from_lock, to_lock) = (&dump.locks[from], &dump.locks[to]);
            let (one, other) = (tangle(from_lock), tangle(to_lock));
            if one == 0 || one != other || from_lock.process != to_lock.process {
                continue;
            }
            let (Some(a), Some(b)) = (evidence.node(from), evidence.node(to)) else { continue };
            if a == b {
                continue;
            }
            for witness in &edge.witnesses {
                evidence.add((a, b), from_lock, to_lock, witness, &mut kept);
            }
        }
        for (at, lock) in dump.locks.iter().enumerate() {
            if tangle(lock) != 0 {
                evidence.describe(at, lock);
            }
        }
        evidence
    }

    fn add(
        &mut self,
        (a, b): (Node, Node),
        from: &'a Lock,
        to: &'a Lock,
        witness: &'a Witness,
        kept: &mut HashMap<Group, Vec<(Party<'a>, u32)>>,
    ) {
        let holds = witness.held.iter();
        let mut held: Vec<(Node, Mode)> = holds
            .filter_map(|hold| Some((self.lock_node(lock_at(self.dump, hold.lock)?)?, hold.mode)))
            .collect();
        held.sort_unstable();
        held.dedup();
        let owner = party(self.dump, from.process, witness.owner);
        // Witnesses of one group differ by owner alone: as many owners as a cycle has sides do.
        let group = (a, b, (witness.from_mode, witness.to_mode, witness.capped), held.clone());
        let owners = kept.entry(group).or_default();
        match owners.iter().position(|(known, _)| *known == owner || known.is_same(owner)) {
            Some(at) if owners[at].1 >= SIDES => return,
            Some(at) => owners[at].1 += 1,
            None if owners.len() >= OWNERS => return,
            None => owners.push((owner, 1)),
        }
        let sides = self.edges.entry((a, b)).or_default();
        if sides.len() >= EDGE_SIDES {
            self.truncated = true;
            return;
        }
        sides.push(Side { process: from.process, from, to, owner, witness, held });
    }

    fn describe(&mut self, at: usize, lock: &'a Lock) {
        let Some(node) = self.node(at) else { return };
        let facts = self.nodes.entry(node).or_default();
        facts.read_blocks_behind_writer |= lock.read_blocks_behind_writer;
        for &writer in &lock.writers {
            let writer = party(self.dump, lock.process, writer);
            if facts.writers.len() < WRITERS && !facts.writers.contains(&writer) {
                facts.writers.push(writer);
            }
        }
    }

    /// The node of the lock at a place in `locks`.
    fn node(&self, at: usize) -> Option<Node> {
        match self.ring {
            Ring::Locks => self.lock_node(at),
            Ring::Classes => class_at(self.dump, self.dump.locks[at].class).map(|at| at as Node),
        }
    }

    fn lock_node(&self, at: usize) -> Option<Node> {
        let class = class_at(self.dump, self.dump.locks[at].class)?;
        let node = if self.single[class] { class } else { self.dump.classes.len() + at };
        Node::try_from(node).ok()
    }

    /// The class of a node.
    pub(super) fn class(&self, node: Node) -> Id {
        let (node, classes) = (node as usize, &self.dump.classes);
        match classes.get(node) {
            Some(class) => class.id,
            None => self.dump.locks[node - classes.len()].class,
        }
    }

    /// Whether the class of a lock counts as one lock.
    pub(super) fn is_one_lock(&self, lock: &Lock) -> bool {
        class_at(self.dump, lock.class).is_some_and(|at| self.single[at])
    }

    pub(super) fn read_blocks_behind_writer(&self, node: Node) -> bool {
        self.nodes.get(&node).is_some_and(|facts| facts.read_blocks_behind_writer)
    }

    pub(super) fn writers(&self, node: Node) -> &[Party<'a>] {
        self.nodes.get(&node).map_or(&[], |facts| &facts.writers)
    }

    /// What the search for cycles takes: nodes as locks, and the modes of their edges.
    pub(super) fn graph(&self) -> (Vec<Lock>, Vec<Edge>) {
        let lock = |(&node, facts): (&Node, &NodeFacts<'_>)| Lock {
            id: Id::from(node),
            process: 0,
            class: 0,
            created_seq: 0,
            dropped_seq: None,
            writer_queued: false,
            read_blocks_behind_writer: facts.read_blocks_behind_writer,
            reentrant: false,
            guard_send: false,
            writers: Vec::new(),
        };
        let mut locks: Vec<Lock> = self.nodes.iter().map(lock).collect();
        locks.sort_unstable_by_key(|lock| lock.id);
        let nowhere = Site { file: "".into(), line: 0, column: 0 };
        let edge = |(&(from, to), sides): (&(Node, Node), &Vec<Side<'_>>)| {
            let mut modes: Vec<_> =
                sides.iter().map(|side| (side.witness.from_mode, side.witness.to_mode)).collect();
            modes.sort_unstable();
            modes.dedup();
            let witnesses = modes.into_iter().map(|(from_mode, to_mode)| Witness {
                seq: 0,
                scope: 0,
                owner: 0,
                segment: 0,
                from_mode,
                to_mode,
                held_at: None,
                acquired_at: nowhere.clone(),
                held: Vec::new(),
                stack: None,
                capped: false,
            });
            Edge { from: from.into(), to: to.into(), witnesses: witnesses.collect() }
        };
        (locks, self.edges.iter().map(edge).collect())
    }
}

/// What two witnesses of an edge have in common that differ by owner alone.
type Group = (Node, Node, (Mode, Want, bool), Vec<(Node, Mode)>);

/// A class of one process alone is one lock anyway; one without a use says nothing.
fn is_single(class: &Class) -> bool {
    !class.per_process.is_empty() && class.per_process.iter().all(|used| used.max_live <= 1)
}

fn party(dump: &Dump, process: u32, id: Id) -> Party<'_> {
    let Some(owner) = find(&dump.owners, id, |owner| owner.id) else { return Party::Any };
    let test = dump.processes.get(process as usize).and_then(|process| process.test.as_deref());
    match dump.owners[owner].name.as_deref() {
        Some("main") => Party::Main(process, id),
        Some(name) if test == Some(name) => Party::Test(process, id, name),
        _ => Party::Other(process, id),
    }
}

pub(crate) fn lock_at(dump: &Dump, id: Id) -> Option<usize> {
    find(&dump.locks, id, |lock| lock.id)
}

pub(super) fn class_at(dump: &Dump, id: Id) -> Option<usize> {
    find(&dump.classes, id, |class| class.id)
}

/// The place of an id in a list that is sorted by it; at once where the ids are 1, 2, ..
pub(super) fn find<T>(list: &[T], id: Id, of: impl Fn(&T) -> Id) -> Option<usize> {
    let at = (id as usize).wrapping_sub(1);
    if list.get(at).is_some_and(|one| of(one) == id) {
        return Some(at);
    }
    list.binary_search_by_key(&id, of).ok()
}
