//! What one process adds to a merge, in its normal form.

use crate::assemble::unused;
use crate::dump::{
    Class, ClassUse, Dump, Edge, Finding, FindingUse, Id, Lock, Owner, Process, Segment, Site,
    Witness,
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// One process of a dump. Its ids are 1, 2, .. in each list, in the order of the ids that they had.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub(super) process: Process,
    /// Each with one use, that of the process.
    pub(super) classes: Vec<Class>,
    pub(super) locks: Vec<Lock>,
    pub(super) owners: Vec<Owner>,
    pub(super) segments: Vec<Segment>,
    pub(super) edges: Vec<Edge>,
    /// Each with one use, and whether its evidence is of this process: a merge keeps that of one.
    pub(super) findings: Vec<(Finding, bool)>,
}

/// What makes a class of two processes one.
#[derive(PartialEq, Eq, Hash)]
pub(super) enum Key {
    Name(String, String, Nesting),
    Site(Site, String, Option<String>, Nesting),
    /// A class of one process: nothing says where its locks come from.
    Own(u32, Id),
}

/// The declared level, and whether a key is declared.
type Nesting = (u8, bool);

impl Key {
    pub(super) fn of(class: &Class, own: (u32, Id)) -> Key {
        let (kind, nesting) = (class.kind.clone(), (class.level, class.keyed));
        match (&class.name, &class.created_at) {
            (Some(name), _) => Key::Name(name.clone(), kind, nesting),
            (None, Some(at)) if !class.per_instance => {
                Key::Site(at.clone(), kind, class.type_name.clone(), nesting)
            }
            (None, _) => Key::Own(own.0, own.1),
        }
    }
}

/// Of what a name has in two processes the least is kept, so that the order of merging does not
/// matter; something counts as less than nothing.
pub(super) fn describe_alike(known: &mut Class, other: Class) {
    let order = |class: &Class| {
        let (at, kind) = (class.created_at.clone(), class.type_name.clone());
        (at.is_none(), at, kind.is_none(), kind, class.crate_name.clone())
    };
    if order(&other) < order(known) {
        known.created_at = other.created_at;
        known.type_name = other.type_name;
        known.crate_name = other.crate_name;
    }
}

/// The processes of a dump.
pub(super) fn split(dump: Dump) -> Vec<Part> {
    let Dump { processes, classes, locks, owners, segments, edges, findings, .. } = dump;
    let count = processes.len();
    let mut parts: Vec<Part> = processes.into_iter().map(Part::new).collect();
    let home = Home::of(count, &locks, &owners);
    for class in classes {
        let mut uses: BTreeMap<u32, ClassUse> = BTreeMap::new();
        // Where nothing says whose a class is, one process alone can have it.
        let implied = home.of_class.get(&class.id).into_iter().flatten().copied();
        for process in implied.chain((count == 1).then_some(0)) {
            uses.insert(process, unused(0));
        }
        for used in &class.per_process {
            uses.insert(home.at(used.process), ClassUse { process: 0, ..*used });
        }
        for (process, used) in uses {
            if let Some(part) = parts.get_mut(process as usize) {
                part.classes.push(Class { per_process: vec![used], ..class.clone() });
            }
        }
    }
    for lock in locks {
        if let Some(part) = parts.get_mut(home.at(lock.process) as usize) {
            part.locks.push(lock);
        }
    }
    for owner in owners {
        if let Some(part) = parts.get_mut(home.at(owner.process) as usize) {
            part.owners.push(owner);
        }
    }
    for segment in segments {
        // A segment of an unknown owner orders nothing: it is as good as an unknown one.
        if let Some(part) = home.owner(segment.owner).and_then(|at| parts.get_mut(at as usize)) {
            part.segments.push(segment);
        }
    }
    for edge in edges {
        if let Some(part) = home.lock(edge.from).and_then(|at| parts.get_mut(at as usize)) {
            part.edges.push(edge);
        }
    }
    for finding in findings {
        // One that no process met was made by a merge, and is made again.
        let evidence = home.evidence(&finding);
        let mut uses: Vec<FindingUse> = finding.per_process.clone();
        if uses.is_empty() && count == 1 {
            uses.push(FindingUse { process: 0, repeats: 0 });
        }
        for used in uses {
            let process = home.at(used.process);
            if let Some(part) = parts.get_mut(process as usize) {
                let per_process = vec![FindingUse { process: 0, ..used }];
                let is_own = evidence.is_none_or(|of| of == process);
                part.findings.push((Finding { per_process, ..finding.clone() }, is_own));
            }
        }
    }
    parts.iter_mut().for_each(Part::normalise);
    parts
}

/// Which process has what. All is the one process's where there is one.
struct Home {
    count: usize,
    of_lock: HashMap<Id, u32>,
    of_owner: HashMap<Id, u32>,
    of_class: HashMap<Id, HashSet<u32>>,
}

