//! Every interleaving of an owner that publishes and clears with whoever looks at it.

use super::*;
use loom::sync::Arc;
use loom::thread;

fn wait(id: u64) -> Wait {
    let at = Location::caller();
    let what = What::Lock(Want::Shared);
    Wait { turn: 0, what, timed: false, id, class: None, at, since: id * 10, holds: id as u32 }
}

#[test]
fn a_copy_is_one_wait_and_never_a_mixture_of_two() {
    loom::model(|| {
        let parked = Arc::new(Parked::new());
        let owner = thread::spawn({
            let parked = Arc::clone(&parked);
            move || {
                let turn = parked.publish(&wait(1));
                parked.clear(turn);
                parked.publish(&wait(2));
            }
        });
        if let Some(seen) = parked.load() {
            assert_eq!((seen.since, seen.holds), (seen.id * 10, seen.id as u32));
            assert!(seen.id == 1 || seen.id == 2);
        }
        owner.join().unwrap();
        assert_eq!(parked.load().map(|seen| seen.id), Some(2));
    });
}
