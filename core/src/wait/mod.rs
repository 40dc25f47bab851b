//! Who can never run again: the check that an owner makes before it parks.
//!
//! # What is decided
//! The least fixed point of "can run". An owner without a wait can run. One that waits for a lock
//! can run if everybody can who stands in its way: each holder in a conflicting mode, and for a
//! reader that queues behind a writer, each queued writer. One that waits for a permit can run if
//! any holder can; one that waits for threads, if each of them can. A timed wait, and one whose
//! source nobody here knows, can run. What is left is stuck.
//!
//! # Why a reported deadlock is real
//! Waits are copied out first, then holds, then each wait of a stuck owner is found to stand under
//! the same turn. So there is a moment T, between the last copy and the first second look, at which
//! all those waits stood; and as an owner with a wait runs no code, all those holds stood at T too.
//! - A hold stands only while its lock is really held: it is made after the grant and ended before
//!   the release, by its owner. A guard that others may release (`guard_send`) proves nothing and
//!   is left out.
//! - So at T no stuck owner had been granted its lock: the lock was held in a conflicting mode. Had
//!   it been granted before, and only not run on since, that hold could not be.
//! - From T on nobody of them can be first to go on: for each, somebody else of them would have to
//!   release something first. Whoever waits for a notification needs the mutex back, however it is
//!   woken. A joined thread has not ended: it stands in a wait.
//! - **Behind a writer.** That a writer waits does not tell that a reader waits for it: the writer
//!   may be about to queue, and the reader about to be let in. So a reader *marks* the holds of
//!   other readers, and then attempts the lock once more. If that fails, while a marked hold
//!   stands, some writer was queued; and as long as that very hold stands (a mark goes with its
//!   hold) that writer is not granted, and the reader waits behind it. Only a writer with a timeout
//!   might have given up: where one was about, the reader counts as running.
//!
//! # What is not seen
//! Holds and waits of threads that are inside the recorder, and whatever passes it by: they count
//! as running. Circles through a guard that has moved, a reader that could not prove what it waits
//! behind since a timed writer was about, or a message: where nobody else runs in the process, the
//! background detector finds those (`standstill`).
//!
//! One leaf mutex; nothing is formatted or called under it but the owners' and joins' tables.

mod cycle;
#[cfg(all(test, lockgraph_loom))]
mod loom_tests;
mod rest;
mod standstill;
#[cfg(all(test, not(lockgraph_loom)))]
mod tests;

use crate::held::Hold;
use crate::joins;
use crate::lock::OwnerId;
use crate::mem::SysVec;
use crate::mode::{Conflict, Mode, Want};
use crate::owner::{self, OwnerBlock};
use crate::parked::{Wait, What};
pub(crate) use standstill::Suspicion;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Holds that one reader marks at most.
const MAX_MARKS: usize = 8;

/// An owner with a wait.
#[derive(Clone, Copy)]
struct Waiter {
    block: &'static OwnerBlock,
    wait: Wait,
    stuck: bool,
}

/// A hold of an owner with a wait.
#[derive(Clone, Copy)]
struct Held {
    by: usize,
    hold: Hold,
}

/// A reader's hold that stood before another reader's last attempt.
#[derive(Clone, Copy)]
struct Mark {
    reader: &'static OwnerBlock,
    turn: u64,
    id: u64,
    holder: &'static OwnerBlock,
    slot: u32,
    /// The attempt has failed.
    proven: bool,
}

