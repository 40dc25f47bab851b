//! A process in which nobody runs: deadlocks that nobody closed.
//!
//! Whoever is about to park sees a circle only where it is known who holds what. It is not where a
//! guard may have moved to another thread, where the waker is a message or others at a barrier, or
//! where a reader could not prove what it waits behind. But when *every* thread of the process
//! waits for something that only another one of them can give, whoever it is, none can ever run.
//!
//! What is certain then: the system says that the process has no thread but the owners with these
//! waits and those of the recorder, and that all of the former sleep; they did so at one moment; no
//! wait ends by itself; and each of them has a source in this process. A wait in a named region, for a
//! lock that nobody here holds, or for a resource with a holder that is not known may be ended from
//! outside: then nothing is said. Nor is it where one of the threads was told of in a deadlock
//! before: that explains the rest.
//!
//! A thread that sleeps inside the recorder, such as in a callback, is about to go on. So a suspicion is
//! looked into only when the same waits stand at the next look: who has woken another one by then
//! has a wait less, or the other one does not sleep.

use super::{Deadlock, Owners, Stuck, Waits, retain};
use crate::mem::SysVec;
use crate::owner::{INSIDE, OwnerBlock, SERVES};
use crate::parked::{Waiting, What};

/// Every owner of the process that is none of the recorder's threads, with its wait.
pub(crate) struct Suspicion {
    waits: SysVec<(&'static OwnerBlock, u64)>,
    /// How many threads the process has if it is right.
    pub(crate) threads: usize,
}

impl Suspicion {
    /// The same waits.
    pub(crate) fn is(&self, other: &Suspicion) -> bool {
        let same = |(a, b): (&(&OwnerBlock, u64), &(&OwnerBlock, u64))| {
            std::ptr::eq(a.0, b.0) && a.1 == b.1
        };
        self.threads == other.threads
            && self.waits.len() == other.waits.len()
            && self.waits.iter().zip(other.waits.iter()).all(same)
    }
}

impl Waits {
    /// Whether everybody waits, as far as can be told from within.
    pub(crate) fn suspect(&mut self, owners: &impl Owners) -> Option<Suspicion> {
        let (mut all, mut serve, mut runs) = (0, 0, false);
        owners.each(&mut |block| {
            all += 1;
            serve += usize::from(block.flags() & SERVES != 0);
            runs |= block.flags() & SERVES == 0 && block.parked.is_empty();
        });
        if runs || all == serve {
            return None;
        }
        self.gather(owners);
        retain(&mut self.reported, |(block, turn)| block.parked.stands(*turn));
        let complete = self.waiters.len() + serve == all;
        let sourced = (0..self.waiters.len()).all(|at| self.is_for_one_of_us(at));
        if !complete || !sourced || !self.reported.is_empty() {
            return None;
        }
        let mut waits = SysVec::new();
        self.waiters.iter().for_each(|waiter| waits.push((waiter.block, waiter.wait.turn)));
        Some(Suspicion { waits, threads: all })
    }

    /// The wait can be ended by an owner of this process alone.
    fn is_for_one_of_us(&self, at: usize) -> bool {
        let waiter = &self.waiters[at];
        let holders = self.holders(waiter.wait.id).len();
        let sourced = match waiter.wait.what {
            What::Lock(_) => holders > 0,
            What::Permit(permits) => holders >= permits as usize,
            What::Notification | What::Threads => true,
            What::Other(Waiting::Message | Waiting::Room | Waiting::Barrier) => true,
            What::Other(Waiting::Region(_)) => false,
        };
        sourced && !waiter.wait.timed && waiter.block.flags() & INSIDE == 0
    }

    /// The deadlock, where the suspicion still holds after the system was asked. Each is returned
    /// once.
    pub(crate) fn confirm(
        &mut self,
        suspicion: &Suspicion,
        owners: &impl Owners,
    ) -> Option<Deadlock> {
        if !self.suspect(owners)?.is(suspicion) {
            return None;
        }
        let mut sides = SysVec::new();
        for (at, waiter) in self.waiters.iter().enumerate() {
            self.reported.push((waiter.block, waiter.wait.turn));
            let mut held = None;
            let mut others = SysVec::new();
            for own in self.holds.iter().filter(|own| own.by == at) {
                let wanted = self.waiters.iter().any(|other| other.wait.id == own.hold.id);
                match held {
                    None if wanted => held = Some(own.hold),
                    _ => others.push(own.hold),
                }
            }
            let of_mine = |(joiner, _): &&(&'static OwnerBlock, &'static OwnerBlock)| {
                std::ptr::eq(*joiner, waiter.block)
            };
            let thread = self.joins.iter().find(of_mine).map(|(_, child)| child.id());
            let (owner, wait) = (waiter.block.id(), Some(waiter.wait));
            sides.push(Stuck { owner, wait, held, others, thread });
        }
        sides.sort_unstable_by_key(|side| side.wait.map(|wait| wait.since));
        Some(Deadlock { sides, closed: false })
    }

    /// Whether a deadlock was reported that this wait is part of.
    pub(crate) fn is_told(&self, stuck: &Stuck) -> bool {
        let turn = stuck.wait.map(|wait| wait.turn);
        self.reported.iter().any(|(block, told)| block.id() == stuck.owner && Some(*told) == turn)
    }
}
