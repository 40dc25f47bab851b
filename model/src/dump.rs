//! The document: everything known of the locks of one or many processes.
//!
//! Field by field as `docs/journal.md` says. A reader tolerates fields that it does not know,
//! and lists that are not there; a writer writes every field. Lists are sorted (by id, edges by
//! their ends, witnesses and findings by `seq`), so that equal facts give equal bytes.

use crate::callers::{Caller, ExeFile};
use crate::compact;
use crate::order::Rule;
use crate::words::{Confidence, Mode, OwnerKind, Severity, Want};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The number of a lock, class, owner or segment, unique among its kind in one document.
pub type Id = u64;

/// Everything known of the locks of one or many processes.
///
/// ```
/// use lockgraph_model::Dump;
///
/// let text = r#"{"schema": "lockgraph/1", "tool": {"name": "lockgraph", "version": "0.1.0"}}"#;
/// let dump = Dump::from_json(text.as_bytes(), "empty.json")?;
/// assert!(dump.locks.is_empty() && dump.order.is_none());
/// # Ok::<(), lockgraph_model::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Dump {
    /// [`SCHEMA`](crate::SCHEMA), or a later minor version of it.
    pub schema: String,
    /// What recorded it.
    pub tool: Tool,
    /// The processes; other parts name them by their position here.
    #[serde(default)]
    pub processes: Vec<Process>,
    /// The classes of the locks.
    #[serde(default)]
    pub classes: Vec<Class>,
    /// The lock objects.
    #[serde(default)]
    pub locks: Vec<Lock>,
    /// Threads and tasks.
    #[serde(default)]
    pub owners: Vec<Owner>,
    /// The stretches of owners between start and join events.
    #[serde(default)]
    pub segments: Vec<Segment>,
    /// The order graph.
    #[serde(default)]
    pub edges: Vec<Edge>,
    /// The order graph of the classes.
    #[serde(default)]
    pub class_edges: Vec<ClassEdge>,
    /// The strongly connected components of the order graph, of two locks or more.
    #[serde(default)]
    pub components: Vec<Component>,
    /// What was reported; in a dump of several processes also what only all of them together show.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// True where the search for inversions across processes stopped at a limit: there may be more.
    #[serde(default)]
    pub truncated: bool,
    /// The classes that class edges join, in an order that all of these agree with; null without one.
    #[serde(default)]
    pub order: Option<Vec<Id>>,
}

/// What recorded a journal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tool {
    /// `lockgraph`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A process that recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Process {
    /// 128 random bits, as 32 hex digits.
    pub run_id: String,
    /// The process id.
    pub pid: u64,
    /// The file name of the program.
    pub exe: String,
    /// The file of the program, where the recorder has kept addresses in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exe_file: Option<ExeFile>,
    /// When it started, in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// The name of the test that it ran, where it ran just one.
    pub test: Option<String>,
    /// True where the process wrote its end; false where it was killed.
    pub complete: bool,
    /// What the recorder counted: `untracked`, `dropped_edges`, `searches_truncated`, ..
    #[serde(default)]
    pub counters: BTreeMap<String, u64>,
}

/// Locks made at one creation site with one type, or given one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Class {
    /// Its number.
    pub id: Id,
    /// The name that the program gave.
    pub name: Option<String>,
    /// `Mutex`, `RwLock`, ..; `unknown` where the line of the class was lost.
    pub kind: String,
    /// The protected type.
    #[serde(rename = "type")]
    pub type_name: Option<String>,
    /// The crate that created it; null for the workspace itself.
    #[serde(rename = "crate")]
    pub crate_name: Option<String>,
    /// Where its locks are created; null where that is not known.
    pub created_at: Option<Site>,
    /// Where its one lock was locked first, of a lock that has no room for its creation site; there
    /// only then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_locked_at: Option<Site>,
    /// Its declared level among the classes of one name or site; 0 where none is declared.
    #[serde(default)]
    pub level: u8,
    /// Its locks nest in the order of a key.
    #[serde(default)]
    pub keyed: bool,
    /// It has one lock only, and name or site do not tell it from others: made at an unknown
    /// place, or by a `derive(Default)`, whose fields share one place.
    #[serde(default)]
    pub per_instance: bool,
    /// What each process did with it.
    #[serde(default)]
    pub per_process: Vec<ClassUse>,
}

/// What one process did with the locks of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClassUse {
    /// Position in `processes`.
    pub process: u32,
    /// How many were made.
    pub made: u64,
    /// How many of them were alive at once.
    pub max_live: u64,
    /// How many requests had to wait; null where that was not measured.
    pub contended_waits: Option<u64>,
    /// The longest wait, in microseconds; null where that was not measured.
    pub longest_wait_us: Option<u64>,
}

