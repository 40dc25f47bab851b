//! From the lines of a journal, in any order, to the dump of its process.

use crate::dump::{
    Class, ClassEdge, ClassUse, Dump, Edge, Finding, FindingUse, Id, Lock, Owner, Process, Segment,
    Witness,
};
use crate::error::Problem;
use crate::journal::{Body, ClassUseLine, Journal, LockLine};
use crate::words::OwnerKind;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The position of the one process in the `processes` of its dump.
const PROCESS: u32 = 0;

/// The dump without what follows from its parts: class edges, components, order.
pub(crate) fn dump(journal: Journal) -> Dump {
    let Journal { header, end, mut parts } = journal;
    parts.fill_holes();
    let findings = parts.findings();
    let mut class_uses = class_uses(parts.locks.values());
    let mut class_edges = std::mem::take(&mut parts.class_edges);
    let seq = |edge: &ClassEdge| edge.witness.as_ref().map(|witness| witness.seq);
    class_edges.sort_by_key(|edge| (edge.from, edge.to, seq(edge)));
    let mut dump = Dump {
        processes: vec![Process {
            run_id: header.run_id,
            pid: header.pid,
            exe: header.exe,
            exe_file: header.exe_file,
            started_unix_ms: header.started_unix_ms,
            test: header.test,
            complete: end.is_some(),
            counters: end.unwrap_or_default(),
        }],
        classes: parts.classes.into_values().map(|(_, class)| class).collect(),
        locks: parts.locks.into_values().collect(),
        owners: parts.owners.into_values().map(|(_, owner)| owner).collect(),
        segments: parts.segments.into_values().map(|(_, segment)| segment).collect(),
        edges: parts
            .edges
            .into_iter()
            .map(|((from, to), mut witnesses)| {
                witnesses.sort_unstable_by_key(|witness| witness.seq);
                witnesses.shrink_to_fit();
                Edge { from, to, witnesses }
            })
            .collect(),
        class_edges,
        findings,
        ..Dump::empty(header.tool)
    };
    for class in &mut dump.classes {
        let unused = unused(PROCESS);
        let mut used = class_uses.remove(&class.id).unwrap_or(unused);
        // The process counts locks that were never nested, too. Where it was killed, its last
        // count may be an old one.
        if let Some(counted) = parts.class_uses.get(&class.id) {
            used.made = used.made.max(counted.made);
            used.max_live = used.max_live.max(counted.max_live);
            used.contended_waits = counted.contended_waits;
            used.longest_wait_us = counted.longest_wait_us;
        }
        class.per_process = vec![used];
    }
    dump
}

/// What the lines have said so far. Where an id must be unique, the number of its line is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    classes: BTreeMap<Id, (u64, Class)>,
    lock_lines: BTreeMap<Id, (u64, u64, LockLine)>,
    locks: BTreeMap<Id, Lock>,
    owners: BTreeMap<Id, (u64, Owner)>,
    segments: BTreeMap<Id, (u64, Segment)>,
    edges: BTreeMap<(Id, Id), Vec<Witness>>,
    class_edges: Vec<ClassEdge>,
    class_uses: BTreeMap<Id, ClassUseLine>,
    writers: BTreeMap<Id, BTreeSet<Id>>,
    drops: BTreeMap<Id, u64>,
    findings: Vec<(u64, Finding)>,
    repeats: HashMap<String, u64>,
    /// When a lock was first named by something else than its own line.
    named_locks: HashMap<Id, u64>,
    named_owners: HashSet<Id>,
    /// Named segments, with their owner where the naming line tells.
    named_segments: HashMap<Id, Id>,
}