impl Home {
    fn of(count: usize, locks: &[Lock], owners: &[Owner]) -> Home {
        let mut home = Home {
            count,
            of_lock: HashMap::new(),
            of_owner: HashMap::new(),
            of_class: HashMap::new(),
        };
        if count > 1 {
            home.of_lock = locks.iter().map(|lock| (lock.id, lock.process)).collect();
            home.of_owner = owners.iter().map(|owner| (owner.id, owner.process)).collect();
            for lock in locks {
                home.of_class.entry(lock.class).or_default().insert(lock.process);
            }
        }
        home
    }

    fn at(&self, process: u32) -> u32 {
        if self.count == 1 { 0 } else { process }
    }

    fn lock(&self, id: Id) -> Option<u32> {
        if self.count == 1 { Some(0) } else { self.of_lock.get(&id).copied() }
    }

    fn owner(&self, id: Id) -> Option<u32> {
        if self.count == 1 { Some(0) } else { self.of_owner.get(&id).copied() }
    }

    /// Whose locks and owners a finding names.
    fn evidence(&self, finding: &Finding) -> Option<u32> {
        let mut owners = finding.named_owners();
        let lock = finding.named_locks().find_map(|id| self.lock(id));
        lock.or_else(|| owners.find_map(|id| self.owner(id)))
    }
}

/// New numbers for the ids of one list.
struct Ranks(Vec<Id>);

impl Ranks {
    fn of(ids: impl Iterator<Item = Id>) -> Ranks {
        let mut ids: Vec<Id> = ids.filter(|&id| id != 0).collect();
        ids.sort_unstable();
        ids.dedup();
        Ranks(ids)
    }

    fn get(&self, id: Id) -> Option<Id> {
        let at = (id as usize).wrapping_sub(1);
        if self.0.get(at) == Some(&id) {
            return Some(id);
        }
        self.0.binary_search(&id).ok().map(|at| at as Id + 1)
    }

    /// 0, which stands for something unknown, for one that is not there.
    fn or_unknown(&self, id: Id) -> Id {
        self.get(id).unwrap_or(0)
    }
}

