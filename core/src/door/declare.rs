//! What a program, or its wrapper, says of a lock.

use super::careful_block;
use crate::lock::LockHeader;
use crate::mode::Policy;
use crate::owner;
use crate::recorder::{self, Change, Inside};

/// Names a lock: from now on its name is its class.
pub fn name(lock: &LockHeader, policy: &'static Policy, name: &str) {
    if let Some(block) = careful_block() {
        recorder::reclassify(block, lock, policy, Change::Name(name));
    }
}

/// Puts a lock on a level of its class: locks of another level count as another class.
pub fn nest(lock: &LockHeader, policy: &'static Policy, level: u8) {
    if let Some(block) = careful_block() {
        recorder::reclassify(block, lock, policy, Change::Level(level));
    }
}

/// Declares that locks of this class which nest are taken in the order of a key.
pub fn key(lock: &LockHeader, policy: &'static Policy) {
    if let Some(block) = careful_block() {
        recorder::reclassify(block, lock, policy, Change::Keyed);
    }
}

/// The place of a lock in one order of all locks: the position of its class, and its id. The lock
/// is born here if need be, also where the recorder is off: an order must not change with the tier.
pub fn place(lock: &LockHeader, policy: &'static Policy) -> (u32, u64) {
    if lock.is_unborn() {
        if let Some(block) = owner::enter(super::thread_ends) {
            let _inside = Inside::enter(block);
            recorder::identify(block, lock, policy, None);
        }
    }
    (0, lock.id().0)
}

/// Forgets every order in which the lock was taken. Where it is held, it stays held.
pub fn forget_order(lock: &LockHeader) {
    if lock.is_unborn() {
        return;
    }
    if let Some(block) = careful_block() {
        if let (Some(fresh), Some(_inside)) = (block.fresh_id(), Inside::enter(block)) {
            recorder::forget_order(lock, fresh);
        }
        block.settle_books();
    }
}
