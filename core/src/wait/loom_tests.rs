//! Every interleaving of owners that publish, look, and go on.

use super::*;
use crate::lock::Class;
use crate::mem::leak;
use crate::mode::Policy;
use loom::sync::{Arc, Mutex};
use loom::thread;
use std::panic::Location;

static MUTEX: Policy = Policy {
    kind: "Mutex",
    read_blocks_behind_writer: false,
    guard_send: false,
    reentrant: false,
    shared: false,
    upgrade: false,
};
static CLASS: Class = Class { name: Some("loom"), ..Class::plain(1, &MUTEX) };

type Blocks = [&'static OwnerBlock; 2];

impl Owners for Blocks {
    fn each(&self, visit: &mut dyn FnMut(&'static OwnerBlock)) {
        self.iter().for_each(|block| visit(block));
    }

    fn joins(&self, _: &mut dyn FnMut(&'static OwnerBlock, &'static OwnerBlock)) {}
}

fn blocks() -> Blocks {
    [1, 2].map(|index| leak(OwnerBlock::new(index, index)) as &'static OwnerBlock)
}

fn wait(id: u64, holds: u32) -> Wait {
    let (what, at) = (What::Lock(Want::Exclusive), Location::caller());
    Wait { turn: 0, what, timed: false, id, class: Some(&CLASS), at, since: 0, holds }
}

fn hold(block: &OwnerBlock, id: u64) -> u32 {
    block.held.push(id, Mode::Exclusive, block.generation(), &CLASS, Location::caller()).unwrap()
}

/// Each has one lock and wants the other's: whichever way they run, one of them says so, and as
/// the victim clears its wait before the other looks, only one.
#[test]
fn a_deadlock_of_two_has_one_victim() {
    loom::model(|| {
        let blocks = blocks();
        let waits = Arc::new(Mutex::new(Waits::new()));
        let closes = move |waits: &Mutex<Waits>, me: usize| {
            let block = blocks[me];
            hold(block, me as u64 + 1);
            let turn = block.parked.publish(&wait(2 - me as u64, 1));
            let mut waits = waits.lock().unwrap();
            let victim = waits.closed_by(block, &blocks).is_some();
            if victim {
                block.parked.clear(turn);
            }
            victim
        };
        let other = thread::spawn({
            let waits = Arc::clone(&waits);
            move || closes(&waits, 1)
        });
        let victims = [closes(&waits, 0), other.join().unwrap()];
        assert_eq!(victims.iter().filter(|victim| **victim).count(), 1);
    });
}

/// The other one has had its lock granted and goes on: it clears its wait, takes the hold, and
/// ends the one that is waited for. Nobody is stuck at any point.
#[test]
fn an_owner_that_goes_on_is_in_no_deadlock() {
    loom::model(|| {
        let blocks = blocks();
        let slot = hold(blocks[1], 1);
        let turn = blocks[1].parked.publish(&wait(2, 1));
        let other = thread::spawn(move || {
            // Lock 2 was free: what the first owner took is lock 3.
            blocks[1].parked.clear(turn);
            hold(blocks[1], 2);
            blocks[1].held.remove(slot, 1, blocks[1].generation());
        });
        hold(blocks[0], 3);
        blocks[0].parked.publish(&wait(1, 1));
        assert!(Waits::new().closed_by(blocks[0], &blocks).is_none());
        other.join().unwrap();
    });
}

/// A mark stands on the very hold that was marked, though the same lock comes to the same slot.
#[test]
fn a_mark_never_stands_on_a_later_hold() {
    loom::model(|| {
        let block: &'static OwnerBlock = leak(OwnerBlock::new(1, 1));
        let slot = hold(block, 1);
        let owner = thread::spawn(move || {
            block.held.remove(slot, 1, block.generation());
            assert_eq!(hold(block, 1), slot);
            let after = block.held.is_marked(slot, 1);
            (after, hold(block, 2))
        });
        let marked = block.held.mark(slot, 1);
        let (after, _) = owner.join().unwrap();
        // What was marked before the second hold was made is gone; what is marked now was marked
        // after it.
        assert!(marked || !after);
        assert!(block.held.holds(1));
    });
}