impl Parts {
    /// Takes one line, the `number`th of the file. Where two say the same, the lower `seq` counts.
    pub(crate) fn line(&mut self, seq: u64, number: u64, body: Body) -> Result<(), Problem> {
        let twice = |what, id, first| Problem::Duplicate { what, id, first: Some(first) };
        match body {
            Body::Class(class) => {
                let id = class.id;
                let class = Class {
                    id,
                    name: class.name,
                    kind: class.kind,
                    type_name: class.type_name,
                    crate_name: class.created_at.as_ref().and_then(|at| crate_of(&at.file)),
                    created_at: class.created_at,
                    first_locked_at: class.first_locked_at,
                    level: class.level,
                    keyed: class.keyed,
                    per_instance: class.per_instance,
                    per_process: Vec::new(),
                };
                unique(&mut self.classes, id, (number, class))
                    .map_err(|(f, _)| twice("class", id, f))?;
            }
            Body::ClassUse(used) => {
                let known = self.class_uses.entry(used.class).or_insert(used);
                known.made = known.made.max(used.made);
                known.max_live = known.max_live.max(used.max_live);
                known.contended_waits = known.contended_waits.max(used.contended_waits);
                known.longest_wait_us = known.longest_wait_us.max(used.longest_wait_us);
            }
            Body::ClassEdge(edge) => {
                for hold in edge.witness.iter().flat_map(|witness| &witness.held) {
                    self.name_lock(hold.lock, seq);
                }
                if let Some(witness) = &edge.witness {
                    self.named_owners.insert(witness.owner);
                    self.name_segment(witness.segment, witness.owner);
                }
                self.class_edges.push(*edge);
            }
            Body::Lock(lock) => {
                let id = lock.id;
                unique(&mut self.lock_lines, id, (number, seq, lock))
                    .map_err(|(f, ..)| twice("lock", id, f))?;
            }
            Body::Owner(owner) => {
                let id = owner.id;
                let owner = Owner { id, process: PROCESS, kind: owner.kind, name: owner.name };
                unique(&mut self.owners, id, (number, owner))
                    .map_err(|(f, _)| twice("owner", id, f))?;
            }
            Body::Segment(segment) => {
                let id = segment.id;
                self.named_owners.insert(segment.owner);
                for &other in segment.after.iter().chain(&segment.joined_before) {
                    self.name_segment(other, 0);
                }
                unique(&mut self.segments, id, (number, segment))
                    .map_err(|(f, _)| twice("segment", id, f))?;
            }
            Body::Edge { from, to } => {
                self.name_lock(from, seq);
                self.name_lock(to, seq);
                self.edges.entry((from, to)).or_default();
            }
            Body::Witness { from, to, witness } => {
                for lock in [from, to].into_iter().chain(witness.held.iter().map(|hold| hold.lock))
                {
                    self.name_lock(lock, seq);
                }
                self.named_owners.insert(witness.owner);
                self.name_segment(witness.segment, witness.owner);
                let witnesses = self.edges.entry((from, to)).or_default();
                witnesses.reserve_exact(usize::from(witnesses.is_empty()));
                witnesses.push(*witness);
            }
            Body::Writer { lock, owner } => {
                self.name_lock(lock, seq);
                self.named_owners.insert(owner);
                self.writers.entry(lock).or_default().insert(owner);
            }
            Body::Drop { lock } => {
                self.name_lock(lock, seq);
                let first = self.drops.entry(lock).or_insert(seq);
                *first = seq.min(*first);
            }
            Body::Finding(finding) => self.finding(*finding, seq),
            Body::Repeat { fingerprint, repeats } => {
                let known = self.repeats.entry(fingerprint).or_default();
                *known = repeats.max(*known);
            }
        }
        Ok(())
    }

    fn finding(&mut self, finding: Finding, seq: u64) {
        for lock in finding.named_locks().filter(|&id| id != 0) {
            self.name_lock(lock, seq);
        }
        self.named_owners.extend(finding.named_owners());
        self.findings.push((seq, finding));
    }

