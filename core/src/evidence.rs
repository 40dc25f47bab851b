//! Findings from what the recorder knows: plain data is gathered under the graph's lock, and made
//! into a [`Finding`] here, after its release.

use crate::calls::Calls;
use crate::declared::Broken;
use crate::event;
use crate::finding::{
    self, Awaits, Confidence, Detail, Finding, Hold, Kind, LockRef, Misuse, OwnerRef, Side,
    Snapshot, Wait, Waited, Wish, fingerprint,
};
use crate::graph::Inversion;
use crate::held;
use crate::joins::Met;
use crate::lock::{Class, LockId, OwnerId, Site};
use crate::mode::Want;
use crate::owner::OwnerBlock;
use crate::parked::{self, Waiting, What};
use crate::stack;
use crate::stds;
use crate::wait::{Deadlock, Stuck};
use std::sync::Arc;

/// The request that a finding is about.
#[derive(Clone, Copy)]
pub(crate) struct Request {
    pub(crate) id: u64,
    pub(crate) class: &'static Class,
    pub(crate) want: Want,
    pub(crate) at: Site,
    /// What led to it, where that is kept.
    pub(crate) calls: Option<Calls>,
}

fn lock_ref(id: u64, class: &'static Class) -> LockRef {
    LockRef { id: LockId(id), class }
}

fn hold(hold: &held::Hold) -> Hold {
    Hold { lock: lock_ref(hold.id, hold.class), mode: hold.mode, at: Some(hold.at) }
}

/// The running thread as an owner.
pub(crate) fn running(block: &OwnerBlock) -> OwnerRef {
    OwnerRef { id: block.id().0, name: thread_name() }
}

/// The name of the running thread.
pub(crate) fn thread_name() -> Option<Arc<str>> {
    stds::with_thread_name(|name| (!name.is_empty()).then(|| Arc::from(name)))
}

/// Puts a finding together; severity and fingerprint follow from the rest.
fn finish(
    kind: Kind,
    confidence: Option<Confidence>,
    locks: Vec<LockRef>,
    sides: Vec<Side>,
    detail: Detail,
    at: Option<Site>,
    seq: u64,
) -> Finding {
    Finding {
        kind,
        severity: Finding::severity_of(kind, confidence),
        confidence,
        filtered_by: Vec::new(),
        fingerprint: fingerprint::of(kind, confidence, detail, &locks, &sides, at),
        locks,
        sides,
        waits: Vec::new(),
        rules: Vec::new(),
        detail,
        at,
        seq,
    }
}

/// LG001 or LG006: `own` is the hold that the request meets.
pub(crate) fn self_conflict(
    kind: Kind,
    block: &OwnerBlock,
    request: Request,
    own: &held::Hold,
    holds: &[held::Hold],
    detail: Detail,
    seq: u64,
) -> Finding {
    let confidence =
        (kind == Kind::SelfDeadlock).then_some(match request.class.policy.guard_send {
            true => Confidence::Hazard,
            false => Confidence::Certain,
        });
    let lock = lock_ref(request.id, request.class);
    let side = Side {
        owner: running(block),
        held: Some(hold(own)),
        wants: Some(Wish { lock, want: request.want, at: request.at, calls: request.calls }),
        others: holds.iter().filter(|other| other.id != own.id).map(hold).collect(),
    };
    finish(kind, confidence, vec![lock], vec![side], detail, Some(request.at), seq)
}

/// LG007.
pub(crate) fn order_violation(
    block: &OwnerBlock,
    request: Request,
    broken: &Broken,
    holds: &[held::Hold],
    seq: u64,
) -> Finding {
    let lock = lock_ref(request.id, request.class);
    let own = &broken.hold;
    let side = Side {
        owner: running(block),
        held: Some(hold(own)),
        wants: Some(Wish { lock, want: request.want, at: request.at, calls: request.calls }),
        others: holds.iter().filter(|other| other.id != own.id).map(hold).collect(),
    };
    let locks = vec![lock_ref(own.id, own.class), lock];
    let (at, detail) = (Some(request.at), Detail::None);
    let mut finding = finish(Kind::OrderViolation, None, locks, vec![side], detail, at, seq);
    finding.rules = broken.rules.iter().copied().collect();
    finding
}

