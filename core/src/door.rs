//! The one door between lock wrappers and the recorder.
//!
//! Call order for one acquisition:
//! blocking: [`before`], the real lock (fast try; [`blocked`] where it would park), [`acquired`];
//! try and timed: the real lock ([`timed`] where it would park), [`acquired`] on success. Then [`released`] with the token
//! *before* the raw unlock.
//!
//! A blocking request may take a short cut first: a try of the real lock, and on success
//! [`granted`], one call for all. Where that has no token to give there is something to look at:
//! the real lock is given back, and the request starts again with [`before`].
//!
//! No function here allocates, takes a lock or reads a clock on a known edge. Where the recorder
//! is off, not yet configured, or runs already on this thread, every call passes through.

mod assert;
mod children;
mod declare;
mod hold;
mod life;
mod scope;
mod steer;
mod thread;
mod wait;

use crate::config::{self, Tier, UNREAD};
use crate::copies::{self, forward};
use crate::detector;
use crate::finding::Misuse;
use crate::held::Hold;
use crate::joins;
use crate::lock::{LockHeader, Site};
use crate::mode::{Mode, Policy, Want};
use crate::owner::{self, HINTED, INSIDE, LINGERING, OwnerBlock, RELEASED_ELSEWHERE, STEERED};
use crate::process;
use crate::recorder::{self, Inside};
use crate::stds::{Refuse, refuse};
use std::panic::Location;

pub use crate::parked::Waiting;
pub use assert::{assert_held, assert_held_by_name, assert_not_held, assert_not_held_by_name};
pub(crate) use assert::{assert_held_at, assert_not_held_at, assert_not_held_by_name_at};
pub use children::Children;
pub use declare::*;
pub use hold::{
    Granted, acquired, granted, granted_alone, granted_shared, granted_writer, released,
};
pub use life::{adopt, adopt_at, lock_dropped, lock_reinitialised};
pub(crate) use life::{lock_ended, lock_reinitialised_at};
pub use scope::*;
pub use steer::{Steered, insists, scope_released, scope_steered};
pub use thread::*;
pub use wait::{Parked, blocked, no_locks_held, permit, sleeps, timed, waiting};
pub(crate) use wait::{no_locks_held_or, threads};

/// The hold that an acquisition made; lives in the guard. 0 is "untracked".
///
/// `block << 40 | generation << 24 | place`.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a token that is dropped leaves its hold in the held set"]
pub struct Token(u64);

impl Token {
    /// The token of an acquisition that the recorder does not follow.
    pub const UNTRACKED: Token = Token(0);

    /// True where nothing has to be told of the end: `lock` was never tracked.
    #[inline(always)]
    pub fn is_nothing(&self, lock: &LockHeader) -> bool {
        self.0 == 0 && lock.is_unborn()
    }

    /// For a lock that keeps the token where its guard cannot.
    #[inline]
    pub fn into_bits(self) -> u64 {
        self.0
    }

    /// The token that [`into_bits`](Self::into_bits) has taken apart.
    #[inline]
    pub fn from_bits(bits: u64) -> Token {
        Token(bits)
    }

    fn block(&self) -> u32 {
        (self.0 >> 40) as u32
    }

    fn generation(&self) -> u16 {
        (self.0 >> 24) as u16
    }

    fn place(&self) -> u32 {
        self.0 as u32 & 0xFF_FFFF
    }
}

/// True where nothing is recorded (tier `off`): what is locked meanwhile needs no other call.
#[cfg_attr(debug_assertions, inline(never))]
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn is_off() -> bool {
    // `Off` or lost: the two between `UNREAD` and the tiers that record.
    config::tier().wrapping_sub(UNREAD + 1) < Tier::Off as u8
}

/// True where something is recorded; neither this nor [`is_off`] before the first call that asks.
#[cfg_attr(debug_assertions, inline(never))]
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn is_on() -> bool {
    config::tier() > Tier::Off as u8
}

/// A fresh blocking request. Reports LG001, LG003, LG006 before the caller blocks.
///
/// Cost: with nothing held a few loads; on a known edge one probe of a per-thread table.
///
/// # Panics
/// Where the level of a reported kind is `deny` and the thread is not already unwinding. The
/// caller holds nothing new then.
#[inline(never)]
pub fn before(lock: &LockHeader, policy: &'static Policy, want: Want, site: Site) {
    before_or(lock, policy, want, site, refuse);
}

/// As [`before`], which panics by `refuse`.
pub(crate) fn before_or(
    lock: &LockHeader,
    policy: &'static Policy,
    want: Want,
    site: Site,
    refuse: Refuse,
) {
    forward!(before(lock, policy, want, site, refuse));
    careful_before(lock, policy, want, site, false, refuse);
}