/// What the check works with.
pub(crate) struct Waits {
    marks: SysVec<Mark>,
    /// Who was reported: block and turn.
    reported: SysVec<(&'static OwnerBlock, u64)>,
    /// Timed requests by writers so far.
    timed: u64,
    // The rest is used anew by each check.
    waiters: SysVec<Waiter>,
    /// Sorted by lock.
    holds: SysVec<Held>,
    /// (joiner, child).
    joins: SysVec<(&'static OwnerBlock, &'static OwnerBlock)>,
}

/// A deadlock as plain data. Whoever closed it comes first, and then, as far as the cycle goes,
/// each time the one that the one before waits for.
pub(crate) struct Deadlock {
    pub(crate) sides: SysVec<Stuck>,
    /// By an owner that was about to park; else the whole process stands still.
    pub(crate) closed: bool,
}

/// One owner of a deadlock, or of a process at a standstill.
pub(crate) struct Stuck {
    pub(crate) owner: OwnerId,
    pub(crate) wait: Option<Wait>,
    /// The hold that somebody else of them waits for.
    pub(crate) held: Option<Hold>,
    pub(crate) others: SysVec<Hold>,
    /// The thread that it waits for.
    pub(crate) thread: Option<OwnerId>,
}

static WAITS: Mutex<Waits> = Mutex::new(Waits::new());

pub(crate) fn waits() -> MutexGuard<'static, Waits> {
    WAITS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What [`Waits::attempt`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// One more attempt at the lock, and this number again.
    Again(u64),
    /// No more.
    Enough,
}

impl Waits {
    const fn new() -> Self {
        Waits {
            marks: SysVec::new(),
            reported: SysVec::new(),
            timed: 0,
            waiters: SysVec::new(),
            holds: SysVec::new(),
            joins: SysVec::new(),
        }
    }

    /// A writer is about to queue that will give up one day.
    pub(crate) fn timed_writer(&mut self) {
        self.timed += 1;
    }

    /// The owner's attempt has failed. A reader that may be behind a writer makes one more, after
    /// it has marked the readers that are in.
    pub(crate) fn attempt(
        &mut self,
        block: &'static OwnerBlock,
        asked: Option<u64>,
        owners: &impl Owners,
    ) -> Attempt {
        let Some(wait) = block.parked.load() else { return Attempt::Enough };
        let (What::Lock(want), Some(class)) = (wait.what, wait.class) else {
            return Attempt::Enough;
        };
        if class.policy.conflict(want, Mode::Shared) != Conflict::BehindWriter {
            return Attempt::Enough;
        }
        let Some(timed) = asked else {
            return match self.mark(block, wait, owners) {
                true => Attempt::Again(self.timed),
                false => Attempt::Enough,
            };
        };
        let mut gives_up = self.timed != timed;
        owners.each(&mut |other| {
            gives_up |= other.parked.load().is_some_and(|other| {
                let writes = matches!(other.what, What::Lock(want) if want.is_writer());
                other.timed && writes && other.id == wait.id
            });
        });
        let own = |mark: &&mut Mark| std::ptr::eq(mark.reader, block) && mark.turn == wait.turn;
        self.marks.iter_mut().filter(own).for_each(|mark| mark.proven = !gives_up);
        Attempt::Enough
    }

    /// Marks the readers of the lock that `reader` wants; false where there are none.
    fn mark(&mut self, reader: &'static OwnerBlock, wait: Wait, owners: &impl Owners) -> bool {
        retain(&mut self.marks, |mark| mark.reader.parked.stands(mark.turn));
        let marks = &mut self.marks;
        let mut made = 0;
        owners.each(&mut |holder| {
            holder.held.inspect(u32::MAX, |slot, marked, hold| {
                let reads = matches!(hold.mode, Mode::Shared | Mode::SharedRecursive);
                if hold.id != wait.id || !reads || made == MAX_MARKS {
                    return;
                }
                if !marked {
                    // What others have marked in this slot is gone.
                    let same = |mark: &Mark| std::ptr::eq(mark.holder, holder) && mark.slot == slot;
                    retain(marks, |mark| !same(mark));
                    if !holder.held.mark(slot, hold.id) {
                        return;
                    }
                }
                made += 1;
                let (turn, id) = (wait.turn, wait.id);
                marks.push(Mark { reader, turn, id, holder, slot, proven: false });
            });
        });
        made > 0
    }

