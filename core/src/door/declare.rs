//! What a program, or its wrapper, says of a lock.

use super::careful_block;
use crate::config;
use crate::copies::{self, forward};
use crate::declared;
use crate::lock::{LockHeader, Origin};
use crate::mode::Policy;
use crate::owner;
use crate::recorder::{self, Change, Inside};
use crate::rule::Order;

/// Names a lock: from now on its name is its class.
pub fn name(lock: &LockHeader, policy: &'static Policy, name: &str) {
    forward!(name(lock, policy, name));
    if let Some(block) = careful_block() {
        recorder::reclassify(block, lock, policy, Change::Name(name));
    }
}

/// Names a lock by a rank, whose order is in effect from now on.
pub fn rank(lock: &LockHeader, policy: &'static Policy, name: &str, order: Option<&'static Order>) {
    forward!(rank(lock, policy, name, order));
    if let Some(order) = order {
        recorder::declare_order(order);
    }
    self::name(lock, policy, name);
}

/// Puts a lock on a level of its class: locks of another level count as another class.
pub fn nest(lock: &LockHeader, policy: &'static Policy, level: u8) {
    forward!(nest(lock, policy, level));
    if let Some(block) = careful_block() {
        recorder::reclassify(block, lock, policy, Change::Level(level));
    }
}

/// Declares that locks of this class which nest are taken in the order of a key.
pub fn key(lock: &LockHeader, policy: &'static Policy) {
    forward!(key(lock, policy));
    if let Some(block) = careful_block() {
        recorder::reclassify(block, lock, policy, Change::Keyed);
    }
}

/// The place of a lock in one order of all locks: that of its class, and its id. The lock is born
/// here if need be, also where the recorder is off: an order must not change with the tier. In a
/// forked child an unborn lock has none.
///
/// Cost: a load, after the first call for a class.
pub fn place(lock: &LockHeader, policy: &'static Policy) -> (u64, u64) {
    if let Some(host) = copies::sought() {
        return (host.place)(lock, policy);
    }
    let is_lost = config::is_lost();
    if lock.is_unborn() && !is_lost {
        if let Some(block) = owner::enter(super::thread_ends) {
            let _inside = Inside::enter(block);
            recorder::identify(block, lock, policy, None);
        }
    }
    let Origin::Class(class) = lock.origin() else { return (0, lock.id().0) };
    let place = match declared::given_place(class) {
        0 if !is_lost => recorder::untracked(|| declared::place(class)),
        place => place,
    };
    (place, lock.id().0)
}

/// Forgets every order in which the lock was taken. Where it is held, it stays held.
pub fn forget_order(lock: &LockHeader) {
    if lock.is_unborn() {
        return;
    }
    forward!(forget_order(lock));
    if let Some(block) = careful_block() {
        if let (Some(fresh), Some(_inside)) = (block.fresh_id(), Inside::enter(block)) {
            recorder::forget_order(lock, fresh);
        }
        block.settle_books();
    }
}
