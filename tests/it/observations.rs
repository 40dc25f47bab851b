//! Observations: what belongs to one, what does not, and what the assertions say of it.

use lockgraph::parking_lot::Mutex;
use lockgraph::testing::{Observation, Scope, observe};
use lockgraph::{
    Confidence, Kind, Named, assert_acyclic, assert_clean, assert_finding, assert_never_nested,
    assert_order, thread,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::mpsc::channel;

/// Takes the second lock with the first one held, on a thread of the scope.
fn nested(first: &Mutex<()>, second: &Mutex<()>) {
    let _first = first.lock();
    let _second = second.lock();
}

/// Both orders of the two locks, by threads that live at once but never meet.
fn inverted(a: &Mutex<()>, b: &Mutex<()>) {
    let (done, first_is_done) = channel();
    thread::scope(|s| {
        s.spawn(move || {
            nested(a, b);
            done.send(()).expect("the other thread waits");
        });
        s.spawn(move || {
            first_is_done.recv().expect("the other thread tells");
            nested(b, a);
        });
    });
}

fn named(name: &str) -> Mutex<()> {
    Mutex::new(()).named(name)
}

/// The message of the panic of a failed assertion.
fn failure(assertion: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(assertion)).expect_err("it must not hold");
    *panic.downcast::<String>().expect("a formatted message")
}

#[test]
fn an_inversion_belongs_to_the_observation_that_saw_both_sides() {
    let observation = observe(|| inverted(&named("seen/a"), &named("seen/b")));
    assert_finding!(observation, order_inversion, ["seen/a", "seen/b"]);
    assert_finding!(observation, order_inversion(feasible), ["seen/a", "seen/b"]);
    assert_eq!(observation.is_recorded(), lockgraph::PRESENT);
    assert_eq!(observation.order().is_none(), lockgraph::PRESENT);
    assert_eq!(observation.edges().len(), if lockgraph::PRESENT { 2 } else { 0 });
    let lost = observation.dump().map(|dump| dump.processes[0].counters["observed_dropped"]);
    assert_eq!(lost, lockgraph::PRESENT.then_some(0));

    let clean = observe(|| {
        let (a, b) = (named("seen/a"), named("seen/b"));
        thread::scope(|s| {
            s.spawn(|| nested(&a, &b));
            s.spawn(|| nested(&a, &b));
        });
    });
    assert_clean!(clean);
    assert_acyclic!(clean);
    assert_order!(clean, "seen/a" < "seen/b");
}

#[test]
fn an_inversion_over_two_observations_is_no_finding_of_either() {
    static A: Mutex<()> = Mutex::new(());
    static B: Mutex<()> = Mutex::new(());
    let run = |f: fn()| observe(|| thread::scope(|s| s.spawn(f).join().expect("no panic")));
    let observations = [run(|| nested(&A, &B)), run(|| nested(&B, &A))];
    observations.iter().for_each(Observation::assert_clean);
    // An observation that sees both sides finds it, though the process has reported it before.
    let again = observe(|| inverted(&A, &B));
    let found = |o: &Observation| o.findings().iter().any(|f| f.kind == Kind::OrderInversion);
    assert_eq!(found(&again), lockgraph::PRESENT);
    assert!(!observations.iter().any(found));
}

#[test]
fn observations_beside_each_other_keep_their_verdicts() {
    const ROUNDS: usize = 1_000;
    let start = Barrier::new(2);
    std::thread::scope(|s| {
        s.spawn(|| {
            start.wait();
            for _ in 0..ROUNDS {
                let observation = observe(|| inverted(&named("beside/a"), &named("beside/b")));
                assert_finding!(observation, order_inversion, ["beside/a", "beside/b"]);
            }
        });
        s.spawn(|| {
            start.wait();
            for _ in 0..ROUNDS {
                let observation = observe(|| {
                    let (a, b) = (named("beside/a"), named("beside/b"));
                    thread::scope(|s| {
                        s.spawn(|| nested(&a, &b));
                        s.spawn(|| nested(&a, &b));
                    });
                });
                assert_clean!(observation);
                assert_order!(observation, "beside/a" < "beside/b");
            }
        });
    });
}

