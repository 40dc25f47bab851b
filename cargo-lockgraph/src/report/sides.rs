//! What each owner did, in words and places: the one description that all forms are made of.

use super::Report;
use crate::names::{self, called, plain};
use lockgraph_model::callers::Caller;
use lockgraph_model::dump::{Class, Finding, Id, Side, Site};
use lockgraph_model::words::{Mode, Want};
use std::collections::{BTreeMap, BTreeSet};

/// A finding, put into words.
pub(super) struct Story<'a> {
    /// One line: what it is, without its places.
    pub(super) title: String,
    pub(super) locks: Vec<LockWord<'a>>,
    pub(super) sides: Vec<SideWords<'a>>,
    /// The place to look at first.
    pub(super) primary: Option<&'a Site>,
}

/// A lock of a finding.
pub(super) struct LockWord<'a> {
    /// `` `accounts` ``, or a letter.
    pub(super) label: String,
    /// `Mutex<u64>`.
    pub(super) what: String,
    /// Where it was created; where it was locked first, which `what` says then.
    pub(super) at: Option<&'a Site>,
}

/// One side of a cycle, or the one owner of another finding.
pub(super) struct SideWords<'a> {
    /// ``thread `transfer` ``.
    pub(super) owner: String,
    pub(super) held: Step<'a>,
    pub(super) wanted: Step<'a>,
}

/// Something done to a lock somewhere.
pub(super) struct Step<'a> {
    pub(super) label: String,
    pub(super) mode: &'static str,
    /// `lock`, `read`, ..: what is done, for the scenario.
    pub(super) verb: &'static str,
    pub(super) at: Option<&'a Site>,
    /// Who called the function at that place, where it locks for others.
    pub(super) callers: &'a [Caller],
}

impl<'a> Step<'a> {
    /// Whose step it is: the place outside of a function that locks for others.
    pub(super) fn place(&self) -> Option<&'a Site> {
        self.callers.last().and_then(|caller| caller.at.as_ref()).or(self.at)
    }
}

impl SideWords<'_> {
    /// ``thread `left` took A, then wanted B``.
    pub(super) fn sentence(&self) -> String {
        format!("{} took {}, then wanted {}", self.owner, self.held.label, self.wanted.label)
    }

    /// [`sentence`](Self::sentence) with its places.
    pub(super) fn sentence_with_places(&self) -> String {
        let at = |step: &Step<'_>| {
            let at = step.at.map_or_else(String::new, |at| format!(" at {}", place(at)));
            step.callers.iter().fold(at, |at, caller| format!("{at}, {}", called(caller)))
        };
        format!(
            "{} took {} ({}){}, then wanted {} ({}){}",
            self.owner,
            self.held.label,
            self.held.mode,
            at(&self.held),
            self.wanted.label,
            self.wanted.mode,
            at(&self.wanted),
        )
    }
}

impl<'a> Report<'a> {
    /// Puts a finding into words.
    pub(super) fn story(&self, finding: &'a Finding) -> Story<'a> {
        let mut ids: Vec<Id> = Vec::new();
        let sides = finding.cycle.iter().flat_map(|side| [side.from, side.to]).flatten();
        for id in sides.chain(finding.locks.iter().copied()) {
            if id != 0 && !ids.contains(&id) {
                ids.push(id);
            }
        }
        let labels = self.labels(&ids, &self.counted_as_one(finding));
        let processes: BTreeSet<_> =
            finding.cycle.iter().map(|side| self.names.process_of(side.owner)).collect();
        let apart = processes.len() > 1;
        let sides: Vec<_> =
            finding.cycle.iter().map(|side| self.side(side, apart, &labels)).collect();
        let first = sides.first();
        let primary = first.and_then(|side| side.wanted.place().or(side.held.at));
        Story {
            title: title(finding),
            primary: primary.or(finding.sites.first()),
            locks: self.lock_words(&ids, &labels),
            sides,
        }
    }

    /// Where a cycle runs over several processes, the lock that one side wants and the lock that
    /// the next side holds are two of one class, which counts as one: from the second to the first.
    fn counted_as_one(&self, finding: &Finding) -> BTreeMap<Id, Id> {
        let mut same = BTreeMap::new();
        let next = finding.cycle.iter().cycle().skip(1);
        for (side, next) in finding.cycle.iter().zip(next) {
            let (Some(wanted), Some(held)) = (side.to, next.from) else { continue };
            let process = |id| self.names.lock_of(id).map(|lock| lock.process);
            let class = |id| self.names.lock_of(id).map(|lock| lock.class);
            if process(wanted) != process(held) && class(wanted) == class(held) {
                same.insert(wanted.max(held), wanted.min(held));
            }
        }
        same
    }

    /// What each lock is called: its name, numbered where two share it, or a letter. `same` says
    /// which locks are called as another one.
    fn labels(&self, ids: &[Id], same: &BTreeMap<Id, Id>) -> BTreeMap<Id, String> {
        let name = |id: Id| self.class_of(id).and_then(|class| class.name.as_deref());
        let own: Vec<Id> = ids.iter().copied().filter(|id| !same.contains_key(id)).collect();
        let mut letters = 0;
        let mut labels = BTreeMap::new();
        for &id in &own {
            let label = if let Some(of) = name(id) {
                let alike: Vec<Id> =
                    own.iter().copied().filter(|&other| name(other) == Some(of)).collect();
                let at = alike.iter().position(|&other| other == id).unwrap_or(0);
                let number = if alike.len() > 1 { format!(" #{}", at + 1) } else { String::new() };
                plain(&format!("`{of}`{number}")).into_owned()
            } else {
                letters += 1;
                letter(letters - 1)
            };
            labels.insert(id, label);
        }
        for (&id, first) in same {
            labels.insert(id, labels.get(first).cloned().unwrap_or_default());
        }
        labels
    }

    fn class_of(&self, id: Id) -> Option<&'a Class> {
        self.names.lock_of(id).and_then(|lock| self.names.class_of(lock))
    }

