use super::*;
use crate::mem;
use crate::mode::Policy;
use proptest::prelude::*;
use std::panic::Location;

static POLICY: Policy = Policy {
    kind: "RwLock",
    read_blocks_behind_writer: true,
    guard_send: true,
    reentrant: false,
    shared: true,
    upgrade: true,
};
static CLASS: Class = Class::plain(1, &POLICY);

#[derive(Clone, Copy, Debug)]
enum Step {
    Push(u64, Mode),
    /// Ends a hold, counted from the newest: by the short way where that is open.
    Remove(usize),
    Convert(usize, Mode),
    /// As another thread does.
    Clear(usize),
    Purge(u64),
    Context(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let mode = || (0..4_u8).prop_map(Mode::from_bits);
    let step = prop_oneof![
        6 => (1..40_u64, mode()).prop_map(|(id, mode)| Step::Push(id, mode)),
        4 => (0..3_usize).prop_map(Step::Remove),
        1 => (0..90_usize).prop_map(Step::Remove),
        1 => (0..90_usize, mode()).prop_map(|(hold, mode)| Step::Convert(hold, mode)),
        1 => (0..90_usize).prop_map(Step::Clear),
        1 => (1..40_u64).prop_map(Step::Purge),
        1 => any::<u64>().prop_map(Step::Context),
    ];
    prop::collection::vec(step, 0..200)
}

proptest! {
    /// Against a list of (place, id, mode).
    #[test]
    fn is_the_bag_of_what_was_pushed_and_not_removed(steps in steps()) {
        let set = mem::keep(HeldSet::new());
        set.set_context(7);
        let mut held: Vec<(u32, u64, Mode)> = Vec::new();
        for step in steps {
            let nth = |from_newest: usize| held.len().checked_sub(from_newest + 1);
            match step {
                Step::Push(id, mode) => {
                    let place = set.push(id, mode, 3, &CLASS, Location::caller()).unwrap();
                    prop_assert!(held.iter().all(|&(used, ..)| used != place));
                    held.push((place, id, mode));
                }
                Step::Remove(n) => if let Some(n) = nth(n) {
                    let (place, id, mode) = held.remove(n);
                    let head = id << ID_SHIFT;
                    prop_assert_eq!(set.remove_near(u64::from(place), head + (1 << ID_SHIFT)), None);
                    match set.remove_near(u64::from(place), head) {
                        Some(owned) => prop_assert_eq!(owned, mode.is_owned()),
                        None => prop_assert_eq!(set.remove(place, id, 3), Some(mode)),
                    }
                    prop_assert_eq!(set.remove(place, id, 3), None);
                },
                Step::Convert(n, mode) => if let Some(n) = nth(n) {
                    let (place, id, old) = held[n];
                    prop_assert_eq!(set.convert(place, id, 4, mode, true), None);
                    prop_assert_eq!(set.convert(place, id, 3, mode, true), Some(old));
                    held[n].2 = mode;
                },
                Step::Clear(n) => if let Some(n) = nth(n) {
                    let (place, id, mode) = held.remove(n);
                    prop_assert_eq!(set.clear(place, id, 3), Some(mode));
                    set.resync();
                },
                Step::Purge(id) => {
                    held.retain(|&(_, other, _)| other != id);
                    set.purge(id);
                    set.resync();
                }
                Step::Context(context) => set.set_context(context),
            }
            set.check_invariants();
            let mut bag: Vec<_> = set.iter().map(|(place, hold)| (place, hold.id, hold.mode)).collect();
            bag.sort_unstable();
            let mut expected = held.clone();
            expected.sort_unstable();
            prop_assert_eq!(bag, expected);
            prop_assert!((1..40).all(|id| set.holds(id) == held.iter().any(|hold| hold.1 == id)));
            prop_assert!((1..40).all(|id| set.has(id << ID_SHIFT) == set.holds(id)));
            prop_assert_eq!(set.is_empty(), held.is_empty());
        }
    }
}

/// Hand over hand the set moves up through its slots, and finds the free ones beneath again.
#[test]
fn hand_over_hand_needs_no_more_slots_than_there_are_inline() {
    let set = mem::keep(HeldSet::new());
    let mut last = set.push(1, Mode::Exclusive, 1, &CLASS, Location::caller()).unwrap();
    for id in 2..1_000 {
        let next = set.push(id, Mode::Exclusive, 1, &CLASS, Location::caller()).unwrap();
        assert!(next <= LAST + SIZE, "{next}");
        assert_eq!(set.remove(last, id - 1, 1), Some(Mode::Exclusive));
        set.check_invariants();
        last = next;
    }
}

/// The order of two holds, their modes and their number all tell in the hash.
#[test]
fn different_sets_have_different_chains() {
    let mut seen = std::collections::HashSet::new();
    let set = mem::keep(HeldSet::new());
    set.set_context(0x1234_5678_9ABC_DEF0);
    let push = |id, mode| set.push(id, mode, 1, &CLASS, Location::caller()).unwrap();
    for a in 1..300 {
        for mode in [Mode::Exclusive, Mode::Shared] {
            let first = push(a, mode);
            assert!(seen.insert(set.chain()));
            for b in 1..300 {
                let second = push(b, Mode::Exclusive);
                assert!(seen.insert(set.chain()), "{a} {mode:?} {b}");
                set.remove(second, b, 1);
            }
            set.remove(first, a, 1);
        }
    }
}

#[test]
fn a_full_set_takes_no_more_until_one_of_its_holds_ends() {
    let set = mem::keep(HeldSet::new());
    let push = |id| set.push(id, Mode::Shared, 3, &CLASS, Location::caller());
    let places: Vec<u32> = (1..=ROOM as u64).map_while(push).collect();
    assert_eq!(places.len(), ROOM);
    assert!(set.is_full() && push(1 << 20).is_none());
    assert_eq!(set.iter().count(), ROOM);

    // Elsewhere than at the top.
    assert_eq!(set.remove(places[5], 6, 3), Some(Mode::Shared));
    assert!(!set.is_full() && !set.is_full());
    assert_eq!(push(1 << 20), Some(places[5]));
    assert!(set.is_full());
    set.check_invariants();
    set.reset();
    assert!(set.is_empty() && !set.is_full());
}
