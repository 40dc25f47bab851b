//! The one door between lock wrappers and the recorder.
//!
//! Call order for one acquisition:
//! blocking: [`before`], the real lock (fast try; [`blocked`] where it would park), [`acquired`];
//! try and timed: the real lock ([`timed`] where it would park), [`acquired`] on success. Then [`released`] with the token
//! *before* the raw unlock.
//!
//! No function here allocates, takes a lock or reads a clock on a known edge. Where the recorder
//! is off, not yet configured, or runs already on this thread, every call passes through.

mod children;
mod declare;
mod scope;
mod thread;
mod wait;

use crate::config::{self, Tier, UNREAD};
use crate::detector;
use crate::finding::Misuse;
use crate::joins;
use crate::lock::{LockHeader, Origin, Site};
use crate::mode::{Mode, Policy, Want};
use crate::owner::{self, HINTED, INSIDE, LINGERING, OwnerBlock, RELEASED_ELSEWHERE};
use crate::process;
use crate::recorder::{self, Inside};
use std::panic::Location;

pub use crate::parked::Waiting;
pub use children::Children;
pub use declare::*;
pub use scope::*;
pub use thread::*;
pub use wait::{Parked, blocked, no_locks_held, permit, sleeps, timed, waiting};

/// The hold that an acquisition made; lives in the guard. 0 is "untracked".
///
/// `block << 40 | slot << 16 | generation`.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a token that is dropped leaves its hold in the held set"]
pub struct Token(u64);

impl Token {
    /// The token of an acquisition that the recorder does not follow.
    pub const UNTRACKED: Token = Token(0);

