//! `Barrier` and `BarrierWaitResult`.

use super::sync::{Barrier, Mutex};
use super::thread;

#[test]
fn nobody_passes_before_all_are_there_and_one_leads() {
    let (barrier, arrived, leaders) = (Barrier::new(4), Mutex::new(0), Mutex::new(0));
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                *arrived.lock().unwrap() += 1;
                let result = barrier.wait();
                assert_eq!(*arrived.lock().unwrap(), 4);
                *leaders.lock().unwrap() += u8::from(result.is_leader());
            });
        }
    });
    assert_eq!(leaders.into_inner().unwrap(), 1);
}

#[test]
fn it_can_be_used_again() {
    let (barrier, rounds) = (Barrier::new(3), Mutex::new([0; 10]));
    thread::scope(|s| {
        for _ in 0..3 {
            s.spawn(|| {
                for round in 0..10 {
                    rounds.lock().unwrap()[round] += 1;
                    barrier.wait();
                    assert_eq!(rounds.lock().unwrap()[round], 3);
                }
            });
        }
    });
}

#[test]
fn one_of_one_or_none_does_not_wait() {
    for n in [0, 1] {
        let barrier = Barrier::new(n);
        assert!(barrier.wait().is_leader() && barrier.wait().is_leader());
    }
}

#[test]
fn the_texts_are_those_of_std() {
    let barrier = Barrier::new(1);
    assert_eq!(format!("{barrier:?}"), "Barrier { .. }");
    assert_eq!(format!("{:?}", barrier.wait()), "BarrierWaitResult { is_leader: true }");
}
