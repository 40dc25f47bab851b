//! Scopes: bounded observations, such as one test.
//!
//! A scope is a number that owners carry and that threads inherit from their parents. While it is
//! open, the witnesses of its owners' requests and their findings are kept here, and they stay
//! when the locks are dropped. So a scope can be judged by itself: an inversion of which it made
//! one side alone is none of its own.
//!
//! What is not seen: threads that nobody told of their parent, until they enter the scope
//! themselves.
//!
//! One leaf mutex; nothing is formatted or called under it.

use crate::event::{Event, Note};
use crate::finding::Finding;
use crate::lock::Class;
use crate::mem::SysVec;
use crate::segment::{SegmentId, UNKNOWN};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Facts that an open scope keeps; the rest is counted only.
const MAX_EVENTS: usize = 1 << 20;
/// Findings that an open scope keeps.
const MAX_FINDINGS: usize = 10_000;

/// What an open scope has seen.
pub(crate) struct Log {
    scope: u32,
    /// Witnesses of the scope; writers and drops of any lock.
    pub(crate) events: SysVec<Event>,
    /// Once per fingerprint, in order.
    pub(crate) findings: SysVec<Arc<Finding>>,
    /// Facts and findings that found no place.
    pub(crate) dropped: u64,
}

impl Log {
    const fn new(scope: u32) -> Self {
        Log { scope, events: SysVec::new(), findings: SysVec::new(), dropped: 0 }
    }

    /// The oldest and the newest segment of its witnesses. A walk between two of them never leaves
    /// that range: numbers grow with time.
    pub(crate) fn segments(&self) -> (SegmentId, SegmentId) {
        let of = |event: &Event| match event.note {
            Note::Witness { segment, .. } if segment != UNKNOWN => Some(segment),
            _ => None,
        };
        let all = || self.events.iter().filter_map(of);
        (all().min().unwrap_or(UNKNOWN), all().max().unwrap_or(UNKNOWN))
    }
}

struct Scopes {
    open: SysVec<Log>,
    last: u32,
}

static SCOPES: Mutex<Scopes> = Mutex::new(Scopes { open: SysVec::new(), last: 0 });
/// How many scopes are open: where none is, nobody looks.
static OPEN: AtomicU32 = AtomicU32::new(0);

fn scopes() -> MutexGuard<'static, Scopes> {
    SCOPES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Scopes {
    fn get(&mut self, scope: u32) -> Option<&mut Log> {
        self.open.iter_mut().find(|log| log.scope == scope)
    }
}

/// Whether anybody observes.
pub(crate) fn is_any_open() -> bool {
    OPEN.load(Ordering::Relaxed) != 0
}

/// Opens a scope with a number that was never used; 0 where all are used up.
pub(crate) fn open() -> u32 {
    let mut scopes = scopes();
    let Some(scope) = scopes.last.checked_add(1) else { return 0 };
    scopes.last = scope;
    scopes.open.push(Log::new(scope));
    OPEN.fetch_add(1, Ordering::Relaxed);
    scope
}

/// Closes a scope, and gives what it has seen. Owners that still carry it are observed no more.
pub(crate) fn close(scope: u32) -> Log {
    let mut scopes = scopes();
    match scopes.open.iter().position(|log| log.scope == scope) {
        Some(at) => {
            OPEN.fetch_sub(1, Ordering::Relaxed);
            scopes.open.swap_remove(at)
        }
        None => Log::new(scope),
    }
}

/// Keeps the facts that concern open scopes.
pub(crate) fn events(news: &[Event]) {
    if news.is_empty() || !is_any_open() {
        return;
    }
    let mut scopes = scopes();
    for event in news {
        match &event.note {
            Note::Witness { scope, .. } => {
                scopes.get(*scope).into_iter().for_each(|log| log.keep(event));
            }
            Note::Writer { .. } | Note::Drop { .. } => {
                scopes.open.iter_mut().for_each(|log| log.keep(event));
            }
            _ => {}
        }
    }
}

/// Keeps a finding of the scope, if it is open.
pub(crate) fn finding(scope: u32, finding: &Arc<Finding>) {
    if scope == 0 {
        return;
    }
    let mut scopes = scopes();
    let Some(log) = scopes.get(scope) else { return };
    if log.findings.iter().any(|known| known.fingerprint == finding.fingerprint) {
        return;
    }
    match log.findings.len() < MAX_FINDINGS {
        true => log.findings.push(Arc::clone(finding)),
        false => log.dropped += 1,
    }
}

impl Log {
    fn keep(&mut self, event: &Event) {
        match self.events.len() < MAX_EVENTS {
            true => self.events.push(event.clone()),
            false => self.dropped += 1,
        }
    }
}

/// The facts of a journal of the scope alone: `threads`, then what the log tells, with each class,
/// lock and edge told before its first use.
pub(crate) fn facts(threads: SysVec<Event>, log: &[Event]) -> SysVec<Event> {
    let mut facts = Facts { all: threads, told: HashSet::new() };
    for Event { note, .. } in log {
        match note {
            Note::Witness { side, .. } => {
                let ((from, from_class, _), (to, to_class, _)) = (side.from, side.to);
                facts.lock(from, from_class);
                facts.lock(to, to_class);
                for (id, class) in side.others.iter().filter_map(|o| Some((o.0, o.1?))) {
                    facts.lock(id, class);
                }
                if facts.told.insert(Told::Edge(from, to)) {
                    facts.push(Note::Edge { from, to });
                }
            }
            Note::Writer { id, .. } | Note::Drop { id }
                if !facts.told.contains(&Told::Lock(*id)) =>
            {
                continue;
            }
            _ => {}
        }
        facts.push(note.clone());
    }
    for (seq, event) in (1..).zip(facts.all.iter_mut()) {
        event.seq = seq;
    }
    facts.all
}

/// What the facts have introduced so far.
#[derive(PartialEq, Eq, Hash)]
enum Told {
    Class(u32),
    Lock(u64),
    Edge(u64, u64),
}

struct Facts {
    all: SysVec<Event>,
    told: HashSet<Told>,
}

impl Facts {
    fn push(&mut self, note: Note) {
        self.all.push(Event { seq: 0, note });
    }

    fn lock(&mut self, id: u64, class: &'static Class) {
        if !self.told.insert(Told::Lock(id)) {
            return;
        }
        if class.is_per_instance() || self.told.insert(Told::Class(class.id)) {
            self.push(Note::Class { id, class });
        }
        self.push(Note::Lock { id, class });
    }
}
