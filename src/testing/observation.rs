//! What one observation has seen.

use super::Subject;
use crate::{Finding, door};
use lockgraph_model::Dump;
use lockgraph_model::dump::{Class, ClassEdge, Edge, Id, Owner, Witness};

/// What [`observe`](super::observe) has seen.
#[derive(Clone, Debug)]
pub struct Observation {
    findings: Vec<Finding>,
    /// `None` where nobody recorded.
    dump: Option<Dump>,
}

impl Observation {
    pub(super) fn of(observed: door::Observed) -> Observation {
        let journal = observed.journal.as_bytes();
        let dump = (!journal.is_empty()).then(|| {
            Dump::from_journal(journal, "the observation")
                .unwrap_or_else(|error| unreachable!("the recorder wrote a bad journal: {error}"))
        });
        Observation { findings: observed.findings, dump }
    }

    /// Whether anything could be seen: false where the recorder is compiled out or off.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.dump.is_some()
    }

    /// What was found, in order, of whatever level, once per fingerprint.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The order edges between lock objects, with their evidence; [`dump`](Self::dump) says which
    /// locks they are.
    #[must_use]
    pub fn edges(&self) -> &[Edge] {
        self.dump.as_ref().map_or(&[], |dump| &dump.edges)
    }

    /// The classes that were nested, by name or creation site, in an order that all nestings agree
    /// with (one class within itself apart); `None` where there is no such order.
    #[must_use]
    pub fn order(&self) -> Option<Vec<String>> {
        let Some(dump) = &self.dump else { return Some(Vec::new()) };
        let order = dump.order.as_ref()?;
        Some(order.iter().map(|&class| self.class(class)).collect())
    }

    /// The lock graph of the observation, with the locks that were dropped in it; `None` where
    /// nobody recorded. Its counters are those of the process.
    #[must_use]
    pub fn dump(&self) -> Option<&Dump> {
        self.dump.as_ref()
    }

    /// The locks that a subject stands for.
    pub(super) fn locks(&self, subject: &dyn Subject) -> Vec<Id> {
        self.dump.as_ref().map_or_else(Vec::new, |dump| subject.locks(dump))
    }

    /// The order of the classes, as edges between them.
    pub(super) fn class_edges(&self) -> Vec<Edge> {
        let edges = self.dump.iter().flat_map(|dump| &dump.class_edges);
        let edge = |edge: &ClassEdge| Edge {
            from: edge.from,
            to: edge.to,
            witnesses: edge.witness.iter().cloned().collect(),
        };
        edges.into_iter().map(edge).collect()
    }

    fn class(&self, id: Id) -> String {
        let classes = self.dump.iter().flat_map(|dump| &dump.classes);
        classes
            .into_iter()
            .find(|class| class.id == id)
            .map_or_else(|| format!("class {id}"), label)
    }

    /// How a text names a lock.
    pub(super) fn lock(&self, id: Id) -> String {
        let locks = self.dump.iter().flat_map(|dump| &dump.locks);
        match locks.into_iter().find(|lock| lock.id == id) {
            Some(lock) => self.class(lock.class),
            None => format!("lock {id}"),
        }
    }

    /// Who made an edge between locks, and where, as lines of a message.
    pub(super) fn evidence(&self, edge: &Edge) -> String {
        self.side(&self.lock(edge.from), &self.lock(edge.to), edge)
    }

    /// Who made an edge between classes, and where, as lines of a message.
    pub(super) fn class_evidence(&self, edge: &Edge) -> String {
        self.side(&self.class(edge.from), &self.class(edge.to), edge)
    }

    fn side(&self, from: &str, to: &str, edge: &Edge) -> String {
        let Some(witness) = edge.witnesses.first() else {
            return format!("   {from} before {to}\n");
        };
        let (mode, want) = (witness.from_mode.name(), witness.to_mode.name());
        let held_at =
            witness.held_at.as_ref().map_or_else(String::new, |at| format!("  since {at}"));
        format!(
            "   {} took {from}, then wanted {to}\n      held    {from}  {mode}{held_at}\n      wanted  {to}  {want}  at {}\n",
            self.owner(witness),
            witness.acquired_at
        )
    }

    fn owner(&self, witness: &Witness) -> String {
        let owners = self.dump.iter().flat_map(|dump| &dump.owners);
        let name = |owner: &Owner| match &owner.name {
            Some(name) => format!("thread `{name}`"),
            None => format!("thread {}", owner.id),
        };
        let owner = owners.into_iter().find(|owner| owner.id == witness.owner);
        owner.map_or_else(|| "a thread".to_string(), name)
    }
}

fn label(class: &Class) -> String {
    match (&class.name, &class.created_at) {
        (Some(name), _) => format!("`{name}`"),
        (None, Some(site)) => format!("the {} of {site}", class.kind),
        (None, None) => format!("a {} of unknown origin", class.kind),
    }
}
