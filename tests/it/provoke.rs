//! Steered runs: what can hang does, each time; what cannot does not, and the reason is the right one.
//!
//! `LOCKGRAPH_PROVOKE=1000` is the number of times that each of them is provoked.

use lockgraph::parking_lot::{Condvar, Mutex, RwLock};
use lockgraph::sync::mpsc::channel;
use lockgraph::testing::{Outcome, Provocation, Scope, provoke, provoke_within};
use lockgraph::{Confidence, Kind, Named, assert_clean, sync, thread};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

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
    let happened = |(_, outcome): &&(_, Outcome)| *outcome == Outcome::Reproduced;
    let (inversion, _) = provocation.inversions().iter().find(happened).expect("an inversion");
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
            let before = last.replace(next);
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
            let (a, b) = (named("provoke/two/a"), named("provoke/two/b"));
            at_once(&[&|| nested(&a, &b), &|| nested(&b, &a)]);
        });
        expect_reproduced(&provocation, 2);
    }
}

/// Takes the locks of a ring, each thread two neighbours.
fn ring(locks: usize) {
    let locks: Vec<Mutex<()>> =
        (0..locks).map(|at| Mutex::new(()).named(&format!("provoke/ring/{at}"))).collect();
    thread::scope(|s| {
        for at in 0..locks.len() {
            let (first, second) = (&locks[at], &locks[(at + 1) % locks.len()]);
            s.spawn(move || nested(first, second));
        }
    });
}

#[test]
fn rings_of_three_and_four_hang_each_time() {
    for _ in 0..times(10) {
        expect_reproduced(&provoke_within(HOUR, || ring(3)), 3);
        expect_reproduced(&provoke_within(HOUR, || ring(4)), 4);
    }
}

#[test]
fn readers_that_write_the_other_lock_hang_each_time() {
    for _ in 0..times(10) {
        let provocation = provoke_within(HOUR, || {
            let (a, b) =
                (RwLock::new(()).named("provoke/rw/a"), RwLock::new(()).named("provoke/rw/b"));
            at_once(&[&|| drop((a.read(), b.write())), &|| drop((b.read(), a.write()))]);
        });
        expect_reproduced(&provocation, 2);
        let provocation = provoke_within(HOUR, || {
            let (a, b) = (sync::RwLock::new(()), sync::Mutex::new(()));
            at_once(&[&|| drop((a.read().expect("read"), b.lock().expect("locked"))), &|| {
                drop((b.lock().expect("locked"), a.write().expect("written")))
            }]);
        });
        expect_reproduced(&provocation, 2);
    }
}

#[test]
fn readers_behind_writers_hang_each_time() {
    for _ in 0..times(10) {
        let provocation = provoke_within(HOUR, || {
            let (a, b) = (
                RwLock::new(()).named("provoke/behind/a"),
                RwLock::new(()).named("provoke/behind/b"),
            );
            at_once(&[
                &|| drop((a.read(), b.read())),
                &|| drop((b.read(), a.read())),
                &|| drop(a.write()),
                &|| drop(b.write()),
            ]);
        });
        expect_reproduced(&provocation, 2);
        let provocation = provoke_within(HOUR, || {
            let (a, b) = (sync::RwLock::new(()), sync::Mutex::new(()));
            at_once(&[
                &|| drop((a.read().expect("read"), b.lock().expect("locked"))),
                &|| drop((b.lock().expect("locked"), a.read().expect("read"))),
                &|| drop(a.write().expect("written")),
            ]);
        });
        expect_reproduced(&provocation, 2);
    }
}

#[test]
fn readers_that_no_writer_stops_do_not_hang() {
    for _ in 0..times(3) {
        let provocation = provoke_within(HOUR, || {
            let (a, b) = (
                RwLock::new(()).named("provoke/alone/a"),
                RwLock::new(()).named("provoke/alone/b"),
            );
            at_once(&[&|| drop((a.read(), b.read())), &|| drop((b.read(), a.read()))]);
        });
        expect(&provocation, Outcome::NoWriter);
    }
}

