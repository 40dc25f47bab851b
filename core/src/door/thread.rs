//! The starts, the ends and the joins of threads.
//!
//! Call order: [`thread_starting`] in the parent, [`thread_started`] first in the child; then
//! [`thread_joining`] before the real join and [`thread_joined`] after it, or [`thread_detached`]
//! where nobody will join. A scope calls [`closure_ended`] at the end of each closure as well.

use super::careful_block;
use crate::config::{self, Tier};
use crate::finding::Wait;
use crate::joins;
use crate::lock::Site;
use crate::owner::FOLLOWED;
use crate::recorder::{self, Inside};

pub use crate::joins::Until;

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
    let Some(block) = careful_block() else { return Birth::UNTRACKED };
    let _inside = Inside::enter(block);
    recorder::introduce(block);
    let Some(number) = recorder::thread_starting(block) else { return Birth::UNTRACKED };
    Birth { number, record: joins::open(number), scope: block.scope.get() }
}

/// Called first on the started thread.
pub fn thread_started(birth: Birth) {
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
    }
}

/// The closure of the started thread has ended: all that the end of a scope waits for.
pub fn closure_ended(birth: Birth) {
    if let Some(block) = careful_block().filter(|_| birth != Birth::UNTRACKED) {
        joins::closure_ended(birth.record, birth.number, block);
    }
}

/// The running owner is about to wait for the thread. Reports LG008 where it holds a lock that the
/// thread has asked for. Never panics.
pub fn thread_joining(birth: Birth, site: Site, until: Until) {
    if config::tier() < Tier::Full as u8 || birth == Birth::UNTRACKED {
        return;
    }
    let Some(block) = careful_block() else { return };
    let Some(_inside) = Inside::enter(block) else { return };
    recorder::introduce(block);
    let met = joins::joining((birth.record, birth.number), block, site, until);
    met.iter().for_each(|met| recorder::held_across_wait(met, Wait::Ahead));
}

/// The running owner has joined the thread, which has ended. Reports LG008 where it holds a lock
/// that the thread asked for, after a [`thread_joining`].
pub fn thread_joined(birth: Birth) {
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
        joins::detached(birth.record, birth.number);
    }
}

/// What a wait that is no lock request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Waiting {
    /// A message.
    Message,
    /// Room for a message.
    Room,
}

/// While it lives, the running owner waits.
#[derive(Debug)]
#[must_use = "the wait counts while this lives"]
pub struct Waits(());

/// The running owner is about to block, and for no lock. Nothing is reported of such waits yet.
pub fn waiting(what: Waiting, site: Site) -> Waits {
    let _ = (what, site);
    Waits(())
}
