//! The starts, the ends and the joins of threads.
//!
//! Call order: [`thread_starting`] in the parent, [`thread_started`] first in the child; then
//! [`thread_joining`] before the real join and [`thread_joined`] after it, or [`thread_detached`]
//! where nobody will join. A scope calls [`closure_ended`] at the end of each closure as well.

use super::careful_block;
use super::wait::{self, Parked};
use crate::config::{self, Tier};
use crate::copies::forward;
use crate::finding::Wait;
use crate::joins::{self, Until};
use crate::lock::Site;
use crate::mode::Want;
use crate::owner::{FOLLOWED, OwnerBlock, STEERED};
use crate::recorder::{self, Inside};
use crate::stds::refuse;
use crate::steer;

/// What a thread start hands to the child, and to whoever joins it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Birth {
    number: u32,
    record: u32,
    /// The observation that the child belongs to: its parent's.
    scope: u32,
}

impl Birth {
    /// The birth of a thread that the recorder does not follow.
    pub const UNTRACKED: Birth = Birth { number: 0, record: 0, scope: 0 };
}

/// The running owner is about to start a thread. Its next holds belong to a new segment.
pub fn thread_starting() -> Birth {
    forward!(thread_starting());
    let Some(block) = careful_block() else { return Birth::UNTRACKED };
    let _inside = Inside::enter(block);
    recorder::introduce(block);
    let Some(number) = recorder::thread_starting(block) else { return Birth::UNTRACKED };
    let scope = block.scope.get();
    if block.flags() & STEERED != 0 {
        steer::starting(scope);
    }
    Birth { number, record: joins::open(number), scope }
}

/// Called first on the started thread.
pub fn thread_started(birth: Birth) {
    forward!(thread_started(birth));
    if let Some(block) = careful_block().filter(|_| birth != Birth::UNTRACKED) {
        let _inside = Inside::enter(block);
        block.scope.set(birth.scope);
        block.recent.clear();
        recorder::thread_started(block, birth.number);
        block.record.set(birth.record);
        if birth.record != 0 {
            block.set(FOLLOWED);
        }
        joins::started(birth.record, birth.number, block);
        steer::started(block, birth.scope);
    }
}

/// The closure of the started thread has ended: all that the end of a scope waits for.
pub fn closure_ended(birth: Birth) {
    forward!(closure_ended(birth));
    if let Some(block) = careful_block().filter(|_| birth != Birth::UNTRACKED) {
        joins::closure_ended(birth.record, birth.number, block);
    }
}

/// The running owner is about to wait for the end of the thread: it waits as long as what is
/// returned lives, which is dropped after [`thread_joined`]. Reports LG008 where it holds a lock that
/// the thread has asked for, and LG002 where neither can go on.
///
/// # Panics
/// Where LG002 is denied (the default in tier `full`) and the running thread is not unwinding.
pub fn thread_joining(birth: Birth, site: Site) -> Parked {
    joining(birth, site, Until::ThreadEnds);
    wait::threads(site, true, refuse)
}

/// The running owner is about to wait for the thread, maybe among others.
pub(crate) fn joining(birth: Birth, site: Site, until: Until) {
    forward!(joining(birth, site, until));
    let Some(block) = careful_block().filter(|_| birth != Birth::UNTRACKED) else { return };
    let Some(_inside) = Inside::enter(block) else { return };
    recorder::introduce(block);
    let look = config::tier() == Tier::Full as u8;
    let met = joins::joining((birth.record, birth.number), block, site, until, look);
    met.iter().for_each(|met| recorder::held_across_wait(met, Wait::Ahead));
}

/// The running owner has joined the thread, which has ended. Reports LG008 where it holds a lock
/// that the thread asked for, after a [`thread_joining`].
pub fn thread_joined(birth: Birth) {
    forward!(thread_joined(birth));
    if let Some(block) = careful_block().filter(|_| birth != Birth::UNTRACKED) {
        let _inside = Inside::enter(block);
        recorder::introduce(block);
        recorder::thread_joined(block, birth.number);
        let met = joins::joined(birth.record, birth.number);
        met.iter().for_each(|met| recorder::held_across_wait(met, Wait::Over));
    }
}

/// Nobody will wait for the thread.
pub fn thread_detached(birth: Birth) {
    if birth != Birth::UNTRACKED {
        forward!(thread_detached(birth));
        joins::detached(birth.record, birth.number);
    }
}

/// The running owner is about to park for a lock: whether somebody who waits for its end holds it.
#[cold]
pub(super) fn meets_joiner(block: &'static OwnerBlock, id: u64, want: Want, site: Site) {
    if config::tier() < Tier::Full as u8 || block.record.get() == 0 {
        return;
    }
    let Some(met) = joins::parking(block, id, want, site) else { return };
    if let Some(_inside) = Inside::enter(block) {
        recorder::held_across_wait(&met, Wait::Ahead);
    }
}
