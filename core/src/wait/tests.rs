//! The check over owners that the tests make up.

use super::*;
use crate::lock::{Class, Site};
use crate::mem::keep;
use crate::mode::Policy;
use crate::parked::Waiting;
use std::panic::Location;

static MUTEX: Policy = policy("Mutex", false, false);
static SEND: Policy = policy("Mutex", false, true);
static RW: Policy = policy("RwLock", true, false);

const fn policy(kind: &'static str, shared: bool, guard_send: bool) -> Policy {
    let read_blocks_behind_writer = shared;
    Policy {
        kind,
        read_blocks_behind_writer,
        guard_send,
        reentrant: false,
        shared,
        upgrade: shared,
    }
}

fn class(policy: &'static Policy) -> &'static Class {
    keep(Class::plain(1, policy))
}

fn here() -> Site {
    Location::caller()
}

/// Some owners and their locks, by number.
struct Crowd {
    owners: Vec<&'static OwnerBlock>,
    joins: Vec<(usize, usize)>,
}

impl Owners for Crowd {
    fn each(&self, visit: &mut dyn FnMut(&'static OwnerBlock)) {
        self.owners.iter().for_each(|owner| visit(owner));
    }

    fn joins(&self, visit: &mut dyn FnMut(&'static OwnerBlock, &'static OwnerBlock)) {
        self.joins.iter().for_each(|&(a, b)| visit(self.owners[a], self.owners[b]));
    }
}

impl Crowd {
    fn new(owners: usize) -> Crowd {
        let owner = |index| keep(OwnerBlock::new(index as u32 + 1, index as u32 + 1));
        Crowd {
            owners: (0..owners).map(|index| owner(index) as &'static _).collect(),
            joins: vec![],
        }
    }

    fn holds(&self, owner: usize, id: u64, mode: Mode, policy: &'static Policy) -> u32 {
        self.owners[owner].held.push(id, mode, 1, class(policy), here()).expect("room")
    }

    fn ends(&self, owner: usize, slot: u32, id: u64) {
        self.owners[owner].held.remove(slot, id, 1).expect("it is held");
    }

    fn waits(&self, owner: usize, id: u64, what: What, policy: &'static Policy) -> u64 {
        self.begins(owner, id, what, policy, false)
    }

    fn begins(
        &self,
        owner: usize,
        id: u64,
        what: What,
        policy: &'static Policy,
        timed: bool,
    ) -> u64 {
        let (holds, class) = (self.owners[owner].held.top(), Some(class(policy)));
        let wait = Wait { turn: 0, what, timed, id, class, at: here(), since: 0, holds };
        self.owners[owner].parked.publish(&wait)
    }

    fn is_over(&self, owner: usize, turn: u64) {
        assert!(self.owners[owner].parked.clear(turn));
    }

    /// The owners of the deadlock that `closer` closes, in the order in which it is told.
    fn closes(&self, waits: &mut Waits, closer: usize) -> Vec<u32> {
        let deadlock = waits.closed_by(self.owners[closer], self);
        let of = |deadlock: Deadlock| deadlock.sides.iter().map(|side| side.owner.0 - 1).collect();
        deadlock.map_or_else(Vec::new, of)
    }

    fn attempt(&self, waits: &mut Waits, owner: usize, asked: Option<u64>) -> Attempt {
        waits.attempt(self.owners[owner], asked, self)
    }
}

const NOBODY: [u32; 0] = [];
const WRITE: What = What::Lock(Want::Exclusive);
const READ: What = What::Lock(Want::Shared);

#[test]
fn a_circle_of_mutexes_is_told_once_beginning_with_its_closer() {
    let (mut waits, crowd) = (Waits::new(), Crowd::new(4));
    (0..3).for_each(|i| _ = crowd.holds(i, i as u64 + 1, Mode::Exclusive, &MUTEX));
    crowd.waits(0, 2, WRITE, &MUTEX);
    assert_eq!(crowd.closes(&mut waits, 0), NOBODY);
    crowd.waits(1, 3, WRITE, &MUTEX);
    assert_eq!(crowd.closes(&mut waits, 1), NOBODY);
    crowd.waits(3, 1, WRITE, &MUTEX);
    assert_eq!(crowd.closes(&mut waits, 3), NOBODY);
    let third = crowd.waits(2, 1, WRITE, &MUTEX);
    assert_eq!(crowd.closes(&mut waits, 2), [2, 0, 1]);
    assert_eq!(crowd.closes(&mut waits, 0), NOBODY, "it was told");
    assert_eq!(crowd.closes(&mut waits, 3), NOBODY, "it waits for them, and is none of them");
    crowd.is_over(2, third);
    assert_eq!(crowd.closes(&mut waits, 0), NOBODY, "the victim runs");
    crowd.waits(2, 1, WRITE, &MUTEX);
    assert_eq!(crowd.closes(&mut waits, 2), [2, 0, 1], "another turn, another deadlock");
}

#[test]
fn whoever_may_go_on_makes_no_deadlock() {
    for (timed, policy, what) in [
        (true, &MUTEX, WRITE),
        (false, &SEND, WRITE),
        (false, &MUTEX, What::Other(Waiting::Message)),
        (false, &MUTEX, What::Other(Waiting::Region("io"))),
    ] {
        let (mut waits, crowd) = (Waits::new(), Crowd::new(2));
        crowd.holds(0, 1, Mode::Exclusive, policy);
        crowd.holds(1, 2, Mode::Exclusive, &MUTEX);
        crowd.begins(0, 2, what, &MUTEX, timed);
        crowd.waits(1, 1, WRITE, policy);
        assert_eq!(crowd.closes(&mut waits, 1), NOBODY, "{what:?}");
    }
}

#[test]
fn a_lock_that_was_released_or_a_wait_that_is_over_stops_nobody() {
    let (mut waits, crowd) = (Waits::new(), Crowd::new(2));
    let slot = crowd.holds(0, 1, Mode::Exclusive, &MUTEX);
    crowd.holds(1, 2, Mode::Exclusive, &MUTEX);
    let turn = crowd.waits(0, 2, WRITE, &MUTEX);
    crowd.is_over(0, turn);
    crowd.waits(1, 1, WRITE, &MUTEX);
    assert_eq!(crowd.closes(&mut waits, 1), NOBODY, "the other one runs");
    crowd.ends(0, slot, 1);
    crowd.waits(0, 2, WRITE, &MUTEX);
    assert_eq!(crowd.closes(&mut waits, 0), NOBODY, "what it waits for was released");
}

#[test]
fn modes_that_do_not_conflict_make_no_deadlock() {
    let (mut waits, crowd) = (Waits::new(), Crowd::new(2));
    crowd.holds(0, 1, Mode::Upgradable, &RW);
    crowd.holds(1, 2, Mode::Exclusive, &MUTEX);
    crowd.waits(0, 2, WRITE, &MUTEX);
    crowd.waits(1, 1, READ, &RW);
    assert_eq!(crowd.closes(&mut waits, 1), NOBODY, "a read passes an upgradable hold");
}

#[test]
fn a_writer_waits_for_each_reader_and_an_upgrade_for_the_others() {
    let (mut waits, crowd) = (Waits::new(), Crowd::new(3));
    crowd.holds(0, 1, Mode::Upgradable, &RW);
    crowd.holds(1, 1, Mode::Shared, &RW);
    crowd.holds(2, 1, Mode::Shared, &RW);
    crowd.holds(0, 2, Mode::Exclusive, &MUTEX);
    crowd.waits(0, 1, What::Lock(Want::Upgrade), &RW);
    assert_eq!(crowd.closes(&mut waits, 0), NOBODY);
    crowd.waits(2, 2, WRITE, &MUTEX);
    assert_eq!(crowd.closes(&mut waits, 2), [2, 0], "though the other reader runs");
}

#[test]
fn a_permit_is_out_of_reach_only_when_every_holder_is_stuck() {
    let (mut waits, crowd) = (Waits::new(), Crowd::new(3));
    let permit = What::Permit(2);
    crowd.holds(0, 1, Mode::Shared, &MUTEX);
    crowd.holds(1, 1, Mode::Shared, &MUTEX);
    crowd.holds(2, 2, Mode::Exclusive, &MUTEX);
    crowd.waits(2, 1, permit, &MUTEX);
    assert_eq!(crowd.closes(&mut waits, 2), NOBODY);
    crowd.waits(0, 2, WRITE, &MUTEX);
    assert_eq!(crowd.closes(&mut waits, 0), NOBODY, "the other holder runs");
    crowd.waits(1, 2, WRITE, &MUTEX);
    let mut told = crowd.closes(&mut waits, 1);
    told.sort_unstable();
    assert_eq!(told, [0, 1, 2]);
    let (mut waits, crowd) = (Waits::new(), Crowd::new(2));
    crowd.holds(0, 1, Mode::Shared, &MUTEX);
    crowd.holds(1, 2, Mode::Exclusive, &MUTEX);
    crowd.waits(1, 1, permit, &MUTEX);
    crowd.waits(0, 2, WRITE, &MUTEX);
    assert_eq!(crowd.closes(&mut waits, 0), NOBODY, "a second permit is free, or somebody's");
}

#[test]
fn one_owner_with_every_permit_that_wants_one_more_is_a_deadlock() {
    let (mut waits, crowd) = (Waits::new(), Crowd::new(1));
    crowd.holds(0, 1, Mode::Shared, &MUTEX);
    crowd.holds(0, 1, Mode::Shared, &MUTEX);
    crowd.waits(0, 1, What::Permit(2), &MUTEX);
    assert_eq!(crowd.closes(&mut waits, 0), [0]);
}

#[test]
fn a_sleeper_needs_its_mutex_however_it_is_woken() {
    let (mut waits, crowd) = (Waits::new(), Crowd::new(2));
    crowd.holds(0, 2, Mode::Exclusive, &MUTEX);
    crowd.begins(0, 1, What::Notification, &MUTEX, true);
    crowd.holds(1, 1, Mode::Exclusive, &MUTEX);
    crowd.waits(1, 2, WRITE, &MUTEX);
    assert_eq!(crowd.closes(&mut waits, 1), [1, 0]);
}

#[test]
fn a_join_waits_for_its_child_and_for_nobody_else() {
    let (mut waits, mut crowd) = (Waits::new(), Crowd::new(3));
    crowd.holds(0, 1, Mode::Exclusive, &MUTEX);
    crowd.waits(0, 0, What::Threads, &MUTEX);
    crowd.waits(1, 1, WRITE, &MUTEX);
    assert_eq!(crowd.closes(&mut waits, 1), NOBODY, "it joins another");
    crowd.joins = vec![(2, 1)];
    assert_eq!(crowd.closes(&mut waits, 1), NOBODY);
    crowd.joins = vec![(0, 2), (0, 1)];
    assert_eq!(crowd.closes(&mut waits, 1), [1, 0]);
}

/// Owner 0 reads lock 1 and waits for 2; owner 1 has 2 and wants to read 1; owner 2 queues to
/// write 1.
fn queue() -> (Crowd, u32) {
    let crowd = Crowd::new(4);
    let slot = crowd.holds(0, 1, Mode::Shared, &RW);
    crowd.holds(1, 2, Mode::Exclusive, &MUTEX);
    (crowd, slot)
}

#[test]
fn a_reader_is_behind_a_writer_once_its_second_attempt_has_failed() {
    let (mut waits, (crowd, _)) = (Waits::new(), queue());
    crowd.waits(2, 1, WRITE, &RW);
    crowd.waits(1, 1, READ, &RW);
    let Attempt::Again(number) = crowd.attempt(&mut waits, 1, None) else {
        panic!("a reader is in: attempt it again")
    };
    crowd.waits(0, 2, WRITE, &MUTEX);
    assert_eq!(crowd.closes(&mut waits, 0), NOBODY, "it may be about to be let in");
    assert_eq!(crowd.attempt(&mut waits, 1, Some(number)), Attempt::Enough);
    let told = crowd.closes(&mut waits, 0);
    assert_eq!(told, [0, 1, 2]);
}

#[test]
fn a_mark_goes_with_its_hold() {
    let (mut waits, (crowd, slot)) = (Waits::new(), queue());
    crowd.waits(2, 1, WRITE, &RW);
    crowd.waits(1, 1, READ, &RW);
    let Attempt::Again(number) = crowd.attempt(&mut waits, 1, None) else { panic!("again") };
    assert_eq!(crowd.attempt(&mut waits, 1, Some(number)), Attempt::Enough);
    // It was let in and is about to run on; the same thread reads again in the same place.
    crowd.ends(0, slot, 1);
    assert_eq!(crowd.holds(0, 1, Mode::Shared, &RW), slot);
    crowd.waits(0, 2, WRITE, &MUTEX);
    assert_eq!(crowd.closes(&mut waits, 0), NOBODY);
    // Nor does the mark of somebody else count for it.
    crowd.holds(3, 5, Mode::Exclusive, &MUTEX);
    crowd.waits(3, 1, READ, &RW);
    assert!(matches!(crowd.attempt(&mut waits, 3, None), Attempt::Again(_)));
    assert_eq!(crowd.closes(&mut waits, 0), NOBODY);
}

#[test]
fn where_a_writer_may_give_up_a_reader_counts_as_running() {
    for while_it_waits in [true, false] {
        let (mut waits, (crowd, _)) = (Waits::new(), queue());
        crowd.waits(2, 1, WRITE, &RW);
        crowd.waits(1, 1, READ, &RW);
        let Attempt::Again(number) = crowd.attempt(&mut waits, 1, None) else { panic!("again") };
        let turn = crowd.begins(3, 1, WRITE, &RW, true);
        if !while_it_waits {
            waits.timed_writer();
            crowd.is_over(3, turn);
        }
        assert_eq!(crowd.attempt(&mut waits, 1, Some(number)), Attempt::Enough);
        crowd.waits(0, 2, WRITE, &MUTEX);
        assert_eq!(crowd.closes(&mut waits, 0), NOBODY);
    }
}

#[test]
fn a_second_read_behind_a_writer_is_a_deadlock_of_two() {
    let (mut waits, crowd) = (Waits::new(), Crowd::new(2));
    crowd.holds(0, 1, Mode::Shared, &RW);
    crowd.waits(1, 1, WRITE, &RW);
    crowd.waits(0, 1, READ, &RW);
    let Attempt::Again(number) = crowd.attempt(&mut waits, 0, None) else { panic!("again") };
    assert_eq!(crowd.attempt(&mut waits, 0, Some(number)), Attempt::Enough);
    assert_eq!(crowd.closes(&mut waits, 0), [0, 1]);
}

/// Of owners 0.., the first of which is paused: whether nobody can come, whether that is sure, and
/// who stands in the way.
fn still(crowd: &Crowd, members: usize) -> Option<(bool, Option<u32>)> {
    let members = &crowd.owners[..members];
    let rest = Waits::new().at_rest(members, &members[..1], crowd)?;
    Some((rest.unsure == 0, rest.in_the_way.map(OwnerBlock::index)))
}

#[test]
fn while_one_is_paused_whoever_waits_for_it_cannot_come_and_whoever_runs_can() {
    let mut crowd = Crowd::new(3);
    crowd.holds(0, 1, Mode::Exclusive, &MUTEX);
    assert!(still(&crowd, 1).is_none(), "it has not published its pause yet");
    let pause = What::Other(Waiting::Region("pause"));
    crowd.waits(0, 0, pause, &MUTEX);
    assert_eq!(still(&crowd, 1), Some((true, None)));
    assert!(still(&crowd, 2).is_none(), "the second one runs");
    let turn = crowd.waits(1, 1, What::Lock(Want::Exclusive), &MUTEX);
    assert_eq!(still(&crowd, 2), Some((true, Some(1))));
    crowd.is_over(1, turn);
    let turn = crowd.waits(1, 2, What::Lock(Want::Exclusive), &MUTEX);
    assert!(still(&crowd, 2).is_none(), "that lock is free, or held by one that runs");
    crowd.holds(2, 2, Mode::Exclusive, &MUTEX);
    assert!(still(&crowd, 2).is_none());
    crowd.waits(2, 0, What::Threads, &MUTEX);
    assert!(still(&crowd, 2).is_none(), "no thread is known that it joins");
    crowd.joins.push((2, 0));
    assert_eq!(still(&crowd, 3), Some((true, Some(1))), "through a join by another owner");
    assert_eq!(still(&crowd, 2), Some((true, Some(1))), "which need be no member");
    crowd.is_over(1, turn);
    crowd.begins(1, 1, What::Lock(Want::Exclusive), &MUTEX, true);
    assert!(still(&crowd, 2).is_none(), "a timed wait ends by itself");
}

#[test]
fn a_wait_that_anybody_may_end_is_unsure_in_a_member_and_none_in_others() {
    for what in [What::Other(Waiting::Message), What::Notification] {
        let crowd = Crowd::new(3);
        crowd.waits(0, 0, What::Other(Waiting::Region("pause")), &MUTEX);
        crowd.waits(1, 7, what, &MUTEX);
        assert_eq!(still(&crowd, 2), Some((false, None)));
        crowd.holds(2, 9, Mode::Exclusive, &MUTEX);
        let turn = crowd.waits(2, 7, what, &MUTEX);
        let unsure = |members: usize| {
            let members = &crowd.owners[..members];
            let rest = Waits::new().at_rest(members, &members[..1], &crowd);
            rest.expect("nobody comes").unsure
        };
        let (two, three) = (unsure(2), unsure(3));
        assert_ne!(two, three);
        assert_eq!(three, unsure(3), "the same as long as the waits are");
        crowd.is_over(2, turn);
        crowd.waits(2, 7, what, &MUTEX);
        assert_ne!(three, unsure(3), "another wait");
    }
    let crowd = Crowd::new(3);
    crowd.waits(0, 0, What::Other(Waiting::Region("pause")), &MUTEX);
    crowd.holds(2, 9, Mode::Exclusive, &MUTEX);
    crowd.waits(2, 0, What::Other(Waiting::Message), &MUTEX);
    crowd.waits(1, 9, What::Lock(Want::Exclusive), &MUTEX);
    assert!(still(&crowd, 2).is_none(), "whoever waits outside may be woken from outside");
}

impl Crowd {
    /// The owners of a standstill that two looks find, when all threads sleep.
    fn stands_still(&self, waits: &mut Waits) -> Vec<u32> {
        let Some(suspicion) = waits.suspect(self) else { return vec![] };
        assert!(waits.suspect(self).is_some_and(|again| again.is(&suspicion)));
        assert_eq!(suspicion.threads, self.owners.len());
        let deadlock = waits.confirm(&suspicion, self).expect("nothing has changed");
        assert!(!deadlock.closed);
        deadlock.sides.iter().map(|side| side.owner.0 - 1).collect()
    }
}

#[test]
fn where_everybody_waits_for_one_of_them_nobody_can_go_on_whoever_has_the_guard() {
    let (mut waits, crowd) = (Waits::new(), Crowd::new(3));
    crowd.holds(0, 1, Mode::Exclusive, &SEND);
    crowd.holds(1, 2, Mode::Exclusive, &MUTEX);
    crowd.waits(1, 1, WRITE, &SEND);
    assert_eq!(crowd.closes(&mut waits, 1), NOBODY);
    crowd.waits(2, 2, WRITE, &MUTEX);
    assert_eq!(crowd.closes(&mut waits, 2), NOBODY, "it may have the guard, or not");
    assert_eq!(crowd.stands_still(&mut waits), NOBODY, "one of them runs");
    let turn = crowd.waits(0, 0, What::Other(Waiting::Barrier), &MUTEX);
    let suspicion = waits.suspect(&crowd).expect("all of them wait");
    crowd.is_over(0, turn);
    assert!(waits.confirm(&suspicion, &crowd).is_none(), "it runs");
    crowd.waits(0, 0, What::Other(Waiting::Barrier), &MUTEX);
    assert!(waits.confirm(&suspicion, &crowd).is_none(), "it has run");
    assert_eq!(crowd.stands_still(&mut waits).len(), 3);
    assert_eq!(crowd.stands_still(&mut waits), NOBODY, "it was told");
}

#[test]
fn a_wait_with_a_source_that_is_not_known_is_no_standstill() {
    let two = |what, held: Option<(Mode, &'static Policy)>, timed| {
        let (mut waits, crowd) = (Waits::new(), Crowd::new(2));
        if let Some((mode, policy)) = held {
            crowd.holds(0, 1, mode, policy);
        }
        crowd.begins(1, 1, what, &MUTEX, timed);
        crowd.waits(0, 0, What::Other(Waiting::Message), &MUTEX);
        crowd.stands_still(&mut waits).len()
    };
    let held = Some((Mode::Exclusive, &MUTEX));
    assert_eq!(two(WRITE, held, false), 2);
    assert_eq!(two(WRITE, held, true), 0, "it ends by itself");
    assert_eq!(two(WRITE, None, false), 0, "nobody here has it");
    assert_eq!(two(What::Permit(1), held, false), 2);
    assert_eq!(two(What::Permit(2), held, false), 0, "somebody unknown has the other one");
    assert_eq!(two(What::Notification, None, false), 2);
    assert_eq!(two(What::Notification, None, true), 0, "it wakes by itself");
    assert_eq!(two(What::Other(Waiting::Room), None, false), 2);
    assert_eq!(two(What::Other(Waiting::Region("io")), None, false), 0);
}

#[test]
fn what_a_deadlock_explains_is_no_standstill() {
    let (mut waits, crowd) = (Waits::new(), Crowd::new(3));
    (0..2).for_each(|i| _ = crowd.holds(i, i as u64 + 1, Mode::Exclusive, &MUTEX));
    crowd.waits(2, 0, What::Other(Waiting::Message), &MUTEX);
    crowd.waits(0, 2, WRITE, &MUTEX);
    crowd.waits(1, 1, WRITE, &MUTEX);
    assert_eq!(crowd.closes(&mut waits, 1), [1, 0]);
    assert_eq!(crowd.stands_still(&mut waits), NOBODY);
}

#[test]
fn a_process_whose_one_owner_is_the_recorder_or_inside_it_does_not_stand_still() {
    let (mut waits, crowd) = (Waits::new(), Crowd::new(2));
    crowd.owners[0].set(crate::owner::SERVES);
    crowd.waits(1, 0, What::Other(Waiting::Message), &MUTEX);
    crowd.owners[1].set(crate::owner::INSIDE);
    assert_eq!(crowd.stands_still(&mut waits), NOBODY, "it is in a callback, say");
    crowd.owners[1].unset(crate::owner::INSIDE);
    assert_eq!(crowd.stands_still(&mut waits), [1]);
    crowd.owners[1].set(crate::owner::SERVES);
    assert_eq!(crowd.stands_still(&mut waits), NOBODY);
}
