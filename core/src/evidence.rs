//! Findings from what the recorder knows: plain data is gathered under the graph's lock, and made
//! into a [`Finding`] here, after its release.

use crate::event;
use crate::finding::{
    Confidence, Detail, Finding, Hold, Kind, LockRef, Misuse, OwnerRef, Side, Wait, Wish,
    fingerprint,
};
use crate::graph::Inversion;
use crate::held;
use crate::joins::Met;
use crate::lock::{Class, LockId, Site};
use crate::mode::Want;
use crate::owner::OwnerBlock;
use std::sync::Arc;

/// The request that a finding is about.
#[derive(Clone, Copy)]
pub(crate) struct Request {
    pub(crate) id: u64,
    pub(crate) class: &'static Class,
    pub(crate) want: Want,
    pub(crate) at: Site,
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
    std::thread::current().name().filter(|name| !name.is_empty()).map(Arc::from)
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
        wants: Some(Wish { lock, want: request.want, at: request.at }),
        others: holds.iter().filter(|other| other.id != own.id).map(hold).collect(),
    };
    finish(kind, confidence, vec![lock], vec![side], detail, Some(request.at), seq)
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

fn cycle_side(side: &event::Side, name: &Option<Arc<str>>) -> Side {
    let ((from, from_class, mode), (to, to_class, want)) = (side.from, side.to);
    let other = |&(id, class, mode): &(u64, Option<&'static Class>, _)| {
        class.map(|class| Hold { lock: lock_ref(id, class), mode, at: None })
    };
    Side {
        owner: OwnerRef { id: side.owner.0, name: name.clone() },
        held: Some(Hold { lock: lock_ref(from, from_class), mode, at: Some(side.held_at) }),
        wants: Some(Wish { lock: lock_ref(to, to_class), want, at: side.at }),
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
        wants: Some(Wish { lock, want: mutex.want, at: mutex.at }),
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
        wants: Some(Wish { lock, want: met.taken.want, at: met.taken.at }),
        others: Vec::new(),
    };
    let sides = vec![waits, takes];
    finish(Kind::HeldAcrossWait, None, vec![lock], sides, Detail::Wait(wait), Some(met.at), seq)
}

/// LG012: the owner ends and holds `own`.
pub(crate) fn orphaned(block: &OwnerBlock, own: &held::Hold, seq: u64) -> Finding {
    let side =
        Side { owner: running(block), held: Some(hold(own)), wants: None, others: Vec::new() };
    let locks = vec![lock_ref(own.id, own.class)];
    finish(Kind::OrphanedLock, None, locks, vec![side], Detail::None, Some(own.at), seq)
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
