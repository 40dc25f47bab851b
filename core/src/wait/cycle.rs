//! The component of a deadlock, put into an order that can be told.

use super::{Deadlock, Stuck, Waits, retain};
use crate::held::Hold;
use crate::mem::SysVec;
use crate::parked::What;

/// `a` waits for `b`, because of a hold where there is one.
struct Edge {
    a: usize,
    b: usize,
    hold: Option<Hold>,
}

impl Waits {
    /// The strongly connected component of the wait graph that contains `me`; `None` where it is
    /// `me` alone and waits for itself by a lock, which was reported before it parked, and where
    /// all of it was reported already.
    pub(super) fn component(&mut self, me: usize) -> Option<Deadlock> {
        let edges = self.edges(me);
        // Whoever is reached from `me` and reaches `me`.
        let mut core: SysVec<usize> = SysVec::new();
        core.push(me);
        let mut changed = true;
        while changed {
            changed = false;
            for edge in edges.iter() {
                if core.contains(&edge.b) && !core.contains(&edge.a) {
                    core.push(edge.a);
                    changed = true;
                }
            }
        }
        let waits_itself = edges.iter().any(|edge| edge.a == me && edge.b == me);
        let several = matches!(self.waiters[me].wait.what, What::Permit(permits) if permits > 1);
        if core.len() == 1 && !(waits_itself && several) {
            return None;
        }
        retain(&mut self.reported, |(block, turn)| block.parked.stands(*turn));
        let mut news = false;
        for &at in core.iter() {
            let key = (self.waiters[at].block, self.waiters[at].wait.turn);
            let same = |(block, turn): &(&'static _, u64)| {
                std::ptr::eq::<crate::owner::OwnerBlock>(*block, key.0) && *turn == key.1
            };
            if !self.reported.iter().any(same) {
                self.reported.push(key);
                news = true;
            }
        }
        if !news {
            return None;
        }
        let order = order(me, &core, &edges);
        let mut sides = SysVec::new();
        order.iter().for_each(|&at| sides.push(self.stuck(at, &core, &edges)));
        Some(Deadlock { sides, closed: true })
    }

    /// What can be reached from `me`.
    fn edges(&self, me: usize) -> SysVec<Edge> {
        let mut edges = SysVec::new();
        let mut reached: SysVec<usize> = SysVec::new();
        reached.push(me);
        let mut next = 0;
        while next < reached.len() {
            let a = reached[next];
            self.for_each_blocker(a, &mut |b, hold| {
                edges.push(Edge { a, b, hold: hold.copied() });
                if !reached.contains(&b) {
                    reached.push(b);
                }
            });
            next += 1;
        }
        edges
    }

    fn stuck(&self, at: usize, core: &[usize], edges: &[Edge]) -> Stuck {
        let waiter = &self.waiters[at];
        let of_core = |edge: &&Edge| core.contains(&edge.a) && core.contains(&edge.b);
        let held = edges.iter().filter(of_core).find_map(|edge| edge.hold.filter(|_| edge.b == at));
        let threads = matches!(waiter.wait.what, What::Threads);
        let child = edges.iter().filter(of_core).find(|edge| edge.a == at && threads);
        let mut others = SysVec::new();
        for other in self.holds.iter().filter(|other| other.by == at) {
            if held.is_none_or(|held| held.id != other.hold.id) {
                others.push(other.hold);
            }
        }
        Stuck {
            owner: waiter.block.id(),
            wait: Some(waiter.wait),
            held,
            others,
            thread: child.map(|edge| self.waiters[edge.b].block.id()),
        }
    }
}

/// The shortest way from `me` back to `me`, then the rest of the component.
fn order(me: usize, core: &[usize], edges: &[Edge]) -> SysVec<usize> {
    // (owner, place in this list of the one that it was reached from).
    let mut reached: SysVec<(usize, usize)> = SysVec::new();
    reached.push((me, 0));
    let mut next = 0;
    let mut last = None;
    while next < reached.len() && last.is_none() {
        let at = reached[next].0;
        for edge in edges.iter().filter(|edge| edge.a == at) {
            if edge.b == me {
                last = Some(next);
                break;
            }
            if core.contains(&edge.b) && !reached.iter().any(|(b, _)| *b == edge.b) {
                reached.push((edge.b, next));
            }
        }
        next += 1;
    }
    let mut order = SysVec::new();
    let mut at = last.unwrap_or(0);
    while at != 0 {
        order.push(reached[at].0);
        at = reached[at].1;
    }
    order.push(me);
    order.reverse();
    for &at in core {
        if !order.contains(&at) {
            order.push(at);
        }
    }
    order
}
