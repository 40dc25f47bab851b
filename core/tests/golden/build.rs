//! Findings built by hand.

use super::sites::in_std;
use crate::finding::{
    Confidence, Detail, Finding, Hold, Kind, LockRef, OwnerRef, Side, Wish, fingerprint,
};
use crate::lock::{Class, LockId, Site};
use crate::mode::{Mode, Policy, Want};
use std::sync::Mutex;

/// The kinds of lock that the samples use, as reports spell them.
#[derive(Clone, Copy)]
#[expect(clippy::enum_variant_names, reason = "`RwLock` is what it is called")]
pub(super) enum Lock {
    Mutex,
    SendMutex,
    RwLock,
    Once,
    Pool,
    Raw,
}

const fn policy(kind: &'static str, shared: bool, guard_send: bool) -> Policy {
    let read_blocks_behind_writer = shared;
    Policy {
        kind,
        read_blocks_behind_writer,
        guard_send,
        reentrant: false,
        shared,
        upgrade: shared,
    }
}

static MUTEX: Policy = policy("Mutex", false, false);
static SEND_MUTEX: Policy = policy("Mutex", false, true);
static RW_LOCK: Policy = policy("RwLock", true, false);
static ONCE: Policy = policy("Once", false, false);
static POOL: Policy =
    Policy { read_blocks_behind_writer: false, upgrade: false, ..policy("Pool", true, false) };
static RAW: Policy = policy("SpinLock", false, true);

impl Lock {
    pub(super) fn named(self, name: &'static str, id: u64) -> LockRef {
        self.lock(id, Some(name), None, Some("i32"))
    }

    /// A lock that the program did not name; without a type where that is empty.
    pub(super) fn made_at(self, site: Site, type_name: &'static str, id: u64) -> LockRef {
        self.lock(id, None, Some(site), Some(type_name).filter(|name| !name.is_empty()))
    }

    pub(super) fn made_somewhere(self, id: u64) -> LockRef {
        self.lock(id, None, Some(in_std()), Some("u8"))
    }

    fn lock(
        self,
        id: u64,
        name: Option<&'static str>,
        created_at: Option<Site>,
        type_name: Option<&'static str>,
    ) -> LockRef {
        let policy = match self {
            Lock::Mutex => &MUTEX,
            Lock::SendMutex => &SEND_MUTEX,
            Lock::RwLock => &RW_LOCK,
            Lock::Once => &ONCE,
            Lock::Pool => &POOL,
            Lock::Raw => &RAW,
        };
        LockRef { id: LockId(id), class: intern(name, policy, created_at, type_name) }
    }
}

/// One class for equal parts, as the recorder makes it.
fn intern(
    name: Option<&'static str>,
    policy: &'static Policy,
    created_at: Option<Site>,
    type_name: Option<&'static str>,
) -> &'static Class {
    static KNOWN: Mutex<Vec<&'static Class>> = Mutex::new(Vec::new());
    let mut known = KNOWN.lock().unwrap();
    let same = known.iter().find(|class| {
        (class.name, class.policy, class.created_at, class.type_name)
            == (name, policy, created_at, type_name)
    });
    if let Some(class) = same {
        return class;
    }
    let id = known.len() as u32 + 1;
    let class: &'static Class =
        Box::leak(Box::new(Class { name, created_at, type_name, ..Class::plain(id, policy) }));
    known.push(class);
    class
}

pub(super) fn held(lock: LockRef, mode: Mode, at: Site) -> Option<Hold> {
    Some(Hold { lock, mode, at: Some(at) })
}

/// Equal names are equal owners.
pub(super) fn side(owner: &str, held: Option<Hold>, wants: Option<(LockRef, Want, Site)>) -> Side {
    let known = ["main", "left", "right", "one", "two", "three"];
    let id = known.iter().position(|name| *name == owner).unwrap_or(known.len()) as u32 + 1;
    Side {
        owner: OwnerRef { id, name: Some(owner.into()) },
        held,
        wants: wants.map(|(lock, want, at)| Wish { lock, want, at, calls: None }),
        others: Vec::new(),
    }
}

pub(super) fn with_others(mut side: Side, others: &[(LockRef, Mode, Option<Site>)]) -> Side {
    side.others.extend(others.iter().map(|&(lock, mode, at)| Hold { lock, mode, at }));
    side
}

pub(super) fn inversion(confidence: Confidence, sides: Vec<Side>) -> Finding {
    finding(Kind::OrderInversion, Some(confidence), sides)
}

pub(super) fn one_side(kind: Kind, confidence: Option<Confidence>, side: Side) -> Finding {
    finding(kind, confidence, vec![side])
}

fn finding(kind: Kind, confidence: Option<Confidence>, sides: Vec<Side>) -> Finding {
    Finding {
        kind,
        severity: Finding::severity_of(kind, confidence),
        confidence,
        filtered_by: Vec::new(),
        fingerprint: 0,
        locks: sides.iter().filter_map(|side| side.held).map(|hold| hold.lock).collect(),
        sides,
        waits: Vec::new(),
        rules: Vec::new(),
        detail: Detail::None,
        at: None,
        seq: 42,
    }
}

/// To be called last: what a recorder does when all the evidence is there.
pub(super) fn fingerprinted(mut f: Finding) -> Finding {
    f.fingerprint = fingerprint::of(f.kind, f.confidence, f.detail, &f.locks, &f.sides, f.at);
    f
}