    #[inline(always)]
    fn new(block: &OwnerBlock, slot: u32) -> Token {
        let generation = u64::from(block.generation());
        Token(u64::from(block.index()) << 40 | u64::from(slot) << 16 | generation)
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

    #[inline(always)]
    fn block(&self) -> u32 {
        (self.0 >> 40) as u32
    }

    #[inline(always)]
    fn slot(&self) -> u32 {
        (self.0 >> 16) as u32 & 0xFF_FFFF
    }

    #[inline(always)]
    fn generation(&self) -> u16 {
        self.0 as u16
    }
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
    if let Some(block) = owner::current() {
        if block.flags() == 0 {
            let tier = config::tier();
            if tier == Tier::Full as u8 && !lock.is_unborn() {
                block.recent.note(lock.id().0, want, site);
            }
            if block.held.is_empty() {
                // Nothing to order. A first writer of a lock with readers is news all the same.
                let news = tier == Tier::Full as u8 && policy.shared && want.is_writer();
                if tier != UNREAD && !news && (tier < Tier::Full as u8 || !lock.is_unborn()) {
                    return;
                }
            }
            if tier == Tier::Full as u8 {
                return nested(block, lock, policy, want, site);
            }
        }
    }
    careful_before(lock, policy, want, site, false);
}

/// A request with locks held, or by a writer. Apart from [`before`], which needs no stack frame so.
#[inline(never)]
fn nested(block: &OwnerBlock, lock: &LockHeader, policy: &'static Policy, want: Want, site: Site) {
    let id = lock.id().0;
    let key = block.chain_key(id, want);
    if id == 0 || !block.with_cache(|cache| cache.hit(key)) {
        careful_before(lock, policy, want, site, false);
    }
}

/// A blocking re-acquisition (condition variable, `bump`, `unlocked`). As [`before`], but never
/// panics: where the level is `deny` and the request certainly hangs, the process aborts
/// (`LOCKGRAPH=..,certain=hang` lets it hang).
#[inline(never)]
pub fn before_relock(lock: &LockHeader, policy: &'static Policy, want: Want, site: Site) {
    careful_before(lock, policy, want, site, true);
}

#[cold]
fn careful_before(
    lock: &LockHeader,
    policy: &'static Policy,
    want: Want,
    site: Site,
    relock: bool,
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
    if block.held.is_empty() && config::stall().is_some() {
        let _inside = Inside::enter(block);
        detector::ensure();
    }
    if !lock.is_unborn() {
        block.recent.note(lock.id().0, want, site);
    }
    if !(block.held.is_empty() && (!policy.shared || !want.is_writer()))
        && !is_known(block, lock, want)
    {
        recorder::request(block, lock, policy, want, site, relock);
    }
}

/// Nothing to look at: a request with a hint that told everything before, or in tier `watch` one
/// for a lock that the owner does not hold.
fn is_known(block: &OwnerBlock, lock: &LockHeader, want: Want) -> bool {
    let id = lock.id().0;
    if config::tier() == Tier::Watch as u8 {
        return block.holds().all(|hold| hold.id != id);
    }
    id != 0 && block.with_cache(|cache| cache.hit(block.chain_key(id, want)))
}

/// Runs `f` as an owner that is inside the recorder: what it locks passes through.
pub(crate) fn untracked<R>(f: impl FnOnce() -> R) -> R {
    let _inside = careful_block().and_then(Inside::enter);
    f()
}

/// The running owner where something is to be recorded, with its books in order.
fn careful_block() -> Option<&'static OwnerBlock> {
    if process::tier_or_start() <= Tier::Off as u8 {
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

/// The real lock is held now, in `mode`.
#[inline(never)]
pub fn acquired(lock: &LockHeader, policy: &'static Policy, mode: Mode, site: Site) -> Token {
    if let Some(block) = owner::current() {
        if block.flags() == 0 && config::tier() > Tier::Off as u8 && !lock.is_unborn() {
            if let Origin::Class(class) = lock.origin() {
                let id = lock.id().0;
                let generation = block.generation();
                if let Some(slot) = block.held.push_top(id, mode, generation, class, site) {
                    return own(block, lock, id, mode, slot);
                }
            }
        }
    }
    careful_acquired(lock, policy, mode, site)
}

#[inline(always)]
fn own(block: &OwnerBlock, lock: &LockHeader, id: u64, mode: Mode, slot: u32) -> Token {
    if matches!(mode, Mode::Exclusive | Mode::Upgradable) {
        lock.set_owner(id, block.index());
    }
    Token::new(block, slot)
}

#[cold]
fn careful_acquired(lock: &LockHeader, policy: &'static Policy, mode: Mode, site: Site) -> Token {
    let Some(block) = careful_block() else { return Token::UNTRACKED };
    let site = block.hint.get().map_or(site, |(site, _)| site);
    let known = {
        let _inside = Inside::enter(block);
        recorder::identify(block, lock, policy, None)
    };
    let Some((id, class)) = known else {
        recorder::count_untracked();
        return Token::UNTRACKED;
    };
    let slot = block.held.push(id, mode, block.generation(), class, site);
    own(block, lock, id, mode, slot)
}

/// The hold ends; call it before the raw unlock, on any thread.
#[inline(never)]
pub fn released(lock: &LockHeader, token: Token) {
    if let Some(block) = owner::current() {
        if token.block() == block.index() && block.flags() == 0 {
            let id = lock.id().0;
            if let Some(mode) = block.held.remove_inline(token.slot(), id, token.generation()) {
                return disown(lock, id, mode);
            }
        }
    }
    careful_released(lock, token);
}

/// A guard state that was made up, for an acquisition whose guard was forgotten, has no token: the
/// hold is looked up. An acquisition that passed through untracked has no hold to be found.
#[cold]
fn released_without_token(lock: &LockHeader) {
    let Some(block) = careful_block() else { return };
    let id = lock.id().0;
    let newest = block.held.iter().find(|(_, hold)| hold.id == id);
    if let Some((slot, hold)) = newest {
        block.held.remove(slot, id, block.generation());
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
    let Some(block) = careful_block().filter(|_| !lock.is_unborn()) else { return };
    recorder::count_untracked();
    let id = lock.id().0;
    while let Some((slot, hold)) = block.held.iter().find(|(_, hold)| hold.id == id) {
        block.held.remove(slot, id, block.generation());
        disown(lock, id, hold.mode);
    }
    released_elsewhere(lock, id);
}

#[inline(always)]
fn disown(lock: &LockHeader, id: u64, mode: Mode) {
    if matches!(mode, Mode::Exclusive | Mode::Upgradable) {
        lock.set_owner(id, 0);
    }
}

#[inline(never)]
fn careful_released(lock: &LockHeader, token: Token) {
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
    let (slot, generation) = (token.slot(), token.generation());
    let Some(block) = owner::current().filter(|block| block.index() == token.block()) else {
        // Somebody else's hold, or that of an owner that has ended.
        if let Some(block) = owner::block(token.block()) {
            if let Some(mode) = block.release_elsewhere(slot, id, generation) {
                disown(lock, id, mode);
            }
        }
        return;
    };
    if let Some(mode) = block.held.remove(slot, id, generation) {
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
    let Some(block) = careful_block() else { return true };
    let id = lock.id().0;
    let newest = block.held.iter().find(|(_, hold)| hold.id == id);
    if let Some((slot, hold)) = newest {
        block.held.remove(slot, id, block.generation());
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
    recorder::misuse(block, lock, what, Some(Location::caller()));
    false
}

/// The hold changes its mode in place: a downgrade, or an upgrade that was granted.
pub fn converted(lock: &LockHeader, token: &mut Token, mode: Mode) {
    if *token == Token::UNTRACKED || config::is_lost() {
        return;
    }
    let id = lock.id().0;
    let (slot, generation) = (token.slot(), token.generation());
    let own = owner::current().filter(|block| block.index() == token.block());
    let Some(block) = own.or_else(|| owner::block(token.block())) else { return };
    if block.held.convert(slot, id, generation, mode, own.is_some()).is_some() {
        match mode {
            Mode::Exclusive | Mode::Upgradable => lock.set_owner(id, block.index()),
            Mode::Shared | Mode::SharedRecursive => lock.set_owner(id, 0),
        }
        if own.is_none() {
            block.set(RELEASED_ELSEWHERE);
        }
    }
}

/// The lock object is gone. Reports LG013 where somebody holds it.
#[track_caller]
pub fn lock_dropped(lock: &LockHeader) {
    lock_ended(lock, Misuse::DropWhileHeld);
}

/// The lock object was initialised anew in place: it has nothing to do with its past any more.
/// Reports LG013 where somebody holds it.
#[track_caller]
pub fn lock_reinitialised(lock: &LockHeader) {
    lock_ended(lock, Misuse::InitWhileHeld);
    if lock.is_unborn() || config::is_lost() {
        return;
    }
    if let Some(id) = owner::current().and_then(OwnerBlock::fresh_id) {
        lock.reborn(id);
    }
}

#[track_caller]
fn lock_ended(lock: &LockHeader, what: Misuse) {
    if lock.is_unborn() {
        return;
    }
    let at = Location::caller();
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

/// True where the running owner holds `lock`; reports LG013 where not. Where the recorder is off
/// or runs already on this thread nothing is known, and the answer is true.
#[track_caller]
pub fn assert_held(lock: &LockHeader, policy: &'static Policy) -> bool {
    let Some(block) = careful_block() else { return true };
    let id = lock.id().0;
    if id != 0 && block.holds().any(|hold| hold.id == id) {
        return true;
    }
    {
        let _inside = Inside::enter(block);
        recorder::identify(block, lock, policy, None);
    }
    recorder::misuse(block, lock, Misuse::AssertNotHeld, Some(Location::caller()));
    false
}

/// The running owner is about to wait on a condition variable with `lock`, which it holds:
/// reports LG011 where it holds any other lock besides.
pub fn condvar_wait(lock: &LockHeader, site: Site) {
    if let Some(block) = careful_block() {
        let site = block.hint.get().map_or(site, |(site, _)| site);
        recorder::condvar_wait(block, lock, site);
    }
}

/// Somebody waits on the same condition variable with another mutex: LG013.
pub fn condvar_two_mutexes(lock: &LockHeader, site: Site) {
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
    }
    block.retire();
}
