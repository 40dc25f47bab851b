//! What follows where owners wait: deadlocks, and locks that are held in a wait.

use super::{deliver, ending, graph, note};
use crate::config;
use crate::evidence::{self, Request};
use crate::finding::{Finding, Kind, Level, OwnerRef, Snapshot, Wait};
use crate::joins::Met;
use crate::lock::{LockHeader, Origin, OwnerId, Site};
use crate::mem::SysVec;
use crate::mode::Want;
use crate::owner::{self, OwnerBlock, STEERED};
use crate::parked::{self, Waiting, What};
use crate::recorder::Inside;
use crate::sink::journal;
use crate::steer;
use crate::wait::{self, Deadlock, Process, Stuck};
use std::sync::Arc;

/// Whether the owner that closes a deadlock panics in place of parking: in a steered run always.
pub(crate) fn breaks(must_not_panic: bool) -> bool {
    let steered = || owner::current().is_some_and(|block| block.flags() & STEERED != 0);
    !must_not_panic && (config::level(Kind::Deadlock, None) == Level::Deny || steered())
}

/// Delivers LG002; returns the message to panic with where the closer is to panic. The running
/// owner is marked as inside.
pub(crate) fn deadlock(deadlock: &Deadlock, must_not_panic: bool) -> Option<String> {
    let seq = graph().next_seq();
    let finding = evidence::deadlock(deadlock, &mut named, seq);
    let message = breaks(must_not_panic).then(|| finding.message());
    let level = config::level(finding.kind, finding.confidence);
    let scope = owner::current().map_or(0, |block| block.scope.get());
    let happened = happened(scope, &finding);
    deliver(finding, false, scope);
    happened.into_iter().for_each(|inversion| deliver(inversion, false, scope));
    let denied = level == Level::Deny && config::aborts_when_certain();
    if message.is_none() && (denied || level == Level::Abort) {
        abort();
    }
    message
}

/// The inversions which a steered run of the scope was to bring about, and which this deadlock is.
fn happened(scope: u32, deadlock: &Finding) -> Vec<Finding> {
    let mut happened = Vec::new();
    for (number, seen) in steer::open(scope).iter() {
        let seq = graph().next_seq();
        if let Some(inversion) = evidence::reproduced(seen, deadlock, seq) {
            steer::reproduced(scope, *number, &Arc::new(inversion.clone()));
            happened.push(inversion);
        }
    }
    happened
}

/// Completes the journal and ends the process.
pub(super) fn abort() -> ! {
    journal::close(&ending());
    std::process::abort();
}

/// LG008 for a wait that is no join.
pub(crate) fn held_across_other(block: &'static OwnerBlock, what: Waiting, at: Site) {
    let Some(_inside) = Inside::enter(block) else { return };
    let mut holds = SysVec::new();
    block.holds().for_each(|hold| holds.push(hold));
    let seq = graph().next_seq();
    note(evidence::held_in_wait(block, &holds, what, at, seq));
}

/// LG011: the owner waits with `lock` and holds others.
pub(crate) fn condvar_wait(block: &'static OwnerBlock, lock: &LockHeader, at: Site) {
    let id = lock.id().0;
    let mut holds = SysVec::new();
    block.holds().for_each(|hold| holds.push(hold));
    let Some(other) = holds.iter().find(|hold| hold.id != id).copied() else { return };
    let (Some(_inside), Origin::Class(class)) = (Inside::enter(block), lock.origin()) else {
        return;
    };
    let mutex = Request { id, class, want: Want::Exclusive, at };
    let seq = graph().next_seq();
    note(evidence::condvar_nested(block, mutex, &other, &holds, seq));
}

/// LG008: a lock that an owner holds while it waits for a thread which asks for it.
pub(crate) fn held_across_wait(met: &Met, wait: Wait) {
    let names = [met.joiner, met.child].map(super::owner_name);
    let seq = graph().next_seq();
    note(evidence::held_across_wait(met, names, wait, seq));
}

/// What every owner holds and waits for.
pub(crate) fn snapshot() -> Snapshot {
    evidence::snapshot(&wait::standing(&Process), &mut named)
}

/// LG010, where an owner has waited for `threshold` microseconds and was not told of before. `told`
/// has the waits that were: owner, and since when.
pub(crate) fn stalls(threshold: u64, told: &mut Vec<(OwnerId, u64)>) {
    let now = parked::now();
    let mut all = wait::standing(&Process);
    let waits = |stuck: &Stuck| stuck.wait.map(|wait| (stuck.owner, wait.since));
    told.retain(|key| all.iter().any(|stuck| waits(stuck) == Some(*key)));
    let paused = What::Other(Waiting::Region(steer::REGION));
    let too_long = |stuck: &Stuck| {
        let long = |wait: parked::Wait| now.saturating_sub(wait.since) >= threshold;
        stuck.wait.is_some_and(|wait| wait.what != paused && long(wait))
    };
    // Whoever sleeps till there is work may do so for ever, unless it keeps others from a lock or
    // nobody is left to wake it.
    let nobody_runs = all.iter().all(&too_long);
    let counts = |stuck: &Stuck| {
        let idle = matches!(
            stuck.wait.map(|wait| wait.what),
            Some(What::Notification | What::Threads | What::Other(Waiting::Message))
        );
        too_long(stuck) && (!idle || nobody_runs || !stuck.others.is_empty())
    };
    let new = |stuck: &Stuck| counts(stuck) && waits(stuck).is_some_and(|key| !told.contains(&key));
    let Some(first) = all.iter().position(new) else { return };
    told.extend(all.iter().filter(|stuck| too_long(stuck)).filter_map(waits));
    all[..=first].rotate_right(1);
    let seq = graph().next_seq();
    note(evidence::stall(&all, &mut named, seq));
}

/// The owner with its name.
fn named(owner: OwnerId) -> OwnerRef {
    OwnerRef { id: owner.0, name: super::owner_name(owner) }
}

/// True where the finding ends the process.
pub(super) fn aborts(finding: &Finding) -> bool {
    config::level(finding.kind, finding.confidence) == Level::Abort
}
