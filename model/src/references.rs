//! What a document names, and whether it holds together.

use crate::dump::{Dump, Finding, Id, Witness};
use crate::error::Problem;
use std::collections::HashSet;

impl Finding {
    /// Every lock that the finding names, some of them twice; 0 for one that was never used.
    pub fn named_locks(&self) -> impl Iterator<Item = Id> + '_ {
        let sides = self.cycle.iter().flat_map(|side| [side.from, side.to]).flatten();
        let held = self.waits.iter().flat_map(|wait| wait.held.iter().map(|held| held.lock));
        let wanted = self.waits.iter().filter_map(|wait| wait.lock);
        sides.chain(self.locks.iter().copied()).chain(held).chain(wanted)
    }

    /// Every owner that the finding names, some of them twice.
    pub fn named_owners(&self) -> impl Iterator<Item = Id> + '_ {
        let waits = self.waits.iter().flat_map(|wait| [Some(wait.owner), wait.thread]).flatten();
        self.cycle.iter().map(|side| side.owner).chain(self.owners.iter().copied()).chain(waits)
    }
}

impl Dump {
    /// Every id is there once, and what is named is there: so that nobody after this has to ask.
    pub(crate) fn check_references(&self) -> Result<(), Problem> {
        let classes = ids("class", self.classes.iter().map(|c| c.id))?;
        let locks = ids("lock", self.locks.iter().map(|l| l.id))?;
        let owners = ids("owner", self.owners.iter().map(|o| o.id))?;
        let segments = ids("segment", self.segments.iter().map(|s| s.id))?;
        let lock = |by: &dyn Fn() -> String, id| named(&locks, "lock", id, by);
        let class = |by: &dyn Fn() -> String, id| named(&classes, "class", id, by);
        let owner = |by: &dyn Fn() -> String, id| match id {
            0 => Ok(()),
            id => named(&owners, "owner", id, by),
        };
        let segment = |by: &dyn Fn() -> String, id| match id {
            0 => Ok(()),
            id => named(&segments, "segment", id, by),
        };
        let process = |by: &dyn Fn() -> String, at: u32| {
            if (at as usize) < self.processes.len() {
                return Ok(());
            }
            Err(Problem::Dangling { by: by(), what: "process", id: u64::from(at) })
        };
        let witness = |by: &dyn Fn() -> String, w: &Witness| {
            owner(by, w.owner)?;
            segment(by, w.segment)?;
            w.held.iter().try_for_each(|hold| lock(by, hold.lock))
        };

        for c in &self.classes {
            let by = || format!("class {}", c.id);
            c.per_process.iter().try_for_each(|used| process(&by, used.process))?;
        }
        for l in &self.locks {
            let by = || format!("lock {}", l.id);
            class(&by, l.class)?;
            process(&by, l.process)?;
            l.writers.iter().try_for_each(|&id| owner(&by, id))?;
        }
        for o in &self.owners {
            process(&|| format!("owner {}", o.id), o.process)?;
        }
        for s in &self.segments {
            let by = || format!("segment {}", s.id);
            owner(&by, s.owner)?;
            s.after.iter().chain(&s.joined_before).try_for_each(|&id| segment(&by, id))?;
        }
        for e in &self.edges {
            let by = || format!("edge {} -> {}", e.from, e.to);
            lock(&by, e.from)?;
            lock(&by, e.to)?;
            e.witnesses.iter().try_for_each(|w| witness(&by, w))?;
        }
        for e in &self.class_edges {
            let by = || format!("class edge {} -> {}", e.from, e.to);
            class(&by, e.from)?;
            class(&by, e.to)?;
            e.witness.iter().try_for_each(|w| witness(&by, w))?;
        }
        for c in &self.components {
            let by = || "a component".to_owned();
            c.locks.iter().chain(c.cycles.iter().flatten()).try_for_each(|&id| lock(&by, id))?;
        }
        for f in &self.findings {
            let by = || format!("finding {}", f.fingerprint);
            f.named_locks().filter(|&id| id != 0).try_for_each(|id| lock(&by, id))?;
            f.named_owners().try_for_each(|id| owner(&by, id))?;
            f.per_process.iter().try_for_each(|used| process(&by, used.process))?;
        }
        self.order.iter().flatten().try_for_each(|&id| class(&|| "the order".to_owned(), id))
    }
}

fn ids(what: &'static str, all: impl Iterator<Item = Id>) -> Result<HashSet<Id>, Problem> {
    let mut seen = HashSet::new();
    for id in all {
        if !seen.insert(id) {
            return Err(Problem::Duplicate { what, id, first: None });
        }
    }
    Ok(seen)
}

fn named(
    all: &HashSet<Id>,
    what: &'static str,
    id: Id,
    by: &dyn Fn() -> String,
) -> Result<(), Problem> {
    if all.contains(&id) {
        return Ok(());
    }
    Err(Problem::Dangling { by: by(), what, id })
}
