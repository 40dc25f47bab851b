//! Waits: what an owner tells before it parks.
//!
//! Where an attempt at the real lock has failed: [`blocked`], one more attempt, and where that
//! fails too [`Parked::parks`], which may ask for yet another one. [`timed`] before a real wait
//! that ends by itself. The wait is over when the [`Parked`] is dropped: before
//! [`acquired`](super::acquired), and in any case before the thread goes on.

use super::thread::meets_joiner;
use super::{Waiting, careful_block};
use crate::config::{self, Tier};
use crate::copies::{self, forward};
use crate::finding::{Kind, Level};
use crate::joins;
use crate::lock::{Class, LockHeader, Site};
use crate::mode::{Policy, Want};
use crate::owner::{OwnerBlock, STEERED};
use crate::parked::{self, Wait, What};
use crate::recorder::{self, Inside};
use crate::stack;
use crate::stds::{self, Refuse, refuse};
use crate::steer;
use crate::wait::{self, Attempt, Deadlock, Process};
use std::fmt;

/// A wait of the running owner, while it lives.
#[must_use = "the wait is over when this is dropped"]
pub struct Parked {
    block: Option<&'static OwnerBlock>,
    turn: u64,
    /// The region around it, which goes on after it.
    outer: Option<Wait>,
    asked: Option<u64>,
    must_not_panic: bool,
    joins: bool,
    /// Of the lock that is waited for, and since when: for the tally, where the owner parks.
    wanted: Option<(&'static Class, u64)>,
    parks: bool,
    /// Its stack is kept.
    stack: bool,
}

impl Parked {
    /// The wait of an owner that the recorder does not follow.
    const NOWHERE: Parked = Parked {
        block: None,
        turn: 0,
        outer: None,
        asked: None,
        must_not_panic: false,
        joins: false,
        wanted: None,
        parks: false,
        stack: false,
    };

    pub(super) fn new(block: &'static OwnerBlock, wait: &Wait, must_not_panic: bool) -> Parked {
        let outer = block.parked.load();
        let for_permit = outer.is_some_and(|outer| matches!(outer.what, What::Permit(_)));
        if for_permit && wait.what != What::Threads {
            // Whatever a semaphore is made of: as long as the permit is out of reach, nothing else
            // decides when its owner goes on.
            return Parked::NOWHERE;
        }
        let stack = config::keeps_stacks();
        if stack {
            let _inside = Inside::enter(block);
            stack::keep(block.id());
        }
        let turn = block.parked.publish(wait);
        if block.flags() & STEERED != 0 {
            steer::waits(block);
        }
        let joins = wait.what == What::Threads;
        let of_lock = matches!(wait.what, What::Lock(_));
        let wanted = wait.class.filter(|_| of_lock).map(|class| (class, wait.since));
        let (block, asked, parks) = (Some(block), None, false);
        Parked { block, turn, outer, asked, must_not_panic, joins, wanted, parks, stack }
    }

    /// The attempt after [`blocked`] has failed: true where the caller parks now, false where it
    /// makes one more attempt first. Reports LG002 where this wait closes a deadlock, and LG008
    /// where whoever waits for the end of this thread holds the lock.
    ///
    /// Cost: nothing for an owner that holds nothing and that nobody joins; else one internal lock
    /// and a look at every owner that waits.
    ///
    /// # Panics
    /// Where LG002 is denied (the default in tier `full`) and the thread is not unwinding already.
    #[inline(never)]
    pub fn parks(&mut self) -> bool {
        self.parks_or(refuse)
    }

    /// As [`parks`](Self::parks), which panics by `refuse`.
    pub(crate) fn parks_or(&mut self, refuse: Refuse) -> bool {
        let Some(block) = self.block else { return true };
        if let Some(host) = copies::joined() {
            return (host.parks)(self, refuse);
        }
        let Some(wait) = block.parked.load() else { return true };
        self.parks = true;
        let writes = wait.class.is_some_and(|class| class.policy.read_blocks_behind_writer)
            && matches!(wait.what, What::Lock(want) if want.is_writer());
        // Nobody waits for an owner that holds nothing and that nobody joins: it closes no circle.
        let idle = block.held.is_empty() && !joins::is_awaited(block);
        if idle && !writes {
            return true;
        }
        let deadlock = {
            let mut waits = wait::waits();
            if idle {
                // A reader that finds this writer in the queue has seen its wait as well.
                return true;
            }
            if let Attempt::Again(number) = waits.attempt(block, self.asked, &Process) {
                self.asked = Some(number);
                self.parks = false;
                return false;
            }
            let deadlock = waits.closed_by(block, &Process);
            if deadlock.is_some() && recorder::breaks(self.must_not_panic) {
                // For the next one who looks it is broken already: one victim a deadlock.
                block.parked.clear(self.turn);
            }
            deadlock
        };
        match deadlock {
            Some(deadlock) => report(block, &deadlock, self.must_not_panic, refuse),
            None => {
                if let What::Lock(want) = wait.what {
                    meets_joiner(block, wait.id, want, wait.at);
                }
            }
        }
        true
    }
}

#[cold]
fn report(block: &'static OwnerBlock, deadlock: &Deadlock, must_not_panic: bool, refuse: Refuse) {
    let denied = {
        let Some(_inside) = Inside::enter(block) else { return };
        recorder::deadlock(deadlock, must_not_panic)
    };
    if let Some(message) = denied {
        refuse(&message);
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        match copies::joined() {
            Some(host) if self.block.is_some() => (host.wait_over)(self),
            _ => self.over(),
        }
    }
}

impl Parked {
    pub(crate) fn over(&mut self) {
        let Some(block) = self.block else { return };
        if self.joins {
            joins::given_up(block);
        }
        block.parked.clear(self.turn);
        if self.stack {
            let _inside = Inside::enter(block);
            stack::forget(block.id());
        }
        if let Some(outer) = &self.outer {
            block.parked.publish(outer);
        }
        if let Some((class, since)) = self.wanted.filter(|_| self.parks) {
            class.tally.waited(parked::now().saturating_sub(since));
        }
    }
}

impl fmt::Debug for Parked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parked").field("turn", &self.turn).finish_non_exhaustive()
    }
}

