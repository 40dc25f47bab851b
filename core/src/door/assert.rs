//! What a program claims of the running owner's held set.
//!
//! Where the recorder is off or runs already on this thread nothing is known, and every claim holds.
//! A claim about a lock that does not hold is reported as LG013; each function gives the message of
//! that. Cost: a look at each hold.

use super::careful_block;
use crate::copies;
use crate::finding::Misuse;
use crate::held::Hold;
use crate::lock::{LockHeader, Site};
use crate::mode::Policy;
use crate::owner::OwnerBlock;
use crate::recorder::{self, Inside};
use crate::stds::Hear;
use std::panic::Location;

/// The running owner holds `lock`.
///
/// # Errors
/// Where it does not.
#[track_caller]
pub fn assert_held(lock: &LockHeader, policy: &'static Policy) -> Result<(), String> {
    assert_held_at(lock, policy, Location::caller())
}

pub(crate) fn assert_held_at(
    lock: &LockHeader,
    policy: &'static Policy,
    site: Site,
) -> Result<(), String> {
    if let Some(host) = copies::host() {
        return answer(|hear| (host.assert_held)(lock, policy, site, hear));
    }
    let Some(block) = careful_block() else { return Ok(()) };
    let id = lock.id().0;
    if id != 0 && block.holds().any(|hold| hold.id == id) {
        return Ok(());
    }
    {
        let _inside = Inside::enter(block);
        recorder::identify(block, lock, policy, None);
    }
    match recorder::misuse(block, lock, Misuse::AssertNotHeld, Some(site)) {
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
    assert_not_held_at(lock, Location::caller())
}

pub(crate) fn assert_not_held_at(lock: &LockHeader, site: Site) -> Result<(), String> {
    if let Some(host) = copies::host() {
        return answer(|hear| (host.assert_not_held)(lock, site, hear));
    }
    let Some(block) = careful_block().filter(|_| !lock.is_unborn()) else { return Ok(()) };
    let id = lock.id().0;
    free(block, site, |hold| hold.id == id)
}

/// The running owner holds a lock with this name. There is no lock to report where it does not.
///
/// # Errors
/// Where it does not.
pub fn assert_held_by_name(name: &str) -> Result<(), String> {
    if let Some(host) = copies::host() {
        return answer(|hear| (host.assert_held_by_name)(name, hear));
    }
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
    assert_not_held_by_name_at(name, Location::caller())
}

pub(crate) fn assert_not_held_by_name_at(name: &str, site: Site) -> Result<(), String> {
    if let Some(host) = copies::host() {
        return answer(|hear| (host.assert_not_held_by_name)(name, site, hear));
    }
    let Some(block) = careful_block() else { return Ok(()) };
    free(block, site, |hold| hold.class.name == Some(name))
}

/// What the process's recorder says, where this copy has joined it.
fn answer(ask: impl FnOnce(Hear<'_>)) -> Result<(), String> {
    copies::heard(ask).map_or(Ok(()), Err)
}

fn free(
    block: &'static OwnerBlock,
    site: Site,
    is_meant: impl Fn(&Hold) -> bool,
) -> Result<(), String> {
    let Some(hold) = block.holds().find(is_meant) else { return Ok(()) };
    match recorder::misuse_of(block, (hold.id, hold.class), Misuse::AssertHeld, Some(site)) {
        Some(message) => Err(message),
        None => Ok(()),
    }
}
