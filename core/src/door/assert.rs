//! What a program claims of the running owner's held set.
//!
//! Where the recorder is off or runs already on this thread nothing is known, and every claim holds.
//! A claim about a lock that does not hold is reported as LG013; each function gives the message of
//! that. Cost: a look at each hold.

use super::careful_block;
use crate::finding::Misuse;
use crate::held::Hold;
use crate::lock::LockHeader;
use crate::mode::Policy;
use crate::owner::OwnerBlock;
use crate::recorder::{self, Inside};
use std::panic::Location;

/// The running owner holds `lock`.
///
/// # Errors
/// Where it does not.
#[track_caller]
pub fn assert_held(lock: &LockHeader, policy: &'static Policy) -> Result<(), String> {
    let Some(block) = careful_block() else { return Ok(()) };
    let id = lock.id().0;
    if id != 0 && block.holds().any(|hold| hold.id == id) {
        return Ok(());
    }
    {
        let _inside = Inside::enter(block);
        recorder::identify(block, lock, policy, None);
    }
    match recorder::misuse(block, lock, Misuse::AssertNotHeld, Some(Location::caller())) {
        Some(message) => Err(message),
        None => Ok(()),
    }
}

/// The running owner does not hold `lock`.
///
/// # Errors
/// Where it does.
#[track_caller]
pub fn assert_not_held(lock: &LockHeader) -> Result<(), String> {
    let Some(block) = careful_block().filter(|_| !lock.is_unborn()) else { return Ok(()) };
    let id = lock.id().0;
    free(block, |hold| hold.id == id)
}

/// The running owner holds a lock with this name. There is no lock to report where it does not.
///
/// # Errors
/// Where it does not.
pub fn assert_held_by_name(name: &str) -> Result<(), String> {
    let Some(block) = careful_block() else { return Ok(()) };
    if block.holds().any(|hold| hold.class.name == Some(name)) {
        return Ok(());
    }
    let _inside = Inside::enter(block);
    Err(recorder::not_held(block, name))
}

/// The running owner holds no lock with this name.
///
/// # Errors
/// Where it does.
#[track_caller]
pub fn assert_not_held_by_name(name: &str) -> Result<(), String> {
    let Some(block) = careful_block() else { return Ok(()) };
    free(block, |hold| hold.class.name == Some(name))
}

#[track_caller]
fn free(block: &'static OwnerBlock, is_meant: impl Fn(&Hold) -> bool) -> Result<(), String> {
    let Some(hold) = block.holds().find(is_meant) else { return Ok(()) };
    let at = Some(Location::caller());
    match recorder::misuse_of(block, (hold.id, hold.class), Misuse::AssertHeld, at) {
        Some(message) => Err(message),
        None => Ok(()),
    }
}