/// LG003, LG004 or LG005. `names` are those of the owners of the sides.
pub(crate) fn inversion(inversion: &Inversion, names: &[Option<Arc<str>>], seq: u64) -> Finding {
    let sides: Vec<Side> =
        inversion.sides.iter().zip(names).map(|(side, name)| cycle_side(side, name)).collect();
    let locks = sides.iter().filter_map(|side| side.held.map(|hold| hold.lock)).collect();
    let (kind, confidence) = (inversion.kind, inversion.confidence);
    let mut finding = finish(kind, confidence, locks, sides, Detail::None, None, seq);
    finding.filtered_by = inversion.filtered_by.iter().copied().collect();
    finding
}

/// LG003 as it happened: `seen`, if that is what `deadlock` is. Locks and owners are those of the
/// deadlock, which may be others than those that were seen, made at the same places.
pub(crate) fn reproduced(seen: &Finding, deadlock: &Finding, seq: u64) -> Option<Finding> {
    let mut sides =
        seen.sides.iter().map(|side| happened(side, deadlock)).collect::<Option<Vec<Side>>>()?;
    let ids = |side: &Side| side.held.map(|hold| hold.lock.id);
    let first = (0..sides.len()).min_by_key(|&at| ids(&sides[at])).unwrap_or(0);
    sides.rotate_left(first);
    let locks = sides.iter().filter_map(|side| side.held.map(|hold| hold.lock)).collect();
    let confidence = Some(Confidence::Reproduced);
    Some(finish(Kind::OrderInversion, confidence, locks, sides, Detail::None, None, seq))
}

/// What the owner of `seen` did in the deadlock.
fn happened(seen: &Side, deadlock: &Finding) -> Option<Side> {
    let (held, wanted) = (seen.held?, seen.wants?);
    deadlock.sides.iter().find_map(|side| {
        let wants = side.wants.filter(|wants| {
            (wants.want, wants.at) == (wanted.want, wanted.at)
                && wants.lock.class.may_be(wanted.lock.class)
        })?;
        let is_held = |hold: &&Hold| {
            (hold.mode, hold.at) == (held.mode, held.at) && hold.lock.class.may_be(held.lock.class)
        };
        let own = *side.held.iter().chain(&side.others).find(is_held)?;
        let all = side.held.iter().chain(&side.others);
        let others = all.filter(|hold| hold.lock.id != own.lock.id);
        let others = others.map(|hold| Hold { at: None, ..*hold }).collect();
        Some(Side { owner: side.owner.clone(), held: Some(own), wants: Some(wants), others })
    })
}

fn cycle_side(side: &event::Side, name: &Option<Arc<str>>) -> Side {
    let ((from, from_class, mode), (to, to_class, want)) = (side.from, side.to);
    let other = |&(id, class, mode): &(u64, Option<&'static Class>, _)| {
        class.map(|class| Hold { lock: lock_ref(id, class), mode, at: None })
    };
    Side {
        owner: OwnerRef { id: side.owner.0, name: name.clone() },
        held: Some(Hold { lock: lock_ref(from, from_class), mode, at: Some(side.held_at) }),
        wants: Some(Wish { lock: lock_ref(to, to_class), want, at: side.at, calls: side.calls }),
        others: side.others.iter().filter_map(other).collect(),
    }
}

/// LG011: the owner waits with `mutex` and holds `other` besides.
pub(crate) fn condvar_nested(
    block: &OwnerBlock,
    mutex: Request,
    other: &held::Hold,
    holds: &[held::Hold],
    seq: u64,
) -> Finding {
    let lock = lock_ref(mutex.id, mutex.class);
    let side = Side {
        owner: running(block),
        held: Some(hold(other)),
        wants: Some(Wish { lock, want: mutex.want, at: mutex.at, calls: None }),
        others: holds
            .iter()
            .filter(|third| third.id != other.id && third.id != mutex.id)
            .map(hold)
            .collect(),
    };
    let locks = vec![lock_ref(other.id, other.class), lock];
    finish(Kind::CondvarNested, None, locks, vec![side], Detail::None, Some(mutex.at), seq)
}

