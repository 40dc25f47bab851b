//! Every interleaving of an owner with the threads that end its holds for it.

use super::*;
use crate::lock::Class;
use crate::mode::Policy;
use loom::sync::Arc;
use loom::thread;
use std::panic::Location;

static POLICY: Policy = Policy {
    kind: "Mutex",
    read_blocks_behind_writer: false,
    guard_send: true,
    reentrant: false,
    shared: true,
    upgrade: true,
};
static CLASS: Class = Class { name: Some("loom"), ..Class::plain(1, &POLICY) };

/// A block that nobody else knows. It never touches the table, whose mutex loom does not follow.
fn block() -> Arc<OwnerBlock> {
    Arc::new(OwnerBlock::new(1, 1))
}

/// What a token carries.
#[derive(Clone, Copy)]
struct Taken {
    slot: u32,
    id: u64,
    generation: u16,
}

fn take_lock(block: &OwnerBlock, id: u64) -> Taken {
    let generation = block.generation();
    let slot =
        block.held.push(id, Mode::Exclusive, generation, &CLASS, Location::caller()).unwrap();
    Taken { slot, id, generation }
}

/// Ends a hold as its owner; whether it was still there.
fn give_back(block: &OwnerBlock, taken: Taken) -> bool {
    block.held.remove(taken.slot, taken.id, taken.generation).is_some()
}

/// Ends a hold on another thread; whether it was still there.
fn end_elsewhere(block: &OwnerBlock, taken: Taken) -> bool {
    block.release_elsewhere(taken.slot, taken.id, taken.generation).is_some()
}

/// The held locks, and that the books agree with them.
#[track_caller]
fn held(block: &OwnerBlock) -> Vec<u64> {
    let mut ids: Vec<u64> = block.holds().map(|hold| hold.id).collect();
    block.held.check_invariants();
    assert_eq!(block.held.is_empty(), ids.is_empty());
    ids.sort_unstable();
    ids
}

#[test]
fn a_hold_ended_elsewhere_is_missed_by_nobody_and_costs_no_other() {
    loom::model(|| {
        let block = block();
        // Three holds: the set is past its inline slots.
        let taken = [1, 2, 3].map(|id| take_lock(&block, id));
        let other = thread::spawn({
            let block = Arc::clone(&block);
            move || assert!(end_elsewhere(&block, taken[1]), "it was there")
        });
        let fourth = take_lock(&block, 4);
        assert!(give_back(&block, taken[2]));
        block.settle_books();
        let fifth = take_lock(&block, 5);
        assert!(give_back(&block, fourth));
        other.join().unwrap();
        block.settle_books();
        assert_eq!(held(&block), [1, 5]);
        assert!(give_back(&block, fifth) && give_back(&block, taken[0]));
        block.settle_books();
        assert!(held(&block).is_empty());
    });
}

#[test]
fn two_who_end_one_hold_end_it_once() {
    loom::model(|| {
        let block = block();
        let [first, second] = [1, 2].map(|id| take_lock(&block, id));
        let racer = || {
            let block = Arc::clone(&block);
            thread::spawn(move || end_elsewhere(&block, second))
        };
        let racers = [racer(), racer()];
        let third = take_lock(&block, 3);
        let ended = racers.map(|racer| racer.join().unwrap());
        assert_eq!(ended.iter().filter(|ended| **ended).count(), 1);
        block.settle_books();
        assert_eq!(held(&block), [1, 3]);
        assert!(give_back(&block, first) && give_back(&block, third));
    });
}

/// A lock is dropped by one thread while its guard is given back by another.
#[test]
fn a_purge_and_a_release_at_once_leave_right_books() {
    loom::model(|| {
        let block = block();
        let [first, second] = [1, 2].map(|id| take_lock(&block, id));
        let purges = thread::spawn({
            let block = Arc::clone(&block);
            move || {
                block.held.purge(second.id);
                block.set(RELEASED_ELSEWHERE);
            }
        });
        give_back(&block, second);
        let third = take_lock(&block, 3);
        purges.join().unwrap();
        block.settle_books();
        assert_eq!(held(&block), [1, 3]);
        assert!(give_back(&block, first) && give_back(&block, third));
    });
}

/// The block is renewed at every point of the late release, also between its load and its
/// exchange: the next owner's hold stands in the same slot, of the same lock, in the same mode.
#[test]
fn a_token_of_an_ended_owner_ends_no_hold_of_the_next() {
    loom::model(|| {
        let block = block();
        let stale = take_lock(&block, 1);
        let late = thread::spawn({
            let block = Arc::clone(&block);
            move || end_elsewhere(&block, stale)
        });
        block.renew(2);
        let fresh = take_lock(&block, 1);
        assert_eq!(fresh.slot, stale.slot);
        late.join().unwrap();
        block.settle_books();
        assert_eq!(held(&block), [1]);
        assert!(!give_back(&block, stale), "the owner itself refuses it too");
        assert!(give_back(&block, fresh));
    });
}

/// As above, for a downgrade of a guard that has moved away.
#[test]
fn a_token_of_an_ended_owner_changes_no_hold_of_the_next() {
    loom::model(|| {
        let block = block();
        let stale = take_lock(&block, 1);
        let late = thread::spawn({
            let block = Arc::clone(&block);
            move || {
                let Taken { slot, id, generation } = stale;
                block.held.convert(slot, id, generation, Mode::Shared, false);
                block.set(RELEASED_ELSEWHERE);
            }
        });
        block.renew(2);
        let fresh = take_lock(&block, 7);
        late.join().unwrap();
        block.settle_books();
        assert_eq!(held(&block), [7]);
        assert!(give_back(&block, fresh));
    });
}

/// Two threads end holds while the owner takes note of them again and again: at its next look at
/// a quiet moment it knows of both.
#[test]
fn no_release_elsewhere_is_lost_while_the_owner_settles_its_books() {
    loom::model(|| {
        let block = block();
        let taken = [1, 2].map(|id| take_lock(&block, id));
        let others = taken.map(|taken| {
            let block = Arc::clone(&block);
            thread::spawn(move || assert!(end_elsewhere(&block, taken)))
        });
        block.settle_books();
        block.set(INSIDE);
        block.settle_books();
        block.unset(INSIDE);
        for other in others {
            other.join().unwrap();
        }
        block.settle_books();
        assert!(held(&block).is_empty());
        assert_eq!(block.flags(), 0);
    });
}