impl Part {
    fn new(process: Process) -> Part {
        Part {
            process,
            classes: Vec::new(),
            locks: Vec::new(),
            owners: Vec::new(),
            segments: Vec::new(),
            edges: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// Ids from 1 on, lists sorted by them, each class and each finding once.
    fn normalise(&mut self) {
        self.locks.retain(|lock| lock.id != 0);
        self.owners.retain(|owner| owner.id != 0);
        self.segments.retain(|segment| segment.id != 0 && segment.owner != 0);
        self.classes.sort_by_key(|class| class.id);
        self.locks.sort_by_key(|lock| lock.id);
        self.locks.dedup_by_key(|lock| lock.id);
        self.owners.sort_by_key(|owner| owner.id);
        self.owners.dedup_by_key(|owner| owner.id);
        self.segments.sort_by_key(|segment| segment.id);
        self.segments.dedup_by_key(|segment| segment.id);
        let classes = self.unite_classes();
        // A lock of a class that is not there cannot be told from any other.
        self.locks.retain(|lock| classes.contains_key(&lock.class));
        let locks = Ranks::of(self.locks.iter().map(|lock| lock.id));
        let owners = Ranks::of(self.owners.iter().map(|owner| owner.id));
        let segments = Ranks::of(self.segments.iter().map(|segment| segment.id));

        for lock in &mut self.locks {
            lock.id = locks.or_unknown(lock.id);
            lock.process = 0;
            lock.class = classes[&lock.class];
            renumber(&mut lock.writers, &owners);
            lock.writers.sort_unstable();
        }
        for owner in &mut self.owners {
            (owner.id, owner.process) = (owners.or_unknown(owner.id), 0);
        }
        for segment in &mut self.segments {
            segment.id = segments.or_unknown(segment.id);
            segment.owner = owners.or_unknown(segment.owner);
            renumber(&mut segment.after, &segments);
            renumber(&mut segment.joined_before, &segments);
        }
        self.edges.retain_mut(|edge| {
            let (Some(from), Some(to)) = (locks.get(edge.from), locks.get(edge.to)) else {
                return false;
            };
            (edge.from, edge.to) = (from, to);
            edge.witnesses.iter_mut().for_each(|w| renumber_witness(w, &locks, &owners, &segments));
            true
        });
        self.unite_edges();
        let mut known = HashSet::new();
        self.findings.retain(|(finding, _)| known.insert(finding.fingerprint.clone()));
        for (finding, is_own) in &mut self.findings {
            renumber_finding(finding, *is_own, &locks, &owners);
        }
    }

    /// Classes that are the same by name or site become one; gives their numbers.
    fn unite_classes(&mut self) -> HashMap<Id, Id> {
        let mut numbers = HashMap::new();
        let mut by_key: HashMap<Key, Id> = HashMap::new();
        let mut united: Vec<Class> = Vec::new();
        for class in std::mem::take(&mut self.classes) {
            let next = united.len() as Id + 1;
            let number = *by_key.entry(Key::of(&class, (0, class.id))).or_insert(next);
            numbers.insert(class.id, number);
            if number == next {
                united.push(Class { id: next, ..class });
                continue;
            }
            let known = &mut united[number as usize - 1];
            for (used, more) in known.per_process.iter_mut().zip(&class.per_process) {
                // At most so many: which of them lived at once is not known.
                used.made = used.made.saturating_add(more.made);
                used.max_live = used.max_live.saturating_add(more.max_live);
                used.contended_waits = used.contended_waits.max(more.contended_waits);
                used.longest_wait_us = used.longest_wait_us.max(more.longest_wait_us);
            }
            describe_alike(known, class);
        }
        self.classes = united;
        numbers
    }

    /// Edges sorted, one for each pair of locks.
    fn unite_edges(&mut self) {
        if self.edges.is_sorted_by(|a, b| (a.from, a.to) < (b.from, b.to)) {
            return;
        }
        self.edges.sort_by_key(|edge| (edge.from, edge.to));
        self.edges.dedup_by(|again, first| {
            let is_same = (again.from, again.to) == (first.from, first.to);
            if is_same {
                first.witnesses.append(&mut again.witnesses);
                first.witnesses.sort_by_key(|witness| witness.seq);
            }
            is_same
        });
    }

    /// Adds to every id what was numbered before, but to that of a class.
    pub(super) fn shift(&mut self, process: u32, locks: Id, owners: Id, segments: Id) {
        let known = |id: &mut Id, by: Id| *id += if *id == 0 { 0 } else { by };
        let witness = |w: &mut Witness| {
            known(&mut w.owner, owners);
            known(&mut w.segment, segments);
            w.held.iter_mut().for_each(|hold| hold.lock += locks);
        };
        for lock in &mut self.locks {
            (lock.id, lock.process) = (lock.id + locks, process);
            lock.writers.iter_mut().for_each(|id| known(id, owners));
        }
        for owner in &mut self.owners {
            (owner.id, owner.process) = (owner.id + owners, process);
        }
        for segment in &mut self.segments {
            segment.id += segments;
            known(&mut segment.owner, owners);
            let others = segment.after.iter_mut().chain(&mut segment.joined_before);
            others.for_each(|id| known(id, segments));
        }
        for edge in &mut self.edges {
            (edge.from, edge.to) = (edge.from + locks, edge.to + locks);
            edge.witnesses.iter_mut().for_each(witness);
        }
        for (finding, _) in &mut self.findings {
            finding.locks.iter_mut().for_each(|id| known(id, locks));
            finding.owners.iter_mut().for_each(|id| known(id, owners));
            for side in &mut finding.cycle {
                known(&mut side.owner, owners);
                let ends = side.from.iter_mut().chain(&mut side.to);
                ends.for_each(|id| known(id, locks));
            }
            for wait in &mut finding.waits {
                let by = |by| move |id| if id == 0 { 0 } else { id + by };
                wait.renumber(by(locks), by(owners));
            }
        }
    }

    /// Which of two parts of one process to keep.
    pub(super) fn knows_more_than(&self, other: &Part) -> bool {
        let size = |part: &Part| {
            let witnesses: usize = part.edges.iter().map(|edge| edge.witnesses.len()).sum();
            let facts = [witnesses, part.edges.len(), part.locks.len(), part.segments.len()];
            (part.process.complete, facts, part.owners.len(), part.findings.len())
        };
        match size(self).cmp(&size(other)) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Greater => true,
            // Either will do; but which one must not depend on the order of merging.
            std::cmp::Ordering::Equal => {
                self != other && format!("{self:?}") > format!("{other:?}")
            }
        }
    }
}

/// Without what is not there, each once.
fn renumber(list: &mut Vec<Id>, ranks: &Ranks) {
    list.retain_mut(|id| {
        *id = ranks.or_unknown(*id);
        *id != 0
    });
}

fn renumber_witness(witness: &mut Witness, locks: &Ranks, owners: &Ranks, segments: &Ranks) {
    witness.owner = owners.or_unknown(witness.owner);
    witness.segment = segments.or_unknown(witness.segment);
    witness.held.retain_mut(|hold| {
        hold.lock = locks.or_unknown(hold.lock);
        hold.lock != 0
    });
}

/// The ids of evidence of another process mean nothing here.
fn renumber_finding(finding: &mut Finding, is_own: bool, locks: &Ranks, owners: &Ranks) {
    if !is_own {
        finding.locks.clear();
        finding.owners.clear();
        finding.cycle.clear();
        finding.waits.clear();
        return;
    }
    finding.locks.iter_mut().for_each(|id| *id = locks.or_unknown(*id));
    finding.owners.retain_mut(|id| {
        // 0 is any of several owners, and stays.
        let was = std::mem::replace(id, owners.or_unknown(*id));
        was == 0 || *id != 0
    });
    for side in &mut finding.cycle {
        side.owner = owners.or_unknown(side.owner);
        side.from = side.from.map(|id| locks.or_unknown(id));
        side.to = side.to.map(|id| locks.or_unknown(id));
    }
    for wait in &mut finding.waits {
        wait.renumber(|id| locks.or_unknown(id), |id| owners.or_unknown(id));
    }
}