/// LG008. The names are those of the joiner and of the thread that it waits for.
pub(crate) fn held_across_wait(
    met: &Met,
    [joiner, child]: [Option<Arc<str>>; 2],
    wait: Wait,
    seq: u64,
) -> Finding {
    let lock = lock_ref(met.hold.id, met.hold.class);
    let waits = Side {
        owner: OwnerRef { id: met.joiner.0, name: joiner },
        held: Some(hold(&met.hold)),
        wants: None,
        others: Vec::new(),
    };
    let takes = Side {
        owner: OwnerRef { id: met.child.0, name: child },
        held: None,
        wants: Some(Wish { lock, want: met.taken.want, at: met.taken.at, calls: None }),
        others: Vec::new(),
    };
    let sides = vec![waits, takes];
    finish(Kind::HeldAcrossWait, None, vec![lock], sides, Detail::Wait(wait), Some(met.at), seq)
}

/// LG008 for a wait that is no join: the owner holds `holds` in it.
pub(crate) fn held_in_wait(
    block: &OwnerBlock,
    holds: &[held::Hold],
    what: Waiting,
    at: Site,
    seq: u64,
) -> Finding {
    let side = Side {
        owner: running(block),
        held: holds.first().map(hold),
        wants: None,
        others: holds.iter().skip(1).map(hold).collect(),
    };
    let locks = holds.first().map(|own| lock_ref(own.id, own.class)).into_iter().collect();
    let wait = match what {
        Waiting::Message => Wait::Message,
        Waiting::Room => Wait::Room,
        Waiting::Barrier => Wait::Barrier,
        Waiting::Region(name) => Wait::Region(name),
    };
    finish(Kind::HeldAcrossWait, None, locks, vec![side], Detail::Wait(wait), Some(at), seq)
}

/// One owner that waits, or holds, or both, as of `now`. `name` gives the names of owners.
fn stuck_side(
    stuck: &Stuck,
    now: u64,
    name: &mut dyn FnMut(OwnerId) -> OwnerRef,
) -> (Side, Option<Waited>) {
    let wish = |wait: &parked::Wait| {
        let want = match wait.what {
            What::Lock(want) => want,
            What::Permit(1) => Want::Exclusive,
            What::Permit(_) => Want::Shared,
            What::Notification => Want::Exclusive,
            What::Threads | What::Other(_) => return None,
        };
        wait.class.map(|class| Wish {
            lock: lock_ref(wait.id, class),
            want,
            at: wait.at,
            calls: None,
        })
    };
    let side = Side {
        owner: name(stuck.owner),
        held: stuck.held.as_ref().map(hold),
        wants: stuck.wait.as_ref().and_then(wish),
        others: stuck.others.iter().map(hold).collect(),
    };
    let waited = stuck.wait.map(|wait| Waited {
        awaits: match wait.what {
            What::Lock(_) | What::Permit(1) => Awaits::Lock,
            What::Permit(_) => Awaits::Permit,
            What::Notification => Awaits::Notification,
            What::Threads => Awaits::Thread(stuck.thread.map(name)),
            What::Other(Waiting::Message) => Awaits::Message,
            What::Other(Waiting::Room) => Awaits::Room,
            What::Other(Waiting::Barrier) => Awaits::Barrier,
            What::Other(Waiting::Region(name)) => Awaits::Region(name),
        },
        since: Some((wait.at, now.saturating_sub(wait.since))),
        stack: stack::of(stuck.owner),
    });
    (side, waited)
}

/// LG002 among locks that the recorder does not follow: its threads, what each waits for where the
/// recorder follows that, and their stacks.
pub(crate) fn unseen(
    threads: Vec<(OwnerRef, Option<&Stuck>, Arc<str>)>,
    name: &mut dyn FnMut(OwnerId) -> OwnerRef,
    seq: u64,
) -> Finding {
    let now = parked::now();
    let (mut sides, mut waits, mut hash) = (Vec::new(), Vec::new(), 0);
    for (owner, seen, stack) in threads {
        hash = fingerprint::of_text(&stack).wrapping_add(hash);
        let (side, waited) = seen
            .map(|stuck| stuck_side(stuck, now, name))
            .unwrap_or_else(|| (Side { owner, held: None, wants: None, others: Vec::new() }, None));
        let (awaits, since) =
            waited.map_or((Awaits::Unseen, None), |waited| (waited.awaits, waited.since));
        sides.push(side);
        waits.push(Waited { awaits, since, stack: Some(stack) });
    }
    let locks = sides.iter().filter_map(|side| side.wants).map(|wants| wants.lock).collect();
    let detail = Detail::Unseen(hash);
    let mut finding = finish(Kind::Deadlock, None, locks, sides, detail, None, seq);
    finding.waits = waits;
    finding
}