#[test]
fn an_upgrade_hangs_against_a_reader() {
    for _ in 0..times(5) {
        let provocation = provoke_within(HOUR, || {
            let (a, b) = (RwLock::new(()).named("provoke/up/a"), named("provoke/up/b"));
            at_once(&[
                &|| {
                    let reader = a.upgradable_read();
                    let _b = b.lock();
                    drop(reader);
                },
                &|| {
                    let _b = b.lock();
                    drop(a.upgradable_read());
                },
            ]);
        });
        expect_reproduced(&provocation, 2);
    }
}

#[test]
fn one_side_may_be_the_closure_itself() {
    for _ in 0..times(10) {
        let provocation = provoke_within(HOUR, || {
            let (a, b) = (sync::Mutex::new(()), sync::Mutex::new(()));
            thread::scope(|s| {
                let other = s.spawn(|| drop((a.lock().expect("a"), b.lock().expect("b"))));
                drop((b.lock().expect("b"), a.lock().expect("a")));
                other.join().expect("the thread has ended");
            });
        });
        expect_reproduced(&provocation, 2);
    }
}

#[test]
fn locks_of_one_class_and_locks_of_the_test_hang_too() {
    static A: Mutex<()> = Mutex::new(());
    static B: Mutex<()> = Mutex::new(());
    for _ in 0..times(10) {
        let provocation = provoke_within(HOUR, || {
            let accounts = [named("provoke/account"), named("provoke/account")];
            let [a, b] = &accounts;
            at_once(&[&|| nested(a, b), &|| nested(b, a)]);
        });
        expect_reproduced(&provocation, 2);
        let provocation = provoke_within(HOUR, || {
            at_once(&[&|| nested(&A, &B), &|| nested(&B, &A)]);
        });
        expect_reproduced(&provocation, 2);
        let provocation = provoke_within(HOUR, || {
            let (a, b) = <(sync::Mutex<u8>, sync::Mutex<u8>)>::default();
            at_once(&[&|| drop((a.lock().expect("a"), b.lock().expect("b"))), &|| {
                drop((b.lock().expect("b"), a.lock().expect("a")))
            }]);
        });
        expect_reproduced(&provocation, 2);
    }
}

#[test]
fn one_order_is_clean() {
    for _ in 0..times(50) {
        let provocation = provoke(|| {
            let (a, b) = (named("provoke/fixed/a"), named("provoke/fixed/b"));
            at_once(&[&|| nested(&a, &b), &|| nested(&a, &b)]);
        });
        assert_clean!(provocation);
        expect(&provocation, Outcome::Clean);
        assert!(provocation.second().is_none());
    }
}

#[test]
fn a_gate_is_the_reason() {
    for _ in 0..times(50) {
        let provocation = provoke(|| {
            let (gate, a, b) =
                (named("provoke/gated/gate"), named("provoke/gated/a"), named("provoke/gated/b"));
            let side = |first, second| {
                let _gate = gate.lock();
                nested(first, second);
            };
            at_once(&[&|| side(&a, &b), &|| side(&b, &a)]);
        });
        assert_clean!(provocation);
        expect(&provocation, Outcome::Gated);
    }
}

#[test]
fn a_join_is_the_reason() {
    for _ in 0..times(50) {
        let provocation = provoke(|| {
            let (a, b) = (named("provoke/joined/a"), named("provoke/joined/b"));
            at_once(&[&|| nested(&a, &b)]);
            at_once(&[&|| nested(&b, &a)]);
        });
        assert_clean!(provocation);
        expect(&provocation, Outcome::Ordered);
    }
}

#[test]
fn one_thread_on_both_sides_is_the_reason() {
    for _ in 0..times(10) {
        let provocation = provoke(|| {
            let (a, b) = (named("provoke/same/a"), named("provoke/same/b"));
            nested(&a, &b);
            nested(&b, &a);
        });
        assert!(!lockgraph::PRESENT || provocation.outcome() < Outcome::NeverMet);
        assert_ne!(provocation.outcome(), Outcome::Reproduced);
    }
}

/// A message keeps them apart, which is no order that the recorder knows.
#[test]
fn sides_in_turn_never_meet_and_that_is_known_without_the_bound() {
    for _ in 0..times(3) {
        let provocation = provoke_within(HOUR, || {
            let (a, b) = (named("provoke/turn/a"), named("provoke/turn/b"));
            in_turn(&[&|| nested(&a, &b), &|| nested(&b, &a)]);
        });
        expect(&provocation, Outcome::NeverMet);
        assert!(!lockgraph::PRESENT || catch_unwind(|| assert_clean!(provocation)).is_err());
    }
}