    /// The deadlock that the wait of `block` closes, if it does. Each is returned once.
    pub(crate) fn closed_by(
        &mut self,
        block: &'static OwnerBlock,
        owners: &impl Owners,
    ) -> Option<Deadlock> {
        self.gather(owners);
        loop {
            let me = self.waiters.iter().position(|w| std::ptr::eq(w.block, block))?;
            self.reduce(&|_| false);
            if !self.waiters[me].stuck {
                return None;
            }
            if self.all_stand() {
                return self.component(me);
            }
        }
    }

    /// Copies out all waits, and then what their owners hold.
    fn gather(&mut self, owners: &impl Owners) {
        self.waiters.clear();
        self.holds.clear();
        self.joins.clear();
        owners.each(&mut |block| {
            if let Some(wait) = block.parked.load() {
                self.waiters.push(Waiter { block, wait, stuck: false });
            }
        });
        for (by, waiter) in self.waiters.iter().enumerate().filter(|(_, w)| w.wait.holds > 0) {
            waiter.block.held.inspect(waiter.wait.holds, |_, _, hold| {
                self.holds.push(Held { by, hold });
            });
        }
        self.holds.sort_unstable_by_key(|held| held.hold.id);
        owners.joins(&mut |joiner, child| self.joins.push((joiner, child)));
    }

    /// The greatest set of owners each of which waits for one of them, or is `kept` back: what the
    /// least fixed point of "can run" leaves.
    fn reduce(&mut self, kept: &dyn Fn(&Waiter) -> bool) {
        for waiter in self.waiters.iter_mut() {
            let wait = waiter.wait;
            waiter.stuck = match wait.what {
                _ if kept(waiter) => true,
                What::Lock(_) | What::Permit(_) => !wait.timed,
                // Timed or not, it needs its mutex.
                What::Notification | What::Threads => true,
                What::Other(_) => false,
            };
        }
        let mut changed = true;
        while changed {
            changed = false;
            for at in 0..self.waiters.len() {
                if self.waiters[at].stuck && !kept(&self.waiters[at]) {
                    let mut stays = false;
                    self.for_each_blocker(at, &mut |_, _| stays = true);
                    self.waiters[at].stuck = stays;
                    changed |= !stays;
                }
            }
        }
    }

    /// Visits the stuck owners that a stuck one waits for, with the hold in its way where it is
    /// one.
    fn for_each_blocker(&self, at: usize, visit: &mut dyn FnMut(usize, Option<&Hold>)) {
        let wait = &self.waiters[at].wait;
        match wait.what {
            What::Lock(want) => {
                if !self.visit_holders(wait, want, visit) && self.is_behind_writer(at, want) {
                    for (other, writer) in self.waiters.iter().enumerate() {
                        let writes =
                            matches!(writer.wait.what, What::Lock(want) if want.is_writer());
                        if other != at && writer.stuck && writes && writer.wait.id == wait.id {
                            visit(other, None);
                        }
                    }
                }
            }
            What::Notification => {
                self.visit_holders(wait, Want::Exclusive, visit);
            }
            What::Permit(permits) => {
                let holders = self.holders(wait.id);
                let all = holders.iter().all(|held| self.waiters[held.by].stuck);
                if all && holders.len() >= permits as usize {
                    holders.iter().for_each(|held| visit(held.by, Some(&held.hold)));
                }
            }
            What::Threads => {
                for (joiner, child) in self.joins.iter() {
                    let child = self.waiters.iter().position(|w| std::ptr::eq(w.block, *child));
                    if std::ptr::eq(*joiner, self.waiters[at].block) {
                        child.filter(|&c| self.waiters[c].stuck).into_iter().for_each(|c| {
                            visit(c, None);
                        });
                    }
                }
            }
            What::Other(_) => {}
        }
    }

