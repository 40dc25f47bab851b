//! Many processes in one dump.
//!
//! A merge is the union of the processes, keyed by `run_id`, in the order of `run_id`; ids are
//! numbered anew by (`run_id`, id). So it is associative, commutative and idempotent: files may be
//! given in any order, twice, or merged before. Nothing is summed up over processes.
//!
//! A class is the same in two processes if it has the same name and kind, or the same creation
//! site, kind and type; without either it belongs to one process alone. Of a name that two
//! processes give to locks of different places the least place is kept. Findings with one
//! fingerprint are one; its evidence is that of the first process.
//!
//! Of two parts with one `run_id` the one that knows more is kept: a copy that was taken while
//! the process ran gives way to the whole.
//!
//! Assumes that a `run_id` is unique and that a dump joins nothing of two processes; what an edge
//! joins across processes is left out.

mod part;

use crate::cycles::Limits;
use crate::dump::{Class, ClassUse, Dump, Finding, FindingUse, Id, Tool};
use crate::error::Error;
use part::{Key, Part};
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;

/// Puts the dumps and journals of processes together, one after the other.
///
/// Memory is that of the facts, about 330 bytes an edge. Cost: linear in the facts, with the
/// logarithm of the number of processes; then, once, what [`Dump::derive`] costs.
///
/// ```
/// use lockgraph_model::{Dump, Merge};
///
/// let journal = |run: &str| format!(r#"{{"t":"header","seq":0,"schema":"lockgraph/1","tool":{{"name":"lockgraph","version":"0.1.0"}},"run_id":"{run}","pid":7,"exe":"demo","started_unix_ms":0,"test":null}}"#);
/// let mut merge = Merge::new();
/// merge.read_from(journal("00000000000000000000000000000002").as_bytes(), "two.jsonl")?;
/// merge.read_from(journal("00000000000000000000000000000001").as_bytes(), "one.jsonl")?;
/// merge.read_from(journal("00000000000000000000000000000002").as_bytes(), "two again.jsonl")?;
/// let dump = merge.finish();
/// assert_eq!(dump.processes.len(), 2);
/// assert!(dump.processes[0].run_id.ends_with('1'));
/// # Ok::<(), lockgraph_model::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Merge {
    runs: BTreeMap<String, Part>,
    tool: Option<Tool>,
}

/// All of them in one dump. See [`Merge`].
pub fn merge(dumps: impl IntoIterator<Item = Dump>) -> Dump {
    let mut merge = Merge::new();
    dumps.into_iter().for_each(|dump| merge.add(dump));
    merge.finish()
}

impl Merge {
    /// Nothing yet.
    pub fn new() -> Self {
        Merge::default()
    }

    /// How many processes are in it.
    pub fn processes(&self) -> usize {
        self.runs.len()
    }

    /// Adds the processes of a dump. What follows from other parts of it (class edges,
    /// components, order, findings that a merge made) is not looked at: it follows anew.
    pub fn add(&mut self, mut dump: Dump) {
        let tool = std::mem::replace(&mut dump.tool, Tool::own());
        self.tool = self.tool.take().max(Some(tool));
        for part in part::split(dump) {
            match self.runs.entry(part.process.run_id.clone()) {
                std::collections::btree_map::Entry::Vacant(new) => drop(new.insert(part)),
                std::collections::btree_map::Entry::Occupied(mut known) => {
                    if part.knows_more_than(known.get()) {
                        known.insert(part);
                    }
                }
            }
        }
    }

    /// Reads a dump or a journal and adds it.
    ///
    /// # Errors
    /// As [`Dump::read`]. Nothing was added then.
    pub fn read(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        Dump::read_facts(path.as_ref()).map(|dump| self.add(dump))
    }

    /// As [`Merge::read`], from anything that can be read; `name` is for errors.
    ///
    /// # Errors
    /// As [`Dump::read`]. Nothing was added then.
    pub fn read_from(&mut self, reader: impl BufRead, name: &str) -> Result<(), Error> {
        Dump::read_facts_from(reader, name).map(|dump| self.add(dump))
    }

