//! The component of a deadlock as a graph: owners, and the locks and threads between them.
//!
//! An edge from an owner leads to what it waits for, an edge from a lock to who holds it. So a
//! deadlock is a strongly connected component, and drawing it shows who keeps whom.

use crate::dump::{Class, Dump, Finding, Id};
use petgraph::dot::{Config, Dot};
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::BTreeMap;

/// A node of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// An owner.
    Owner(Id),
    /// A lock, or the permits of one.
    Lock(Id),
}

/// The graph of the waits of a finding, empty where it has none. The weight of an edge is how the
/// lock is wanted or held, or `join`.
///
/// Cost: linear in the waits and what was held in them.
pub fn graph(finding: &Finding) -> DiGraph<Node, &'static str> {
    let mut graph = DiGraph::new();
    let mut known: BTreeMap<Node, NodeIndex> = BTreeMap::new();
    for wait in &finding.waits {
        let mut at = |graph: &mut DiGraph<Node, &'static str>, node| {
            *known.entry(node).or_insert_with(|| graph.add_node(node))
        };
        let owner = at(&mut graph, Node::Owner(wait.owner));
        if let Some(lock) = wait.lock {
            let lock = at(&mut graph, Node::Lock(lock));
            graph.add_edge(owner, lock, wait.mode.map_or("", |mode| mode.name()));
        }
        if let Some(thread) = wait.thread {
            let thread = at(&mut graph, Node::Owner(thread));
            graph.add_edge(owner, thread, "join");
        }
        for held in &wait.held {
            let lock = at(&mut graph, Node::Lock(held.lock));
            graph.add_edge(lock, owner, held.mode.name());
        }
    }
    graph
}

/// The same in the language of Graphviz, with the names that the dump has; `None` where the finding
/// has no waits.
pub fn dot(dump: &Dump, finding: &Finding) -> Option<String> {
    let graph = graph(finding);
    if graph.node_count() == 0 {
        return None;
    }
    let named = graph.map(
        |_, node| match node {
            Node::Owner(id) => {
                let owner = dump.owners.iter().find(|owner| owner.id == *id);
                let name = owner.and_then(|owner| owner.name.clone());
                name.unwrap_or_else(|| format!("thread {id}"))
            }
            Node::Lock(id) => {
                let lock = dump.locks.iter().find(|lock| lock.id == *id);
                let of =
                    |lock: &crate::dump::Lock| dump.classes.iter().find(|c| c.id == lock.class);
                let class = lock.and_then(of).map_or_else(|| "lock".to_owned(), class_name);
                format!("{class} #{id}")
            }
        },
        |_, mode| (*mode).to_owned(),
    );
    let plain = |_: &_, _: _| String::new();
    let shape = |_: &_, (at, _): (NodeIndex, &String)| match graph[at] {
        Node::Owner(_) => "shape=box".to_owned(),
        Node::Lock(_) => "shape=ellipse".to_owned(),
    };
    let dot = Dot::with_attr_getters(&named, &[Config::GraphContentOnly], &plain, &shape);
    // The debug form quotes and escapes, also what a hostile name holds.
    Some(format!("digraph waits {{\n{dot:?}}}\n"))
}

fn class_name(class: &Class) -> String {
    match (&class.name, &class.created_at) {
        (Some(name), _) => name.clone(),
        (None, Some(at)) => format!("{}({at})", class.kind),
        (None, None) => class.kind.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dump::{HeldAt, Site, Wait};
    use crate::words::{Mode, Severity, Want};

    fn wait(owner: Id, lock: Option<Id>, thread: Option<Id>, held: Option<Id>) -> Wait {
        let at = Site { file: "src/main.rs".into(), line: 1, column: 1 };
        let awaits = if thread.is_some() { "thread" } else { "lock" }.to_owned();
        let held = held.map(|lock| HeldAt { lock, mode: Mode::Exclusive, at: None });
        Wait {
            owner,
            awaits,
            lock,
            mode: lock.map(|_| Want::Exclusive),
            thread,
            region: None,
            at: Some(at),
            us: Some(5),
            stack: None,
            held: held.into_iter().collect(),
        }
    }

    fn finding(waits: Vec<Wait>) -> Finding {
        Finding {
            code: "LG002".into(),
            kind: "deadlock".into(),
            severity: Severity::Error,
            confidence: None,
            filtered_by: vec![],
            fingerprint: "0".into(),
            message: String::new(),
            locks: vec![],
            cycle: vec![],
            owners: vec![],
            sites: vec![],
            misuse: None,
            writer_seen: None,
            waits,
            allowed_by: None,
            per_process: vec![],
        }
    }

    #[test]
    fn a_deadlock_is_one_component() {
        let locks =
            finding(vec![wait(1, Some(10), None, Some(20)), wait(2, Some(20), None, Some(10))]);
        let join = finding(vec![wait(1, None, Some(2), Some(20)), wait(2, Some(20), None, None)]);
        for (finding, nodes) in [(locks, 4), (join, 3)] {
            let components = petgraph::algo::kosaraju_scc(&graph(&finding));
            assert_eq!(components.len(), 1, "{components:?}");
            assert_eq!(components[0].len(), nodes);
        }
    }

    #[test]
    fn it_can_be_drawn_and_names_do_not_break_out() {
        let header = r#"{"t":"header","seq":0,"schema":"lockgraph/1","tool":{"name":"lockgraph","version":"0"},"run_id":"00000000000000000000000000000000","pid":1,"exe":"x","started_unix_ms":0,"test":null}"#;
        let mut dump = Dump::from_journal(header.as_bytes(), "a test").expect("a header is enough");
        assert_eq!(dot(&dump, &finding(vec![])), None);
        dump.owners.push(crate::dump::Owner {
            id: 1,
            process: 0,
            kind: crate::words::OwnerKind::Thread,
            name: Some("a \"b\"".into()),
        });
        let text = dot(&dump, &finding(vec![wait(1, Some(10), None, None)])).expect("it waits");
        assert!(text.starts_with("digraph waits {"), "{text}");
        for part in ["lock #10", "exclusive", "shape=box", "shape=ellipse"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains(r#" "b""#), "a quote of a name ends no label: {text}");
    }
}