    /// The stuck holders in modes that block `want`; false where there are none.
    fn visit_holders(
        &self,
        wait: &Wait,
        want: Want,
        visit: &mut dyn FnMut(usize, Option<&Hold>),
    ) -> bool {
        let Some(class) = wait.class else { return false };
        let mut any = false;
        for held in self.holders(wait.id) {
            let blocks = class.policy.conflict(want, held.hold.mode) == Conflict::Always;
            if blocks && !class.policy.guard_send && self.waiters[held.by].stuck {
                any = true;
                visit(held.by, Some(&held.hold));
            }
        }
        any
    }

    /// The holds of a lock by owners that wait.
    fn holders(&self, id: u64) -> &[Held] {
        let from = self.holds.partition_point(|held| held.hold.id < id);
        let to = self.holds.partition_point(|held| held.hold.id <= id);
        &self.holds[from..to]
    }

    /// True where the owner wants to read and is known to be behind some queued writer.
    fn is_behind_writer(&self, at: usize, want: Want) -> bool {
        let Waiter { block, wait, .. } = self.waiters[at];
        let Some(class) = wait.class else { return false };
        class.policy.conflict(want, Mode::Shared) == Conflict::BehindWriter
            && self.marks.iter().any(|mark| {
                mark.proven
                    && std::ptr::eq(mark.reader, block)
                    && mark.turn == wait.turn
                    && mark.holder.held.is_marked(mark.slot, mark.id)
            })
    }

    /// True where every wait of a stuck owner still stands; forgets those that do not.
    fn all_stand(&mut self) -> bool {
        let mut all = true;
        for at in (0..self.waiters.len()).rev() {
            let Waiter { block, wait, stuck } = self.waiters[at];
            if stuck && !block.parked.stands(wait.turn) {
                // It runs: what it waits for stops nobody any more, nor does what it holds.
                self.waiters[at].wait.what = What::Other(crate::parked::Waiting::Message);
                all = false;
            }
        }
        all
    }
}

/// Every owner that waits, the longest wait first, and then every other one that holds something.
///
/// Of those that run a moment's view. Takes no lock that an owner with a wait may have.
pub(crate) fn standing(owners: &impl Owners) -> SysVec<Stuck> {
    let mut all: SysVec<Stuck> = SysVec::new();
    owners.each(&mut |block| {
        let wait = block.parked.load();
        let mut others = SysVec::new();
        block.held.seen_from_elsewhere(|hold| others.push(hold));
        if wait.is_some() || !others.is_empty() {
            all.push(Stuck { owner: block.id(), wait, held: None, others, thread: None });
        }
    });
    owners.joins(&mut |joiner, child| {
        let joiner = all.iter_mut().find(|stuck| stuck.owner == joiner.id());
        if let Some(stuck) = joiner {
            stuck.thread = Some(child.id());
        }
    });
    all.sort_unstable_by_key(|stuck| {
        stuck.wait.map_or((1, u64::from(stuck.owner.0)), |wait| (0, wait.since))
    });
    all
}

/// All owners, and who joins whom: what the check asks of the process.
pub(crate) trait Owners {
    /// Visits every owner.
    fn each(&self, visit: &mut dyn FnMut(&'static OwnerBlock));
    /// Visits (joiner, child) for every thread that has not come to the end which its joiner waits
    /// for.
    fn joins(&self, visit: &mut dyn FnMut(&'static OwnerBlock, &'static OwnerBlock));
}

/// The owners of this process.
pub(crate) struct Process;

impl Owners for Process {
    fn each(&self, visit: &mut dyn FnMut(&'static OwnerBlock)) {
        owner::for_each(|block| visit(block));
    }

    fn joins(&self, visit: &mut dyn FnMut(&'static OwnerBlock, &'static OwnerBlock)) {
        joins::for_each(visit);
    }
}

fn retain<T>(list: &mut SysVec<T>, keep: impl Fn(&T) -> bool) {
    for at in (0..list.len()).rev() {
        if !keep(&list[at]) {
            list.swap_remove(at);
        }
    }
}