#[test]
fn threads_of_a_pool_take_part_when_they_enter() {
    type Job = Box<dyn FnOnce() + Send>;
    let worker = || {
        let (send, jobs) = channel::<Job>();
        (send, std::thread::spawn(move || jobs.iter().for_each(|job| job())))
    };
    let ((first, first_thread), (second, second_thread)) = (worker(), worker());
    let run = |wait_between: bool| {
        let locks = sync::Arc::new((named("provoke/pool/a"), named("provoke/pool/b")));
        let (done, is_done) = channel();
        let job = |both: bool| -> Job {
            let (scope, locks, done) = (Scope::current(), sync::Arc::clone(&locks), done.clone());
            Box::new(move || {
                let _entered = scope.enter();
                let (a, b) = &*locks;
                let (first, second) = if both { (a, b) } else { (b, a) };
                let side = AssertUnwindSafe(|| nested(first, second));
                let _ = catch_unwind(side);
                drop(locks);
                done.send(()).expect("the closure waits");
            })
        };
        first.send(job(true)).expect("it runs");
        if wait_between {
            is_done.recv().expect("done");
        }
        second.send(job(false)).expect("it runs");
        (0..if wait_between { 1 } else { 2 }).for_each(|_| is_done.recv().expect("done"));
    };
    for _ in 0..times(3) {
        expect(&provoke_within(HOUR, || run(true)), Outcome::NeverMet);
        expect_reproduced(&provoke_within(HOUR, || run(false)), 2);
    }
    drop((first, second));
    first_thread.join().expect("no panic");
    second_thread.join().expect("no panic");
}

#[test]
fn an_attempt_that_gives_up_is_no_side_but_its_hold_is() {
    for _ in 0..times(10) {
        let provocation = provoke_within(HOUR, || {
            let (a, b) = (named("provoke/try/a"), named("provoke/try/b"));
            let moment = Duration::from_millis(1);
            let attempts = || {
                let _a = a.lock();
                drop((b.try_lock(), b.try_lock_for(moment)));
            };
            at_once(&[&attempts, &|| nested(&b, &a)]);
        });
        expect(&provocation, Outcome::Clean);
        let provocation = provoke_within(HOUR, || {
            let (a, b) = (named("provoke/tried/a"), named("provoke/tried/b"));
            let tries = || {
                let _a = std::iter::repeat_with(|| a.try_lock_for(Duration::from_millis(1)))
                    .find_map(|guard| guard);
                drop(b.lock());
            };
            at_once(&[&tries, &|| nested(&b, &a)]);
        });
        expect_reproduced(&provocation, 2);
    }
}

#[test]
fn a_lock_that_a_paused_thread_holds_stops_nobody_for_good() {
    for _ in 0..times(10) {
        let provocation = provoke_within(HOUR, || {
            let (outer, a, b) =
                (named("provoke/needs/outer"), named("provoke/needs/a"), named("provoke/needs/b"));
            let (has_outer, goes) = channel();
            thread::scope(|s| {
                s.spawn(|| {
                    let _outer = outer.lock();
                    has_outer.send(()).expect("the closure waits");
                    nested(&a, &b);
                });
                goes.recv().expect("it holds the outer lock");
                s.spawn(|| {
                    drop(outer.lock());
                    nested(&b, &a);
                });
            });
        });
        expect(&provocation, Outcome::NeverMet);
    }
}

#[test]
fn a_gate_around_one_round_delays_the_meeting_to_the_next_one() {
    for _ in 0..times(10) {
        let provocation = provoke_within(HOUR, || {
            let (gate, a, b) = (
                named("provoke/rounds/gate"),
                named("provoke/rounds/a"),
                named("provoke/rounds/b"),
            );
            let (has_gate, goes) = channel();
            thread::scope(|s| {
                s.spawn(|| {
                    let guard = gate.lock();
                    has_gate.send(()).expect("the closure waits");
                    nested(&a, &b);
                    drop(guard);
                    // Only here the other thread can come.
                    nested(&a, &b);
                });
                goes.recv().expect("it holds the gate");
                s.spawn(|| {
                    let _gate = gate.lock();
                    nested(&b, &a);
                });
            });
        });
        expect_reproduced(&provocation, 2);
    }
}