    /// The findings in the order of `seq`, each fingerprint once.
    fn findings(&mut self) -> Vec<Finding> {
        let mut findings = std::mem::take(&mut self.findings);
        findings.sort_unstable_by_key(|&(seq, _)| seq);
        let mut again: HashMap<String, u64> = HashMap::new();
        let mut kept = Vec::new();
        for (_, finding) in findings {
            match again.get_mut(&finding.fingerprint) {
                Some(again) => *again += 1,
                None => {
                    again.insert(finding.fingerprint.clone(), 0);
                    kept.push(finding);
                }
            }
        }
        for finding in &mut kept {
            let told = self.repeats.get(&finding.fingerprint).copied().unwrap_or(0);
            let met = again.get(&finding.fingerprint).copied().unwrap_or(0);
            finding.per_process = vec![FindingUse { process: PROCESS, repeats: told.max(met) }];
        }
        kept
    }

    fn name_lock(&mut self, lock: Id, seq: u64) {
        let first = self.named_locks.entry(lock).or_insert(seq);
        *first = seq.min(*first);
    }

    fn name_segment(&mut self, segment: Id, owner: Id) {
        let known = self.named_segments.entry(segment).or_insert(owner);
        // Two owners of one segment are an error of the writer; any rule that does not depend on
        // the order of the lines will do.
        if *known == 0 || (owner != 0 && owner < *known) {
            *known = owner;
        }
    }

    /// Placeholders. They lean towards reporting: a lock that nothing describes counts as one
    /// whose readers wait behind writers, and gets a class of its own.
    fn fill_holes(&mut self) {
        let joined = self.class_edges.iter().flat_map(|edge| [edge.from, edge.to]);
        for class in joined.chain(self.class_uses.keys().copied()) {
            self.classes.entry(class).or_insert_with(|| (0, unknown_class(class)));
        }
        for (_, _, line) in self.lock_lines.values() {
            self.classes.entry(line.class).or_insert_with(|| (0, unknown_class(line.class)));
        }
        let mut class_id = 0;
        let mut named: Vec<(Id, u64)> = self.named_locks.drain().collect();
        named.sort_unstable();
        for (id, seq) in named {
            if self.lock_lines.contains_key(&id) {
                continue;
            }
            class_id += 1;
            while self.classes.contains_key(&class_id) {
                class_id += 1;
            }
            self.classes.insert(class_id, (0, unknown_class(class_id)));
            let line = LockLine {
                id,
                class: class_id,
                read_blocks_behind_writer: true,
                guard_send: true,
                reentrant: false,
            };
            self.lock_lines.insert(id, (0, seq, line));
        }
        for (&id, (_, seq, line)) in &self.lock_lines {
            let writers = self.writers.remove(&id).unwrap_or_default();
            let lock = Lock {
                id,
                process: PROCESS,
                class: line.class,
                created_seq: *seq,
                dropped_seq: self.drops.get(&id).copied(),
                writer_queued: !writers.is_empty(),
                read_blocks_behind_writer: line.read_blocks_behind_writer,
                reentrant: line.reentrant,
                guard_send: line.guard_send,
                writers: writers.into_iter().collect(),
            };
            self.locks.insert(id, lock);
        }
        for (&id, &owner) in self.named_segments.iter().filter(|&(&id, _)| id != 0) {
            self.segments.entry(id).or_insert_with(|| {
                (0, Segment { id, owner, after: Vec::new(), joined_before: Vec::new() })
            });
        }
        for &id in self.named_owners.iter().filter(|&&id| id != 0) {
            self.owners.entry(id).or_insert_with(|| {
                (0, Owner { id, process: PROCESS, kind: OwnerKind::Thread, name: None })
            });
        }
    }
}

/// Inserts, or gives back what was there.
fn unique<V: Clone>(map: &mut BTreeMap<Id, V>, id: Id, value: V) -> Result<(), V> {
    match map.entry(id) {
        Entry::Vacant(new) => {
            new.insert(value);
            Ok(())
        }
        Entry::Occupied(known) => Err(known.get().clone()),
    }
}

