//! What follows where owners wait: deadlocks, and locks that are held in a wait.

use super::{deliver, ending, graph, note, tell};
use crate::config;
use crate::detector::UnseenThread;
use crate::evidence::{self, Request};
use crate::finding::{Finding, Kind, Level, OwnerRef, Snapshot, Wait};
use crate::joins::Met;
use crate::lock::{LockHeader, Origin, OwnerId, Site};
use crate::mem::SysVec;
use crate::mode::Want;
use crate::os::{Os, System};
use crate::owner::{self, OwnerBlock, STEERED};
use crate::parked::{self, Waiting, What};
use crate::recorder::Inside;
use crate::sink::{self, journal};
use crate::stack;
use crate::steer;
use crate::wait::{self, Deadlock, Process, Stuck, Suspicion};
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
    for inversion in happened {
        deliver(inversion, false, scope);
    }
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
    let mutex = Request { id, class, want: Want::Exclusive, at, calls: None };
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

/// Prints the same, as it was asked for from outside.
pub(crate) fn print_snapshot() {
    let snapshot = snapshot();
    if journal::is_open() {
        tell(|graph| {
            snapshot.mentioned().for_each(|lock| graph.mention(lock.id.0, lock.class));
        });
    }
    let seq = graph().next_seq();
    sink::snapshot(&snapshot, seq);
}

/// LG002 where nobody in the process runs; `suspected` is what the look before has seen.
pub(crate) fn standstill(suspected: &mut Option<Suspicion>) -> Option<Arc<Finding>> {
    let before = std::mem::replace(suspected, wait::waits().suspect(&Process));
    let now = suspected.as_ref().filter(|now| before.is_some_and(|before| before.is(now)))?;
    if !Os::all_others_sleep(now.threads) {
        return None;
    }
    let deadlock = wait::waits().confirm(now, &Process)?;
    let seq = graph().next_seq();
    Some(found_hung(evidence::deadlock(&deadlock, &mut named, seq)))
}

/// LG002 among locks that the recorder does not follow, by whoever follows them. `None` where one
/// of the threads is in a deadlock that was told: whoever follows the rest sees the tracked ones too.
pub(crate) fn unseen(threads: Vec<UnseenThread>) -> Option<Arc<Finding>> {
    let all = wait::standing(&Process);
    let mut sides = Vec::new();
    for thread in threads {
        let owner = owner::on_thread(thread.id).unwrap_or_else(stranger);
        let seen = all.iter().find(|stuck| stuck.owner == owner && stuck.wait.is_some());
        if seen.is_some_and(|stuck| wait::waits().is_told(stuck)) {
            return None;
        }
        sides.push((named(owner), seen, stack::frames(&thread.stack).into()));
    }
    let seq = graph().next_seq();
    Some(found_hung(evidence::unseen(sides, &mut named, seq)))
}

/// An owner that the recorder knows by hearsay.
fn stranger() -> OwnerId {
    let owner = owner::stranger();
    tell(|graph| graph.add_owner(owner, ""));
    owner
}

/// Delivers LG002 that nobody is about to park in: it is reported, or ends the process.
fn found_hung(finding: Finding) -> Arc<Finding> {
    let level = config::level(finding.kind, finding.confidence);
    let finding = deliver(finding, false, 0);
    if level == Level::Abort || level == Level::Deny && config::aborts_when_certain() {
        abort();
    }
    finding
}

/// LG010, where an owner has waited for `threshold` microseconds and was not told of before. `told`
/// has the waits that were: owner, and since when.
pub(crate) fn stalls(threshold: u64, told: &mut Vec<(OwnerId, u64)>) -> Option<Arc<Finding>> {
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
    let new = |stuck: &Stuck| {
        counts(stuck)
            && waits(stuck).is_some_and(|key| !told.contains(&key))
            // A wait in a deadlock was told of, and why.
            && !wait::waits().is_told(stuck)
    };
    let first = all.iter().position(new)?;
    told.extend(all.iter().filter(|stuck| too_long(stuck)).filter_map(waits));
    all[..=first].rotate_right(1);
    let seq = graph().next_seq();
    Some(note(evidence::stall(&all, &mut named, seq)))
}

/// The owner with its name.
fn named(owner: OwnerId) -> OwnerRef {
    OwnerRef { id: owner.0, name: super::owner_name(owner) }
}

/// True where the finding ends the process.
pub(super) fn aborts(finding: &Finding) -> bool {
    config::level(finding.kind, finding.confidence) == Level::Abort
}
