//! The first use of a lock, and its end.
//!
//! Most locks that come and go are never nested. Both are short then: no lock of the recorder is
//! taken, and what is written is the lock and the counts of its class. What is unusual goes to the
//! careful function below each.

use super::{careful_block, is_off, is_on};
use crate::class;
use crate::config;
use crate::copies::forward;
use crate::finding::Misuse;
use crate::lock::{LockHeader, Origin, Site};
use crate::mode::Policy;
use crate::owner::{self, OwnerBlock, RELEASED_ELSEWHERE};
use crate::recorder::{self, Inside};
use std::panic::Location;

/// Gives an unborn lock the type that it protects. Call it where `lock.is_unborn()`.
///
/// Cost: three changes of shared words, those of the lock and the count of its class.
#[inline]
pub fn adopt(lock: &LockHeader, policy: &'static Policy, type_name: &'static str) {
    if !is_off() {
        first_use(lock, policy, type_name);
    }
}

/// As [`adopt`], for a lock that has no room for its creation site: what can be said of it is where it
/// is first locked, `site`.
///
/// Cost: a lock of the recorder's, and an entry in its table of classes.
#[inline(never)]
pub fn adopt_at(lock: &LockHeader, policy: &'static Policy, type_name: &'static str, site: Site) {
    forward!(adopt_at(lock, policy, type_name, site));
    if let Some(block) = careful_block() {
        let _inside = Inside::enter(block);
        lock.settle(|_| class::first_locked(policy, site, Some(type_name)));
        recorder::identify(block, lock, policy, Some(type_name));
    }
}

#[inline(never)]
fn first_use(lock: &LockHeader, policy: &'static Policy, type_name: &'static str) {
    let born = usual().is_some_and(|block| recorder::bear_at_once(block, lock, policy, type_name));
    if !born {
        careful_first_use(lock, policy, type_name);
    }
}

#[cold]
fn careful_first_use(lock: &LockHeader, policy: &'static Policy, type_name: &'static str) {
    forward!(adopt(lock, policy, type_name));
    if let Some(block) = careful_block() {
        let _inside = Inside::enter(block);
        recorder::identify(block, lock, policy, Some(type_name));
    }
}

/// The running owner, where nothing is unusual about it and something is recorded.
#[inline(always)]
fn usual() -> Option<&'static OwnerBlock> {
    let open = |block: &'static OwnerBlock| block.held.near_top().map(|_| block);
    open(owner::usual()).or_else(|| open(owner::followed())).filter(|_| is_on())
}

/// The lock object is gone. Reports LG013 where somebody holds it.
///
/// Cost: a change of a count of its class; where the lock was ever nested, a visit to the graph.
#[inline]
#[track_caller]
pub fn lock_dropped(lock: &LockHeader) {
    if !is_quiet_end(lock) {
        lock_ended(lock, Misuse::DropWhileHeld, Location::caller());
    }
}

/// Ends a lock that was never used, or that nobody holds and that is in no order.
#[inline(never)]
fn is_quiet_end(lock: &LockHeader) -> bool {
    if lock.is_unborn() {
        return true;
    }
    let Origin::Class(class) = lock.origin() else { return false };
    // Nothing but a look at all owners tells who reads.
    let quiet = !class.policy.shared && lock.owner() == 0 && usual().is_some();
    if quiet && recorder::is_unordered(lock) {
        class.tally.dropped();
        return true;
    }
    false
}

/// The lock object was initialised anew in place: it has nothing to do with its past any more.
/// Reports LG013 where somebody holds it.
#[track_caller]
pub fn lock_reinitialised(lock: &LockHeader) {
    lock_reinitialised_at(lock, Location::caller());
}

pub(crate) fn lock_reinitialised_at(lock: &LockHeader, site: Site) {
    forward!(lock_reinitialised(lock, site));
    lock_ended(lock, Misuse::InitWhileHeld, site);
    if lock.is_unborn() || config::is_lost() {
        return;
    }
    if let Some(id) = owner::current().and_then(OwnerBlock::fresh_id) {
        lock.reborn(id);
    }
}

pub(crate) fn lock_ended(lock: &LockHeader, what: Misuse, at: Site) {
    if lock.is_unborn() {
        return;
    }
    forward!(lock_ended(lock, what, at));
    let Some(block) = careful_block() else { return };
    let id = lock.id().0;
    let mut reported = false;
    while let Some(holder) = recorder::holder_of(block, lock) {
        if !std::mem::replace(&mut reported, true) {
            recorder::misuse(block, lock, what, Some(at));
        }
        // The dead lock orders nothing any more.
        lock.set_owner(id, 0);
        holder.held.purge(id);
        holder.set(RELEASED_ELSEWHERE);
    }
    if let (Origin::Class(class), Misuse::DropWhileHeld) = (lock.origin(), what) {
        class.tally.dropped();
    }
    let _inside = Inside::enter(block);
    recorder::forget(id);
}