#[test]
fn the_evidence_of_many_observations_stays_short() {
    static A: Mutex<()> = Mutex::new(());
    static B: Mutex<()> = Mutex::new(());
    for _ in 0..100 {
        let observation = observe(|| nested(&A, &B));
        assert_order!(observation, A < B);
    }
    if lockgraph::PRESENT {
        let id = |lock: &Mutex<()>| lock.tracked().map(|(header, _)| header.id().0);
        let (a, b) = (id(&A), id(&B));
        let dump = lockgraph::dump();
        let edge = dump.edges.iter().find(|edge| Some(edge.from) == a && Some(edge.to) == b);
        let witnesses = edge.map_or(0, |edge| edge.witnesses.len());
        assert!((1..20).contains(&witnesses), "{witnesses} witnesses for one edge");
    }
}

#[test]
fn a_thread_of_a_pool_enters_and_leaves() {
    let (jobs, orders) = channel::<Box<dyn FnOnce() + Send>>();
    std::thread::scope(|s| {
        let pool = s.spawn(move || orders.into_iter().for_each(|job| job()));
        let (done, is_done) = channel();
        let observation = observe(|| {
            let scope = Scope::current();
            jobs.send(Box::new(move || {
                let _entered = scope.enter();
                let (first, second) = (named("pool/x"), named("pool/y"));
                nested(&first, &second);
                done.send(()).expect("the test waits");
            }))
            .expect("the pool runs");
            is_done.recv().expect("the job runs");
        });
        assert_order!(observation, "pool/x" < "pool/y");
        drop(jobs);
        pool.join().expect("no panic");
    });
}

#[test]
fn a_failed_assertion_shows_the_evidence() {
    if !lockgraph::PRESENT {
        return;
    }
    let observation = observe(|| inverted(&named("shown/a"), &named("shown/b")));
    let both = ["`shown/a`", "`shown/b`", "tests/it/observations.rs:"];
    for message in [
        failure(|| assert_clean!(observation)),
        failure(|| assert_acyclic!(observation)),
        failure(|| assert_order!(observation, "shown/b" < "shown/a")),
        failure(|| assert_never_nested!(observation, "shown/a", "shown/b")),
        failure(|| assert_finding!(observation, reader_recursion, ["shown/a"])),
    ] {
        both.iter().for_each(|word| assert!(message.contains(word), "no {word} in:\n{message}"));
    }
    let message = failure(|| assert_order!(observation, "shown/a" < "shown/never"));
    assert!(message.contains("not tested"), "{message}");
    assert_never_nested!(observation, "shown/a", "shown/never");
    let message = failure(|| assert_finding!(observation, no_such_kind, ["shown/a"]));
    assert!(message.contains("order_inversion"), "it lists the kinds: {message}");
}

#[test]
fn a_weaker_grade_is_not_the_one_that_was_asked_for() {
    let observation = observe(|| {
        let (a, b) = (named("grade/a"), named("grade/b"));
        nested(&a, &b);
        nested(&b, &a);
    });
    assert_finding!(observation, order_inversion(same_owner), ["grade/a", "grade/b"]);
    if lockgraph::PRESENT {
        let grades: Vec<_> = observation.findings().iter().map(|f| f.confidence).collect();
        assert_eq!(grades, [Some(Confidence::SameOwner)]);
        failure(|| assert_finding!(observation, order_inversion(feasible), ["grade/a", "grade/b"]));
    }
}

#[test]
fn code_that_panics_leaves_no_scope_behind() {
    let panic = catch_unwind(|| observe(|| panic!("as the test wants")));
    assert!(panic.is_err());
    let observation = observe(|| ());
    assert!(observation.edges().is_empty());
    let before = format!("{:?}", Scope::current());
    let _ = catch_unwind(|| observe(|| panic!("as the test wants")));
    assert_eq!(format!("{:?}", Scope::current()), before);
}