/// A blocking re-acquisition (condition variable, `bump`, `unlocked`). As [`before`], but never
/// panics: where the level is `deny` and the request certainly hangs, the process aborts
/// (`LOCKGRAPH=..,certain=hang` lets it hang).
#[inline(never)]
pub fn before_relock(lock: &LockHeader, policy: &'static Policy, want: Want, site: Site) {
    forward!(before_relock(lock, policy, want, site));
    careful_before(lock, policy, want, site, true, refuse);
}

fn careful_before(
    lock: &LockHeader,
    policy: &'static Policy,
    want: Want,
    site: Site,
    relock: bool,
    refuse: Refuse,
) {
    let Some(block) = careful_block() else { return };
    let (site, relock) = match block.hint.get() {
        Some((site, again)) => (site, relock || again),
        None => (site, relock),
    };
    if lock.is_unborn() {
        let _inside = Inside::enter(block);
        recorder::identify(block, lock, policy, None);
    }
    if block.held.is_empty() && detector::is_wanted() {
        let _inside = Inside::enter(block);
        detector::ensure();
    }
    if !lock.is_unborn() {
        block.recent.note(lock.id().0, want, site);
    }
    if !is_known(block, lock, policy, want) {
        recorder::request(block, lock, policy, want, site, relock, refuse);
    }
    if block.flags() & STEERED != 0 && !relock {
        steer::pause(block, lock, want, site);
    }
}

/// Nothing to look at: a request with nothing held, or one that told everything before, or in tier
/// `watch` one for a lock that the owner does not hold. The first writer of a lock with readers is
/// news also where it holds nothing.
fn is_known(block: &OwnerBlock, lock: &LockHeader, policy: &Policy, want: Want) -> bool {
    if block.held.is_empty() && !(policy.shared && want.is_writer()) {
        return true;
    }
    let head = lock.head();
    if config::tier() == Tier::Watch as u8 {
        !block.held.has(head)
    } else {
        block.knows(head, want)
    }
}

/// Runs `f` as an owner that is inside the recorder: what it locks passes through.
pub(crate) fn untracked<R>(f: impl FnOnce() -> R) -> R {
    let _inside = careful_block().and_then(Inside::enter);
    f()
}

/// The running owner where something is to be recorded, with its books in order.
fn careful_block() -> Option<&'static OwnerBlock> {
    if config::is_idle(process::tier_or_start()) {
        return None;
    }
    let block = owner::enter(thread_ends)?;
    if block.flags() & INSIDE != 0 {
        recorder::count_untracked();
        return None;
    }
    block.settle_books();
    Some(block)
}

/// A guard state that was made up, for an acquisition whose guard was forgotten, has no token, and so
/// has a shared hold of a lock that can keep one token alone: the hold is looked up. An acquisition
/// that passed through untracked has no hold to be found.
#[cold]
fn released_without_token(lock: &LockHeader) {
    let Some(block) = careful_block() else { return };
    let id = lock.id().0;
    let newest = |shared: bool| {
        let fits = |hold: &Hold| hold.id == id && !(shared && hold.mode.is_owned());
        block.held.iter().find(|(_, hold)| fits(hold))
    };
    // One that is not shared keeps its token, and may be the newer one.
    if let Some((place, hold)) = newest(true).or_else(|| newest(false)) {
        block.held.remove(place, id, block.generation());
        disown(lock, id, hold.mode);
    } else {
        released_elsewhere(lock, id);
    }
}

/// Ends what another owner holds of a lock, where nothing tells which hold it is.
fn released_elsewhere(lock: &LockHeader, id: u64) {
    let holder = owner::block(lock.owner());
    if let Some(holder) = holder.or_else(|| owner::find(|other| other.held.holds(id))) {
        if lock.owner() != 0 {
            lock.set_owner(id, 0);
        }
        holder.held.purge(id);
        holder.set(RELEASED_ELSEWHERE);
    }
}

/// From now on the lock is used past the recorder: whatever is held of it ends here, and counts as
/// untracked.
pub fn lock_exposed(lock: &LockHeader) {
    forward!(lock_exposed(lock));
    let Some(block) = careful_block().filter(|_| !lock.is_unborn()) else { return };
    recorder::count_untracked();
    let id = lock.id().0;
    while let Some((place, hold)) = block.held.iter().find(|(_, hold)| hold.id == id) {
        block.held.remove(place, id, block.generation());
        disown(lock, id, hold.mode);
    }
    released_elsewhere(lock, id);
}

fn disown(lock: &LockHeader, id: u64, mode: Mode) {
    if mode.is_owned() {
        lock.set_owner(id, 0);
    }
}