#[test]
fn a_wait_for_a_notification_is_a_side() {
    for _ in 0..times(3) {
        let provocation = provoke_within(HOUR, || {
            let (a, b, woken) =
                (named("provoke/cv/a"), Mutex::new(false).named("provoke/cv/b"), Condvar::new());
            let (about_to_wait, goes) = channel();
            let side = thread::scope(|s| {
                s.spawn(|| {
                    let mut ready = b.lock();
                    let _a = a.lock();
                    about_to_wait.send(()).expect("the closure waits");
                    while !*ready {
                        woken.wait(&mut ready);
                    }
                });
                goes.recv().expect("it holds the mutex until it waits");
                s.spawn(|| {
                    let mut ready = b.lock();
                    *ready = true;
                    woken.notify_all();
                    drop(a.lock());
                })
                .join()
            });
            assert!(!lockgraph::PRESENT || side.is_err());
        });
        expect_reproduced(&provocation, 2);
    }
}

#[test]
fn ten_thousand_rounds_are_no_ten_thousand_waits() {
    const ROUNDS: usize = 10_000;
    let often = |first: &Mutex<()>, second: &Mutex<()>| {
        (0..ROUNDS).for_each(|_| nested(first, second));
    };
    let provocation = provoke_within(HOUR, || {
        let (a, b) = (named("provoke/often/a"), named("provoke/often/b"));
        in_turn(&[&|| often(&a, &b), &|| often(&b, &a)]);
    });
    expect(&provocation, Outcome::NeverMet);
    let provocation = provoke_within(HOUR, || {
        let (a, b) = (named("provoke/often/a"), named("provoke/often/b"));
        at_once(&[&|| often(&a, &b), &|| often(&b, &a)]);
    });
    expect(&provocation, Outcome::Reproduced);
}

#[test]
fn a_thread_that_spins_costs_the_bound() {
    let provocation = provoke_within(Duration::from_millis(50), || {
        let (a, b, over) =
            (named("provoke/spin/a"), named("provoke/spin/b"), AtomicBool::new(false));
        at_once(&[
            &|| {
                nested(&a, &b);
                over.store(true, Ordering::Release);
            },
            &|| {
                while !over.load(Ordering::Acquire) {
                    std::thread::yield_now();
                }
                nested(&b, &a);
            },
        ]);
    });
    expect(&provocation, Outcome::OutOfTime);
}

#[test]
fn a_panic_that_no_deadlock_has_caused_goes_on() {
    for rounds in 0..2 {
        let mut round = 0;
        let result = catch_unwind(AssertUnwindSafe(|| {
            provoke(|| {
                let (a, b) = (named("provoke/panics/a"), named("provoke/panics/b"));
                if round == rounds {
                    panic!("of the test");
                }
                round += 1;
                in_turn(&[&|| nested(&a, &b), &|| nested(&b, &a)]);
            })
        }));
        if lockgraph::PRESENT || rounds == 0 {
            let panic = result.expect_err("it panics");
            assert_eq!(panic.downcast_ref(), Some(&"of the test"));
        }
    }
    // The thread is steered no more.
    let (a, b) = (named("provoke/panics/a"), named("provoke/panics/b"));
    nested(&a, &b);
    nested(&b, &a);
}

#[test]
fn provocations_beside_each_other_keep_their_outcomes() {
    std::thread::scope(|s| {
        s.spawn(|| {
            for _ in 0..times(30) {
                let provocation = provoke_within(HOUR, || {
                    let (a, b) = (named("provoke/beside/1"), named("provoke/beside/2"));
                    at_once(&[&|| nested(&a, &b), &|| nested(&b, &a)]);
                });
                expect_reproduced(&provocation, 2);
            }
        });
        s.spawn(|| {
            for _ in 0..times(30) {
                let provocation = provoke_within(HOUR, || {
                    let (a, b) = (named("provoke/beside/1"), named("provoke/beside/2"));
                    at_once(&[&|| nested(&a, &b), &|| nested(&a, &b)]);
                });
                assert_clean!(provocation);
            }
        });
        s.spawn(|| {
            for _ in 0..times(30) {
                expect_reproduced(&provoke_within(HOUR, || ring(3)), 3);
            }
        });
    });
}