/// A lock object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Lock {
    /// Its number; never used again after the lock is dropped.
    pub id: Id,
    /// Position in `processes`.
    pub process: u32,
    /// Its class.
    pub class: Id,
    /// When it was first used; for a lock whose own line was lost, when it is first named.
    pub created_seq: u64,
    /// When it was dropped; null while it lives.
    pub dropped_seq: Option<u64>,
    /// True where a blocking write or upgrade of it was ever requested.
    pub writer_queued: bool,
    /// A new reader waits while a writer queues.
    pub read_blocks_behind_writer: bool,
    /// The owner may take it again while holding it.
    pub reentrant: bool,
    /// A guard may be released on another thread than it was taken on.
    pub guard_send: bool,
    /// The owners of those write and upgrade requests.
    #[serde(default)]
    pub writers: Vec<Id>,
}

/// A thread or task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Owner {
    /// Its number, from 1; where an owner is named, 0 stands for any of several.
    pub id: Id,
    /// Position in `processes`.
    pub process: u32,
    /// Thread or task.
    pub kind: OwnerKind,
    /// Its name.
    pub name: Option<String>,
}

/// A stretch of an owner between start and join events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Segment {
    /// Its number, from 1; where a segment is named, 0 stands for an unknown one.
    pub id: Id,
    /// Whose it is; 0 where that is not known.
    pub owner: Id,
    /// The segments that it follows: the owner's previous one, or that of the parent which
    /// started the owner.
    #[serde(default)]
    pub after: Vec<Id>,
    /// The last segments of the owners that were joined at its start.
    #[serde(default)]
    pub joined_before: Vec<Id>,
}

/// `to` was requested, blocking, while `from` was held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Edge {
    /// The lock that was held.
    pub from: Id,
    /// The lock that was requested.
    pub to: Id,
    /// The evidence.
    #[serde(default, deserialize_with = "compact::list")]
    pub witnesses: Vec<Witness>,
}

/// The evidence for an edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Witness {
    /// When it was recorded.
    pub seq: u64,
    /// The observation that it belongs to.
    pub scope: u64,
    /// Who did it; 0 for any of more than eight owners.
    pub owner: Id,
    /// In which segment; 0 where that is unknown.
    pub segment: Id,
    /// How `from` was held.
    pub from_mode: Mode,
    /// How `to` was requested.
    pub to_mode: Want,
    /// Where `from` was taken; null where that was not kept.
    pub held_at: Option<Site>,
    /// Where `to` was requested.
    pub acquired_at: Site,
    /// Everything that was held, `from` included.
    #[serde(default, deserialize_with = "compact::list")]
    pub held: Vec<Hold>,
    /// The calls that led to the request, as in a [`Side`]; null where they were not kept.
    #[serde(default, deserialize_with = "compact::stack")]
    pub stack: Option<Vec<Arc<str>>>,
    /// True where a cap has merged several witnesses into this one.
    #[serde(default)]
    pub capped: bool,
}

/// One lock that was held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Hold {
    /// The lock.
    pub lock: Id,
    /// How it was held.
    pub mode: Mode,
}

/// A lock of class `to` was requested while one of class `from` was held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClassEdge {
    /// The class of the lock that was held.
    pub from: Id,
    /// The class of the lock that was requested.
    pub to: Id,
    /// The first witness of it; null where none is left.
    pub witness: Option<Witness>,
}

/// A strongly connected component of the order graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Component {
    /// Its locks.
    pub locks: Vec<Id>,
    /// The cycles among them that count, shortest first, each as its locks in acquisition order
    /// with the smallest id first.
    #[serde(default)]
    pub cycles: Vec<Vec<Id>>,
    /// True where there may be more cycles than are listed.
    pub truncated: bool,
}

/// One reported problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finding {
    /// `LG001` ..
    pub code: String,
    /// The word for that code: `order_inversion` ..
    pub kind: String,
    /// How bad.
    pub severity: Severity,
    /// How sure; null where the kind has no grades.
    pub confidence: Option<Confidence>,
    /// The filters that alone rule out every choice of witnesses, as the confidence each leads to.
    #[serde(default)]
    pub filtered_by: Vec<Confidence>,
    /// 16 hex digits, stable within one build.
    pub fingerprint: String,
    /// What it is, in one line.
    pub message: String,
    /// The locks concerned; 0 for one that was never used.
    #[serde(default)]
    pub locks: Vec<Id>,
    /// The sides of the cycle, in acquisition order.
    #[serde(default)]
    pub cycle: Vec<Side>,
    /// Who did it.
    #[serde(default)]
    pub owners: Vec<Id>,
    /// The places in the source.
    #[serde(default)]
    pub sites: Vec<Site>,
    /// LG013: which misuse.
    pub misuse: Option<String>,
    /// LG006: whether a blocking write or upgrade of the lock was ever seen.
    pub writer_seen: Option<bool>,
    /// LG007: the rules that it breaks, from the class that was wanted to the one that was held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// LG002 and LG010: how each owner waited at the moment of the report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<Wait>,
    /// The reason of the policy that allows it.
    #[serde(default)]
    pub allowed_by: Option<String>,
    /// How often each process met it; empty where none did, and only all together show it.
    #[serde(default)]
    pub per_process: Vec<FindingUse>,
}

