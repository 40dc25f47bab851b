//! Steered runs: what can hang does, each time; what cannot does not, and the reason is the right one.
//!
//! `LOCKGRAPH_PROVOKE=1000` is the number of times that each of them is provoked.

use lockgraph::parking_lot::{Condvar, Mutex, RwLock};
use lockgraph::testing::{Outcome, Provocation, Scope, provoke, provoke_within};
use lockgraph::{Confidence, Kind, Named, assert_clean, sync, thread};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// Far beyond what a test takes: none may need its end.
const HOUR: Duration = Duration::from_secs(3600);

fn times(short: usize) -> usize {
    let long = std::env::var("LOCKGRAPH_PROVOKE").ok();
    long.map_or(short, |times| times.parse().expect("a number of times"))
}

fn named(name: &str) -> Mutex<()> {
    Mutex::new(()).named(name)
}

fn nested(first: &Mutex<()>, second: &Mutex<()>) {
    let _first = first.lock();
    let _second = second.lock();
}

fn expect(provocation: &Provocation, outcome: Outcome) {
    let outcome = if lockgraph::PRESENT { outcome } else { Outcome::Clean };
    assert_eq!(provocation.outcome(), outcome, "{provocation:#?}");
}

/// It happened: named as a deadlock, and as the inversion that it was.
fn expect_reproduced(provocation: &Provocation, locks: usize) {
    expect(provocation, Outcome::Reproduced);
    if !lockgraph::PRESENT {
        return;
    }
    let (inversion, outcome) = &provocation.inversions()[0];
    assert_eq!(*outcome, Outcome::Reproduced, "{provocation:#?}");
    assert_eq!(inversion.confidence, Some(Confidence::Reproduced));
    assert_eq!(inversion.sides.len(), locks, "{}", inversion.report());
    let second = provocation.second().expect("it was steered").findings();
    let deadlock = second.iter().find(|finding| finding.kind == Kind::Deadlock).expect("LG002");
    assert!(deadlock.sides.len() >= locks, "{}", deadlock.report());
    assert!(second.iter().any(|finding| finding.fingerprint == inversion.fingerprint));
}

/// Threads one after the other, so that the first run hangs only where it is steered.
fn in_turn(sides: &[&(dyn Fn() + Sync)]) {
    thread::scope(|s| {
        let mut last = None;
        for side in sides {
            let (done, next) = channel::<()>();
            let before = std::mem::replace(&mut last, Some(next));
            s.spawn(move || {
                // Ends where the one before has: without an order that the recorder knows.
                before.into_iter().for_each(|before| assert!(before.recv().is_err()));
                side();
                drop(done);
            });
        }
    });
}

/// Threads at once.
fn at_once(sides: &[&(dyn Fn() + Sync)]) {
    thread::scope(|s| sides.iter().for_each(|side| drop(s.spawn(side))));
}

#[test]
fn two_locks_in_both_orders_hang_each_time() {
    for _ in 0..times(50) {
        let provocation = provoke_within(HOUR, || {
            let (a, b) = (named("two/a"), named("two/b"));
            at_once(&[&|| nested(&a, &b), &|| nested(&b, &a)]);
        });
        expect_reproduced(&provocation, 2);
    }
}