/// What a process did with a class that it made no lock of.
pub(crate) fn unused(process: u32) -> ClassUse {
    ClassUse { process, made: 0, max_live: 0, contended_waits: None, longest_wait_us: None }
}

fn unknown_class(id: Id) -> Class {
    Class {
        id,
        name: None,
        kind: "unknown".to_owned(),
        type_name: None,
        crate_name: None,
        created_at: None,
        first_locked_at: None,
        level: 0,
        keyed: false,
        per_instance: true,
        per_process: Vec::new(),
    }
}

/// The crate of a path `name-1.2.3/src/..`; `None` for a path of the workspace.
pub(crate) fn crate_of(path: &str) -> Option<String> {
    let (folder, _) = path.split_once('/')?;
    let is_version = |rest: &str| {
        let parts: Vec<&[u8]> = rest.splitn(3, '.').map(str::as_bytes).collect();
        let number = |n: &[u8]| !n.is_empty() && n.iter().all(u8::is_ascii_digit);
        matches!(parts[..], [major, minor, patch] if number(major) && number(minor)
            && patch.first().is_some_and(u8::is_ascii_digit))
    };
    // A name may contain `-` and digits, a version may contain `-` too: the first split fits.
    folder
        .match_indices('-')
        .find(|&(at, _)| is_version(&folder[at + 1..]))
        .map(|(at, _)| folder[..at].to_owned())
        .filter(|name| !name.is_empty())
}

/// How many locks of each class were made, and how many lived at once.
fn class_uses<'a>(locks: impl Iterator<Item = &'a Lock>) -> BTreeMap<Id, ClassUse> {
    // Creations sort before drops of the same moment.
    let mut events: BTreeMap<Id, Vec<(u64, bool)>> = BTreeMap::new();
    for lock in locks {
        let of_class = events.entry(lock.class).or_default();
        of_class.push((lock.created_seq, false));
        // A drop cannot precede the creation; lines that say so were not written in order.
        of_class.extend(lock.dropped_seq.map(|seq| (seq.max(lock.created_seq), true)));
    }
    events
        .into_iter()
        .map(|(class, mut events)| {
            events.sort_unstable();
            let (mut made, mut live, mut max_live) = (0u64, 0u64, 0u64);
            for (_, dropped) in events {
                if dropped {
                    live -= 1;
                } else {
                    made += 1;
                    live += 1;
                    max_live = max_live.max(live);
                }
            }
            (class, ClassUse { made, max_live, ..unused(PROCESS) })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_a_registry_names_its_crate_and_one_of_the_workspace_none() {
        assert_eq!(crate_of("serde-1.0.2/src/lib.rs").as_deref(), Some("serde"));
        assert_eq!(crate_of("md-5-0.10.6/src/lib.rs").as_deref(), Some("md-5"));
        assert_eq!(crate_of("foo-bar-2.0.0-rc.1/src/a.rs").as_deref(), Some("foo-bar"));
        assert_eq!(crate_of("cargo-lockgraph/src/main.rs"), None);
        assert_eq!(crate_of("src/main.rs"), None);
        assert_eq!(crate_of("main.rs"), None);
        assert_eq!(crate_of("-1.0.0/src/main.rs"), None);
    }

    fn lock(class: Id, created_seq: u64, dropped_seq: Option<u64>) -> Lock {
        Lock {
            id: created_seq,
            process: 0,
            class,
            created_seq,
            dropped_seq,
            writer_queued: false,
            read_blocks_behind_writer: false,
            reentrant: false,
            guard_send: false,
            writers: Vec::new(),
        }
    }

    #[test]
    fn max_live_counts_the_locks_that_live_at_once() {
        let locks =
            [lock(1, 1, Some(4)), lock(1, 2, Some(3)), lock(1, 5, None), lock(2, 6, Some(2))];
        let uses = class_uses(locks.iter());
        assert_eq!((uses[&1].made, uses[&1].max_live), (3, 2));
        assert_eq!((uses[&2].made, uses[&2].max_live), (1, 1));
    }
}
