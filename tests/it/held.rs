//! Claims of what the running thread holds.

use lockgraph::parking_lot::{Mutex, RwLock};
use lockgraph::testing::observe;
use lockgraph::{Kind, Misuse, Named, assert_held, assert_not_held, sync};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

#[track_caller]
fn fails(f: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(f)).expect_err("it must fail");
    *panic.downcast::<String>().expect("a formatted message")
}

#[test]
fn what_is_held_is_held_in_any_mode_by_lock_and_by_name() {
    let jobs = Arc::new(RwLock::new(0).named("held/jobs"));
    let queue = sync::Mutex::new(0);
    {
        let _jobs = jobs.read();
        let _queue = queue.lock();
        assert_held!(*jobs);
        assert_held!("held/jobs");
        assert_held!(queue);
    }
    assert_not_held!(*jobs);
    assert_not_held!("held/jobs");
    assert_not_held!(queue);
    let name = String::from("held/nobody has this");
    assert_not_held!(name.as_str());
}

#[test]
fn a_claim_that_does_not_hold_panics_with_the_report_of_it() {
    if !lockgraph::PRESENT {
        return;
    }
    let (state, other) = (Mutex::new(0).named("claim/state"), Mutex::new(0).named("claim/other"));
    let mut texts = Vec::new();
    let observation = observe(|| {
        let _other = other.lock();
        texts.push(fails(|| assert_held!(state)));
        texts.push(fails(|| assert_held!("claim/state")));
        let _state = state.lock();
        texts.push(fails(|| assert_not_held!(state)));
        texts.push(fails(|| assert_not_held!("claim/other")));
        // Somebody else's hold is not the running thread's.
        thread::scope(|s| s.spawn(|| assert_not_held!(state)).join().expect("it holds nothing"));
    });
    let who =
        "failed assertion: thread `held::a_claim_that_does_not_hold_panics_with_the_report_of_it`";
    let parts = [
        "does not hold `claim/state`: at tests/it/held.rs:",
        "holds no lock called `claim/state`; it holds `claim/other` since tests/it/held.rs:",
        "holds `claim/state`: at tests/it/held.rs:",
        "holds `claim/other`: at tests/it/held.rs:",
    ];
    for (text, part) in texts.iter().zip(parts) {
        assert!(text.starts_with(&format!("{who} {part}")), "{text}");
    }
    let kinds: Vec<_> = observation.findings().iter().map(|f| (f.kind, f.detail)).collect();
    let misuse = |misuse| (Kind::Misuse, lockgraph::Detail::Misuse(misuse));
    assert_eq!(
        kinds,
        [misuse(Misuse::AssertNotHeld), misuse(Misuse::AssertHeld), misuse(Misuse::AssertHeld)],
        "a name without a lock is no finding"
    );
}

#[test]
fn a_thread_that_unwinds_is_not_stopped_by_a_claim() {
    struct Claims<'a>(&'a Mutex<u32>);
    impl Drop for Claims<'_> {
        fn drop(&mut self) {
            assert_held!(*self.0);
        }
    }
    let state = Mutex::new(0).named("claim/unwinding");
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let _claims = Claims(&state);
        panic!("as the test wants it");
    }));
    assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"as the test wants it"));
}