/// LG002.
pub(crate) fn deadlock(
    deadlock: &Deadlock,
    name: &mut dyn FnMut(OwnerId) -> OwnerRef,
    seq: u64,
) -> Finding {
    // Before any stack is resolved, which takes its time.
    let now = parked::now();
    let (mut sides, mut waits) = (Vec::new(), Vec::new());
    for stuck in deadlock.sides.iter() {
        let (side, waited) = stuck_side(stuck, now, name);
        // A stuck owner waits; without its wait it would be no side.
        if let Some(waited) = waited {
            sides.push(side);
            waits.push(waited);
        }
    }
    let mut locks: Vec<LockRef> = Vec::new();
    for lock in sides.iter().filter_map(|side| side.wants.map(|wants| wants.lock)) {
        if !locks.iter().any(|other| other.id == lock.id) {
            locks.push(lock);
        }
    }
    locks.sort_unstable_by_key(|lock| lock.id);
    let joins = |waited: &&Waited| matches!(waited.awaits, Awaits::Thread(_));
    let at = waits.iter().find(joins).and_then(|waited| waited.since).map(|(at, _)| at);
    let detail = if deadlock.closed { Detail::None } else { Detail::Standstill };
    let mut finding = finish(Kind::Deadlock, None, locks, sides, detail, at, seq);
    finding.waits = waits;
    finding
}

/// What owners hold and wait for.
fn standing(all: &[Stuck], name: &mut dyn FnMut(OwnerId) -> OwnerRef) -> (Vec<Side>, Vec<Waited>) {
    // Before any stack is resolved, which takes its time.
    let now = parked::now();
    let (mut sides, mut waits) = (Vec::new(), Vec::new());
    for stuck in all {
        let (side, waited) = stuck_side(stuck, now, name);
        sides.push(side);
        waits.extend(waited);
    }
    (sides, waits)
}

/// LG010: the first of all waits too long.
pub(crate) fn stall(all: &[Stuck], name: &mut dyn FnMut(OwnerId) -> OwnerRef, seq: u64) -> Finding {
    let (mut sides, waits) = standing(all, name);
    // Who else is there differs from one time to the next: the problem is that wait.
    let others = sides.split_off(sides.len().min(1));
    let wanted = sides.first().and_then(|side| side.wants).map(|wants| wants.lock);
    let at = waits.first().and_then(|waited| waited.since).map(|(at, _)| at);
    let locks = wanted.into_iter().collect();
    let mut finding = finish(Kind::Stall, None, locks, sides, Detail::None, at, seq);
    finding.sides.extend(others);
    finding.waits = waits;
    finding
}

/// What every owner holds and waits for.
pub(crate) fn snapshot(all: &[Stuck], name: &mut dyn FnMut(OwnerId) -> OwnerRef) -> Snapshot {
    let (sides, waits) = standing(all, name);
    Snapshot { sides, waits }
}

/// LG012: the owner ends and holds `own`.
pub(crate) fn orphaned(block: &OwnerBlock, own: &held::Hold, seq: u64) -> Finding {
    let side =
        Side { owner: running(block), held: Some(hold(own)), wants: None, others: Vec::new() };
    let locks = vec![lock_ref(own.id, own.class)];
    finish(Kind::OrphanedLock, None, locks, vec![side], Detail::None, Some(own.at), seq)
}

/// A hold in one line: which lock, taken where.
pub(crate) fn describe(own: &held::Hold) -> String {
    finding::described(&hold(own))
}

/// LG013 about a lock, by the running owner; `holder` is who holds it, where somebody does.
pub(crate) fn misuse(
    misuse: Misuse,
    (id, class): (u64, &'static Class),
    holder: Option<(OwnerRef, Option<held::Hold>)>,
    at: Option<Site>,
    seq: u64,
) -> Finding {
    let sides = holder
        .map(|(owner, own)| Side {
            owner,
            held: own.as_ref().map(hold),
            wants: None,
            others: Vec::new(),
        })
        .into_iter()
        .collect();
    let locks = vec![lock_ref(id, class)];
    finish(Kind::Misuse, None, locks, sides, Detail::Misuse(misuse), at, seq)
}
