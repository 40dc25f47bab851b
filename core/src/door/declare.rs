//! What a program, or its wrapper, says of a lock.

use super::careful_block;
use crate::lock::LockHeader;
use crate::mode::Policy;
use crate::recorder::{self, Change, Inside};

/// Gives an unborn lock the type that it protects. Cold; call it where `lock.is_unborn()`.
#[cold]
pub fn adopt(lock: &LockHeader, policy: &'static Policy, type_name: &'static str) {
    if let Some(block) = careful_block() {
        let _inside = Inside::enter(block);
        recorder::identify(block, lock, policy, Some(type_name));
    }
}

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
