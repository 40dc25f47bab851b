//! Whether owners can still go on while some of them are kept back: what decides that a steered run
//! has waited for long enough.
//!
//! The same least fixed point of "can run" as for deadlocks, with the paused owners as those that
//! cannot. Besides, a member that waits for something whose source nobody here knows (a message, a
//! notification) is taken to wait for one of the members. That may be wrong, and it may have been
//! woken already: such an answer is marked as unsure, with a number that stays the same as long as
//! those waits do.

use super::{Owners, Waiter, Waits};
use crate::held::fold;
use crate::owner::OwnerBlock;
use crate::parked::What;
use std::ptr;

/// All members wait, and none of them goes on by itself.
pub(crate) struct Rest {
    /// Of the waits that somebody unknown may end; 0 where there is none.
    pub(crate) unsure: u64,
    /// A paused member that somebody else of them waits for.
    pub(crate) in_the_way: Option<&'static OwnerBlock>,
}

impl Waits {
    /// See [`Rest`]; `None` where some member can run. `paused` are members that have
    /// published a wait.
    pub(crate) fn at_rest(
        &mut self,
        members: &[&'static OwnerBlock],
        paused: &[&'static OwnerBlock],
        owners: &impl Owners,
    ) -> Option<Rest> {
        let is_in = |list: &[&'static OwnerBlock], waiter: &Waiter| {
            list.iter().any(|block| ptr::eq(*block, waiter.block))
        };
        let is_unsure = |waiter: &Waiter| {
            let unknown = matches!(waiter.wait.what, What::Other(_) | What::Notification);
            unknown && !waiter.wait.timed && is_in(members, waiter) && !is_in(paused, waiter)
        };
        self.gather(owners);
        self.reduce(&|waiter| is_in(paused, waiter) || is_unsure(waiter));
        let stuck = |member: &&'static OwnerBlock| {
            self.waiters.iter().any(|waiter| waiter.stuck && ptr::eq(waiter.block, *member))
        };
        // Whoever has gone on in the meantime will tell when it waits again.
        if !members.iter().all(stuck) || !self.all_stand() {
            return None;
        }
        let mut unsure = 0_u64;
        let mut in_the_way = None;
        for (at, waiter) in self.waiters.iter().enumerate() {
            if !waiter.stuck || is_in(paused, waiter) {
                continue;
            }
            if is_unsure(waiter) {
                let who = fold(waiter.wait.turn, u64::from(waiter.block.index()));
                unsure = unsure.wrapping_add(who | 1);
            }
            self.for_each_blocker(at, &mut |blocker, _| {
                let blocker = &self.waiters[blocker];
                if is_in(paused, blocker) {
                    in_the_way = Some(blocker.block);
                }
            });
        }
        Some(Rest { unsure, in_the_way })
    }
}
