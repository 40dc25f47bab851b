//! The identity of a lock: its birth, what a program says of it, and a new id for an old lock.
//!
//! The running owner is inside the recorder, and no lock of ours is held on entry.

use super::{Inside, declare_order, forget, tell};
use crate::class::{self, Identity};
use crate::lock::{Class, Label, LockHeader, Origin};
use crate::mode::Policy;
use crate::owner::{self, OwnerBlock, RELEASED_ELSEWHERE};
use crate::sink::journal;

/// The id and class of a lock, which is born here where it was not. `None` where ids are used up.
pub(crate) fn identify(
    block: &OwnerBlock,
    lock: &LockHeader,
    policy: &'static Policy,
    type_name: Option<&'static str>,
) -> Option<(u64, &'static Class)> {
    if let Origin::Label(Label { order: Some(order), .. }) = lock.origin() {
        declare_order(order);
    }
    let class = lock.settle(|origin| class::of(policy, origin, type_name));
    let id = match lock.id().0 {
        0 => bear(lock, class, block.fresh_id()?),
        id => id,
    };
    Some((id, class))
}

/// As [`identify`] for the first use of a lock of a class that was seen lately, by an owner with an
/// id in stock, which need not be marked as inside: false where there is no such class or id.
pub(crate) fn bear_at_once(
    block: &OwnerBlock,
    lock: &LockHeader,
    policy: &'static Policy,
    type_name: &'static str,
) -> bool {
    let Origin::Site(site) = lock.origin() else { return false };
    let Some(class) = class::recent(policy, site, Some(type_name)) else { return false };
    let Some(fresh) = block.id_in_stock() else { return false };
    let class = lock.settle(|_| class);
    if lock.bear(fresh) == fresh && class.tally.born() {
        let _inside = Inside::enter(block);
        tell_use(class);
    }
    true
}

/// Gives the lock an id, unless another thread was first, and counts it.
fn bear(lock: &LockHeader, class: &'static Class, fresh: u64) -> u64 {
    let id = lock.bear(fresh);
    if id == fresh && class.tally.born() {
        tell_use(class);
    }
    id
}

/// Writes down how many locks of the class live: merging dumps needs it, also where the process is
/// killed.
#[cold]
fn tell_use(class: &'static Class) {
    if journal::is_open() {
        tell(|graph| graph.tell_use(class));
    }
}

/// Gives a lock another class: what it is with one thing changed.
pub(crate) fn reclassify(
    block: &OwnerBlock,
    lock: &LockHeader,
    policy: &'static Policy,
    change: Change<'_>,
) -> Option<()> {
    let _inside = Inside::enter(block)?;
    let origin = lock.origin();
    let mut identity: Identity<'_> = Identity::from(policy, origin, None);
    match change {
        Change::Name(name) => identity.name = Some(name),
        Change::Level(level) => identity.level = level,
        Change::Keyed => identity.keyed = true,
    }
    let class = class::intern(identity);
    lock.rename(class);
    if let (Origin::Class(before), false) = (origin, lock.is_unborn()) {
        before.tally.moved();
        if class.tally.born() {
            tell_use(class);
        }
    }
    Some(())
}

/// What a program declares of a lock.
pub(crate) enum Change<'a> {
    Name(&'a str),
    Level(u8),
    Keyed,
}

/// The lock is another one from now on, as far as orders go. Who holds it holds that one.
pub(crate) fn forget_order(lock: &LockHeader, fresh: u64) {
    let old = lock.id().0;
    lock.reborn(fresh);
    // The book of each holder is out of date now, as after a release by somebody else.
    while let Some(holder) = owner::find(|other| other.held.holds(old)) {
        holder.held.renumber(old, fresh);
        holder.set(RELEASED_ELSEWHERE);
    }
    forget(old);
}