/// What one owner did on one side of a cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Side {
    /// Who; 0 for any of more than eight owners.
    pub owner: Id,
    /// The lock that it held.
    pub from: Option<Id>,
    /// The lock that it requested.
    pub to: Option<Id>,
    /// How `from` was held.
    pub from_mode: Option<Mode>,
    /// How `to` was requested.
    pub to_mode: Option<Want>,
    /// Where `from` was taken.
    pub held_at: Option<Site>,
    /// Where `to` was requested.
    pub acquired_at: Option<Site>,
    /// The calls that led there, the innermost first, as the recorder knows them: `module+address`, in
    /// hexadecimal.
    #[serde(default, deserialize_with = "compact::stack", skip_serializing_if = "Option::is_none")]
    pub stack: Option<Vec<Arc<str>>>,
    /// Who called the function at `acquired_at`, where that place alone tells too little.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub callers: Vec<Caller>,
}

/// What one owner waited for, and what it held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Wait {
    /// Who.
    pub owner: Id,
    /// For what: `lock`, `permit`, `notification`, `thread`, `message`, `room`, `barrier`, `region`;
    /// `unseen` for a lock that the recorder does not follow.
    #[serde(rename = "for")]
    pub awaits: String,
    /// The lock, the permits, or the mutex that is needed after a notification.
    pub lock: Option<Id>,
    /// How it was wanted.
    pub mode: Option<Want>,
    /// The thread whose end was waited for.
    pub thread: Option<Id>,
    /// The name of the region.
    pub region: Option<String>,
    /// Where; null where it is unseen.
    pub at: Option<Site>,
    /// For how long, in microseconds; null where it is unseen.
    pub us: Option<u64>,
    /// The stack, a frame a line, where stacks are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// What was held meanwhile; first what another owner of the finding waited for.
    #[serde(default)]
    pub held: Vec<HeldAt>,
}

/// One lock that was held, and where it was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HeldAt {
    /// The lock.
    pub lock: Id,
    /// How it was held.
    pub mode: Mode,
    /// Where it was taken; null where that was not kept.
    pub at: Option<Site>,
}

impl Wait {
    /// Gives the locks and the owners other numbers.
    pub(crate) fn renumber(&mut self, lock: impl Fn(Id) -> Id, owner: impl Fn(Id) -> Id) {
        self.owner = owner(self.owner);
        self.thread = self.thread.map(owner);
        self.lock = self.lock.map(&lock);
        self.held.iter_mut().for_each(|held| held.lock = lock(held.lock));
    }
}

/// How often one process met a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FindingUse {
    /// Position in `processes`.
    pub process: u32,
    /// How often it was met again after it was reported.
    pub repeats: u64,
}

/// A place in the source.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Site {
    /// The file: relative to the workspace, or `crate-version/src/..`; what is read shares its text.
    #[serde(deserialize_with = "compact::shared")]
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

impl std::fmt::Display for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl Tool {
    /// This library.
    pub(crate) fn own() -> Tool {
        Tool { name: "lockgraph".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

impl Dump {
    /// Of no process.
    #[must_use]
    pub fn empty(tool: Tool) -> Dump {
        Dump {
            schema: crate::SCHEMA.to_owned(),
            tool,
            processes: Vec::new(),
            classes: Vec::new(),
            locks: Vec::new(),
            owners: Vec::new(),
            segments: Vec::new(),
            edges: Vec::new(),
            class_edges: Vec::new(),
            components: Vec::new(),
            findings: Vec::new(),
            truncated: false,
            order: None,
        }
    }

    /// Computes again what follows from the other parts: `class_edges`, `components`, `order`, and
    /// the findings that no process could make alone. For a document that was put together from
    /// parts. A class edge that follows from no edge stays: its locks are gone.
    ///
    /// Cost: linear in locks, edges and witnesses, plus the search that `limits` bounds.
    pub fn derive(&mut self, limits: &crate::cycles::Limits) {
        let stated = std::mem::take(&mut self.class_edges);
        self.class_edges = crate::order::class_edges(&self.locks, &self.edges);
        crate::order::add_stated(&mut self.class_edges, stated);
        self.order = crate::order::order(&self.class_edges);
        self.components = crate::cycles::components(&self.locks, &self.edges, limits);
        crate::across::findings(self, limits);
    }
}