    /// The dump of all that was added, with what follows from it.
    pub fn finish(self) -> Dump {
        self.finish_within(&Limits::default())
    }

    /// As [`Merge::finish`], with limits of one's own for the search of cycles.
    pub fn finish_within(self, limits: &Limits) -> Dump {
        let mut union = Union::new(self.tool.unwrap_or_else(Tool::own), self.runs.values());
        self.runs.into_values().for_each(|part| union.add(part));
        let mut dump = union.dump;
        dump.derive(limits);
        dump
    }
}

/// A dump that grows by one process after the other, in the order of `run_id`.
struct Union {
    dump: Dump,
    classes: HashMap<Key, Id>,
    /// Where each fingerprint is, and whether its evidence is known yet.
    findings: HashMap<String, (usize, bool)>,
}

impl Union {
    fn new<'a>(tool: Tool, parts: impl Iterator<Item = &'a Part>) -> Union {
        let mut dump = Dump::empty(tool);
        let sizes = parts.fold([0; 4], |[a, b, c, d], part| {
            [
                a + part.locks.len(),
                b + part.owners.len(),
                c + part.segments.len(),
                d + part.edges.len(),
            ]
        });
        dump.locks.reserve_exact(sizes[0]);
        dump.owners.reserve_exact(sizes[1]);
        dump.segments.reserve_exact(sizes[2]);
        dump.edges.reserve_exact(sizes[3]);
        Union { dump, classes: HashMap::new(), findings: HashMap::new() }
    }

    /// The ids of a part are 1, 2, ..: those of the union follow by addition.
    fn add(&mut self, mut part: Part) {
        let process = self.dump.processes.len() as u32;
        let [locks, owners, segments] =
            [self.dump.locks.len(), self.dump.owners.len(), self.dump.segments.len()]
                .map(|len| len as Id);
        part.shift(process, locks, owners, segments);
        let classes: Vec<Id> = (1..)
            .zip(std::mem::take(&mut part.classes))
            .map(|(local, class)| self.class(class, process, local))
            .collect();
        for lock in &mut part.locks {
            lock.class = classes[lock.class as usize - 1];
        }
        for (finding, is_own) in part.findings {
            self.finding(finding, is_own, process);
        }
        self.dump.processes.push(part.process);
        self.dump.locks.append(&mut part.locks);
        self.dump.owners.append(&mut part.owners);
        self.dump.segments.append(&mut part.segments);
        self.dump.edges.append(&mut part.edges);
    }

    fn class(&mut self, mut class: Class, process: u32, local: Id) -> Id {
        let used = class.per_process.pop().unwrap_or_else(|| crate::assemble::unused(process));
        let used = ClassUse { process, ..used };
        let next = self.dump.classes.len() as Id + 1;
        let id = *self.classes.entry(Key::of(&class, (process, local))).or_insert(next);
        if id == next {
            class.id = id;
            self.dump.classes.push(class);
        } else {
            part::describe_alike(&mut self.dump.classes[id as usize - 1], class);
        }
        self.dump.classes[id as usize - 1].per_process.push(used);
        id
    }

    fn finding(&mut self, mut finding: Finding, is_own: bool, process: u32) {
        let repeats = finding.per_process.first().map_or(0, |used| used.repeats);
        let used = FindingUse { process, repeats };
        let next = self.dump.findings.len();
        match self.findings.get_mut(&finding.fingerprint) {
            None => {
                self.findings.insert(finding.fingerprint.clone(), (next, is_own));
                finding.per_process = vec![used];
                self.dump.findings.push(finding);
            }
            Some((at, has_evidence)) => {
                let known = &mut self.dump.findings[*at];
                if is_own && !std::mem::replace(has_evidence, *has_evidence || is_own) {
                    finding.per_process = std::mem::take(&mut known.per_process);
                    *known = finding;
                }
                known.per_process.push(used);
            }
        }
    }
}