    fn owner(&self, id: Id, apart: bool) -> String {
        let owner = self.names.described_owner(id);
        let at = self.names.process_of(id).filter(|_| apart);
        let Some(process) = at.and_then(|at| self.dump.processes.get(at as usize)) else {
            return owner;
        };
        match &process.test {
            // The thread of a test has the name of the test.
            Some(test) if owner == format!("thread `{test}`") => names::process(process),
            _ => format!("{owner} of {}", names::process(process)),
        }
    }

    /// Each lock once, under whatever ids it stands.
    fn lock_words(&self, ids: &[Id], labels: &BTreeMap<Id, String>) -> Vec<LockWord<'a>> {
        let mut words: Vec<LockWord<'a>> = Vec::new();
        for word in ids.iter().map(|&id| self.lock_word(id, labels)) {
            if words.iter().all(|known| known.label != word.label) {
                words.push(word);
            }
        }
        words
    }

    fn lock_word(&self, id: Id, labels: &BTreeMap<Id, String>) -> LockWord<'a> {
        let class = self.class_of(id);
        let created = class.and_then(|class| class.created_at.as_ref());
        let locked = class.and_then(|class| class.first_locked_at.as_ref());
        let mut what = class.map_or_else(|| "a lock never used".to_owned(), type_of);
        if created.is_none() && locked.is_some() {
            what.push_str(", first locked here");
        }
        let label = labels.get(&id).cloned().unwrap_or_default();
        LockWord { label, what, at: created.or(locked) }
    }

    /// `apart`: the sides come from several processes.
    fn side(&self, side: &'a Side, apart: bool, labels: &BTreeMap<Id, String>) -> SideWords<'a> {
        let label = |id: Option<Id>| {
            id.and_then(|id| labels.get(&id)).cloned().unwrap_or_else(|| "a lock".to_owned())
        };
        let shared_kind = |id: Option<Id>| {
            let class = id.and_then(|id| self.class_of(id));
            class.is_none_or(|class| class.kind.contains("RwLock"))
        };
        SideWords {
            owner: self.owner(side.owner, apart),
            held: Step {
                label: label(side.from),
                mode: held_mode(side.from_mode, shared_kind(side.from)),
                verb: held_verb(side.from_mode, shared_kind(side.from)),
                at: side.held_at.as_ref(),
                callers: &[],
            },
            wanted: Step {
                label: label(side.to),
                mode: wanted_mode(side.to_mode, shared_kind(side.to)),
                verb: wanted_verb(side.to_mode, shared_kind(side.to)),
                at: side.acquired_at.as_ref(),
                callers: &side.callers,
            },
        }
    }
}

/// The message of a finding up to its places, which every form shows in its own way.
fn title(finding: &Finding) -> String {
    let message = plain(&finding.message);
    let places = [": at ", ": held since "];
    let end = places.iter().filter_map(|places| message.find(places)).min();
    message[..end.unwrap_or(message.len())].to_owned()
}

/// `Mutex<u64>`.
pub(super) fn type_of(class: &Class) -> String {
    match &class.type_name {
        Some(inner) => plain(&format!("{}<{inner}>", class.kind)).into_owned(),
        None => plain(&class.kind).into_owned(),
    }
}

/// `file:line:column`, safe to print.
pub(super) fn place(site: &Site) -> String {
    plain(&site.to_string()).into_owned()
}

/// `A` .. `Z`, `A1` ..
fn letter(number: usize) -> String {
    let letter = char::from(b'A' + (number % 26) as u8);
    match number / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{round}"),
    }
}

/// The words of `docs/findings.md`: a lock that knows readers is held for `write`.
const fn held_mode(mode: Option<Mode>, shared_kind: bool) -> &'static str {
    match mode {
        None => "held",
        Some(Mode::Exclusive) if shared_kind => "write",
        Some(Mode::Exclusive) => "exclusive",
        Some(Mode::Shared) => "read",
        Some(Mode::SharedRecursive) => "recursive read",
        Some(Mode::Upgradable) => "upgradable read",
    }
}

const fn wanted_mode(want: Option<Want>, shared_kind: bool) -> &'static str {
    match want {
        None => "wanted",
        Some(Want::Exclusive) => held_mode(Some(Mode::Exclusive), shared_kind),
        Some(Want::Shared) => "read",
        Some(Want::SharedRecursive) => "recursive read",
        Some(Want::Upgradable) => "upgradable read",
        Some(Want::Upgrade) => "upgrade to write",
    }
}

const fn held_verb(mode: Option<Mode>, shared_kind: bool) -> &'static str {
    match mode {
        None => "take",
        Some(Mode::Exclusive) if !shared_kind => "lock",
        _ => held_mode(mode, shared_kind),
    }
}

const fn wanted_verb(want: Option<Want>, shared_kind: bool) -> &'static str {
    match want {
        None => "take",
        Some(Want::Exclusive) => held_verb(Some(Mode::Exclusive), shared_kind),
        Some(Want::Upgrade) => "upgrade",
        _ => wanted_mode(want, shared_kind),
    }
}