/// The real lock is not free, and the caller is about to park. See the module.
#[inline(never)]
pub fn blocked(lock: &LockHeader, policy: &'static Policy, want: Want, site: Site) -> Parked {
    forward!(blocked(lock, policy, want, site));
    request(lock, policy, What::Lock(want), site, false)
}

/// As [`blocked`], for a wait that ends by itself: its owner can always go on.
#[inline(never)]
pub fn timed(lock: &LockHeader, policy: &'static Policy, want: Want, site: Site) -> Parked {
    forward!(timed(lock, policy, want, site));
    let mut parked = request(lock, policy, What::Lock(want), site, true);
    parked.parks = true;
    if policy.read_blocks_behind_writer && want.is_writer() && parked.block.is_some() {
        wait::waits().timed_writer();
    }
    parked
}

/// The running owner, which has told of the end of its hold, is about to give the mutex up, to
/// sleep, and to take it again.
#[inline(never)]
pub fn sleeps(lock: &LockHeader, policy: &'static Policy, site: Site) -> Parked {
    forward!(sleeps(lock, policy, site));
    request(lock, policy, What::Notification, site, false)
}

/// The running owner is about to wait for one of `permits`, each a hold of `lock`. No other wait but
/// for threads counts while this lives. Nothing where the owner has it already and may have it again.
#[inline(never)]
pub fn permit(lock: &LockHeader, policy: &'static Policy, permits: u32, site: Site) -> Parked {
    forward!(permit(lock, policy, permits, site));
    let again = |block: &OwnerBlock| policy.reentrant && block.held.has(lock.head());
    if !lock.is_unborn() && careful_block().is_some_and(again) {
        return Parked::NOWHERE;
    }
    request(lock, policy, What::Permit(permits), site, false)
}

fn request(
    lock: &LockHeader,
    policy: &'static Policy,
    what: What,
    site: Site,
    timed: bool,
) -> Parked {
    let Some(block) = careful_block() else { return Parked::NOWHERE };
    let (at, relock) = block.hint.get().unwrap_or((site, false));
    let known = {
        let _inside = Inside::enter(block);
        recorder::introduce(block);
        recorder::identify(block, lock, policy, None)
    };
    let Some((id, class)) = known else { return Parked::NOWHERE };
    let wait = Wait { timed, id, class: Some(class), ..begun(block, what, at) };
    Parked::new(block, &wait, relock || stds::unwinds())
}

fn begun(block: &OwnerBlock, what: What, at: Site) -> Wait {
    let (since, holds) = (parked::now(), block.held.top());
    Wait { turn: 0, what, timed: false, id: 0, class: None, at, since, holds }
}

/// The running owner is about to block, and for no lock. Reports LG008 where it holds one.
pub fn waiting(what: Waiting, site: Site) -> Parked {
    forward!(waiting(what, site));
    let Some(block) = careful_block() else { return Parked::NOWHERE };
    if config::tier() == Tier::Full as u8 && !block.held.is_empty() {
        recorder::held_across_other(block, what, site);
    }
    Parked::new(block, &introduced(block, What::Other(what), site), true)
}

/// Whether the running owner holds nothing; reports LG008 where it does, as of a region of this name.
///
/// # Panics
/// Where it does, LG008 is denied, and the thread is not unwinding already.
pub fn no_locks_held(name: &'static str, site: Site) -> bool {
    no_locks_held_or(name, site, refuse)
}

/// As [`no_locks_held`], which panics by `refuse`.
pub(crate) fn no_locks_held_or(name: &'static str, site: Site, refuse: Refuse) -> bool {
    forward!(no_locks_held(name, site, refuse));
    let Some(block) = careful_block().filter(|block| !block.held.is_empty()) else { return true };
    recorder::held_across_other(block, Waiting::Region(name), site);
    let denied = config::level(Kind::HeldAcrossWait, None) == Level::Deny;
    if denied && !stds::unwinds() {
        refuse(&format!("a lock is held at `{name}`, where none may be"));
    }
    false
}

/// The running owner is about to wait for the threads that it was told to be joining. Reports
/// LG002 where that closes a deadlock.
///
/// # Panics
/// Where LG002 is denied and `may_panic`; without, the process aborts in its place
/// (`LOCKGRAPH=..,certain=hang` lets it hang).
pub(crate) fn threads(site: Site, may_panic: bool, refuse: Refuse) -> Parked {
    forward!(threads(site, may_panic, refuse));
    let Some(block) = careful_block() else { return Parked::NOWHERE };
    let must_not_panic = !may_panic || stds::unwinds();
    let parked = Parked::new(block, &introduced(block, What::Threads, site), must_not_panic);
    let deadlock = {
        let mut waits = wait::waits();
        let deadlock = waits.closed_by(block, &Process);
        if deadlock.is_some() && recorder::breaks(must_not_panic) {
            block.parked.clear(parked.turn);
        }
        deadlock
    };
    if let Some(deadlock) = deadlock {
        report(block, &deadlock, must_not_panic, refuse);
    }
    parked
}

pub(super) fn introduced(block: &'static OwnerBlock, what: What, at: Site) -> Wait {
    let _inside = Inside::enter(block);
    recorder::introduce(block);
    begun(block, what, at)
}