fn careful_released(lock: &LockHeader, token: Token) {
    if let Some(host) = copies::joined() {
        return (host.released)(lock, token);
    }
    if config::is_lost() {
        return;
    }
    if token == Token::UNTRACKED {
        if !lock.is_unborn() {
            released_without_token(lock);
        }
        return;
    }
    let id = lock.id().0;
    let (place, generation) = (token.place(), token.generation());
    let Some(block) = owner::current().filter(|block| block.index() == token.block()) else {
        // Somebody else's hold, or that of an owner that has ended.
        if let Some(block) = owner::block(token.block()) {
            if let Some(mode) = block.release_elsewhere(place, id, generation) {
                disown(lock, id, mode);
            }
        }
        return;
    };
    if let Some(mode) = block.held.remove(place, id, generation) {
        disown(lock, id, mode);
    }
    if block.flags() & (LINGERING | INSIDE) == LINGERING && block.held.is_empty() {
        owner_ends(block);
    }
}

/// As [`released`], for lock libraries that keep no state per acquisition: ends the newest hold
/// of `lock` by the running owner. Reports LG013 (and returns false) where there is none.
#[track_caller]
pub fn released_by_lock(lock: &LockHeader) -> bool {
    released_by_lock_at(lock, Location::caller())
}

pub(crate) fn released_by_lock_at(lock: &LockHeader, site: Site) -> bool {
    forward!(released_by_lock(lock, site));
    let Some(block) = careful_block() else { return true };
    let id = lock.id().0;
    let newest = block.held.iter().find(|(_, hold)| hold.id == id);
    if let Some((place, hold)) = newest {
        block.held.remove(place, id, block.generation());
        disown(lock, id, hold.mode);
        return true;
    }
    if lock.is_unborn() {
        // Never taken while the recorder was on: maybe it was taken before.
        recorder::count_untracked();
        return true;
    }
    let held = owner::find(|other| other.held.holds(id)).is_some();
    let what = if held { Misuse::UnlockNotHeld } else { Misuse::DoubleUnlock };
    recorder::misuse(block, lock, what, Some(site));
    false
}

/// The hold changes its mode in place: a downgrade, or an upgrade that was granted.
pub fn converted(lock: &LockHeader, token: &mut Token, mode: Mode) {
    if *token == Token::UNTRACKED || config::is_lost() {
        return;
    }
    forward!(converted(lock, token, mode));
    let id = lock.id().0;
    let (place, generation) = (token.place(), token.generation());
    let own = owner::current().filter(|block| block.index() == token.block());
    let Some(block) = own.or_else(|| owner::block(token.block())) else { return };
    if block.held.convert(place, id, generation, mode, own.is_some()).is_some() {
        match mode {
            Mode::Exclusive | Mode::Upgradable => lock.set_owner(id, block.index()),
            Mode::Shared | Mode::SharedRecursive => lock.set_owner(id, 0),
        }
        if own.is_none() {
            block.set(RELEASED_ELSEWHERE);
        }
    }
}

/// The running owner is about to wait on a condition variable with `lock`, which it holds:
/// reports LG011 where it holds any other lock besides.
pub fn condvar_wait(lock: &LockHeader, site: Site) {
    forward!(condvar_wait(lock, site));
    if let Some(block) = careful_block() {
        let site = block.hint.get().map_or(site, |(site, _)| site);
        recorder::condvar_wait(block, lock, site);
    }
}

/// Somebody waits on the same condition variable with another mutex: LG013.
pub fn condvar_two_mutexes(lock: &LockHeader, site: Site) {
    forward!(condvar_two_mutexes(lock, site));
    if let Some(block) = careful_block() {
        let site = block.hint.get().map_or(site, |(site, _)| site);
        recorder::misuse(block, lock, Misuse::CondvarTwoMutexes, Some(site));
    }
}

/// While it lives, acquisitions of the running owner count as made at its site (and as
/// re-acquisitions where it says so): for lock libraries that lose the caller on the way.
#[derive(Debug)]
#[must_use = "the site counts while this lives"]
pub struct At {
    before: Option<(Site, bool)>,
    active: bool,
}

/// See [`At`].
pub fn at(site: Site, relock: bool) -> At {
    forward!(at(site, relock));
    match careful_block() {
        Some(block) => {
            let before = block.hint.replace(Some((site, relock)));
            block.set(HINTED);
            At { before, active: true }
        }
        None => At { before: None, active: false },
    }
}

impl Drop for At {
    fn drop(&mut self) {
        match copies::joined() {
            Some(host) => (host.at_over)(self),
            None => self.over(),
        }
    }
}

impl At {
    pub(crate) fn over(&self) {
        if let Some(block) = owner::current().filter(|_| self.active) {
            block.hint.set(self.before);
            if self.before.is_none() {
                block.unset(HINTED);
            }
        }
    }
}

/// Called when a thread ends.
fn thread_ends() {
    if let Some(block) = owner::current() {
        owner_ends(block);
    }
}

/// The running thread ends, or its last late hold does.
fn owner_ends(block: &'static OwnerBlock) {
    if config::is_lost() {
        return;
    }
    if config::tier() > Tier::Off as u8 {
        block.settle_books();
        recorder::owner_ends(block);
        joins::thread_ended(block);
        steer::ends(block);
    }
    block.retire();
}
