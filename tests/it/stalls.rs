//! Processes that stand still for a reason which no circle of waits explains, and locks that are held
//! in a wait.

use crate::scenario::reexec;
use lockgraph::sync::{Barrier, Condvar, Mutex, mpsc};
use lockgraph::{Awaits, Detail, Detector, Finding, Kind, Named, Wait};
use std::sync::mpsc::channel;
use std::time::Duration;

/// The findings of this kind about a lock of this name.
fn about(kind: Kind, name: &str) -> Vec<Finding> {
    let named = |finding: &Finding| {
        finding.kind == kind && finding.locks.iter().any(|lock| lock.class.name == Some(name))
    };
    lockgraph::findings().into_iter().filter(named).collect()
}

#[test]
fn a_wait_over_the_threshold_is_told_once_with_holder_and_waiter() {
    if lockgraph::PRESENT {
        reexec::expect_success("stalls::stalled", "full,stall=20ms");
        reexec::expect_success("stalls::stalled_by_the_program", "watch");
    }
}

#[test]
fn stalled() {
    if reexec::is_child() {
        stall();
    }
}

#[test]
fn stalled_by_the_program() {
    if reexec::is_child() {
        let (found, told) = channel();
        let detector = Detector::builder()
            .stall(Duration::from_millis(20))
            .interval(Duration::from_millis(2))
            .on_finding(move |finding| {
                found.send(finding.kind).expect("the test listens");
                panic!("a callback may");
            })
            .start();
        stall();
        drop(detector);
        // Stopped, the callback is dropped with the thread.
        assert_eq!(told.iter().collect::<Vec<_>>(), [Kind::Stall]);
    }
}

/// One thread has a lock for as long as it takes to be reported; another one wants it.
fn stall() {
    let (found, reported) = channel();
    lockgraph::on_finding(move |finding| {
        if finding.kind == Kind::Stall {
            found.send(finding.clone()).expect("the test listens");
        }
    });
    let state = Mutex::new(0).named("stalled/state");
    let finding = std::thread::scope(|s| {
        let held = state.lock().expect("nobody panics");
        let named = std::thread::Builder::new().name("waiter".into());
        named.spawn_scoped(s, || drop(state.lock())).expect("a thread can start");
        let finding = reported.recv_timeout(Duration::from_secs(100)).expect("it is reported");
        // Once: several more looks pass without a word.
        assert!(reported.recv_timeout(Duration::from_millis(100)).is_err());
        drop(held);
        finding
    });
    let report = finding.report();
    assert_eq!(finding.sides[0].owner.name.as_deref(), Some("waiter"), "{report}");
    assert_eq!(finding.waits.len(), 1, "{report}");
    assert!(finding.waits[0].since.is_some_and(|(_, us)| us >= 20_000), "{report}");
    assert_eq!(finding.waits[0].awaits, Awaits::Lock, "{report}");
    assert!(finding.sides[1].others.len() == 1, "whoever holds it is there: {report}");
    assert_eq!(about(Kind::Stall, "stalled/state").len(), 1);
}

#[test]
fn an_idle_sleeper_is_no_stall_as_long_as_somebody_runs() {
    if lockgraph::PRESENT {
        reexec::expect_success("stalls::idle", "full,stall=10ms");
    }
}

#[test]
fn idle() {
    if !reexec::is_child() {
        return;
    }
    let (work, filled) = (Mutex::new(false), Condvar::new());
    // This thread runs all the time, and holds something.
    let runs = Mutex::new(()).named("idle/runs");
    let _runs = runs.lock();
    std::thread::scope(|s| {
        s.spawn(|| {
            let guard = work.lock().expect("nobody panics");
            drop(filled.wait_while(guard, |done| !*done).expect("nobody panics"));
        });
        std::thread::sleep(Duration::from_millis(200));
        *work.lock().expect("nobody panics") = true;
        filled.notify_all();
    });
    let stalls = lockgraph::findings().iter().filter(|f| f.kind == Kind::Stall).count();
    assert_eq!(stalls, 0);
}

#[test]
fn a_snapshot_shows_who_holds_and_who_waits() {
    let state = Mutex::new(0).named("snapshot/state");
    std::thread::scope(|s| {
        let held = state.lock().expect("nobody panics");
        let named = std::thread::Builder::new().name("snapshot waiter".into());
        named.spawn_scoped(s, || drop(state.lock())).expect("a thread can start");
        while lockgraph::PRESENT && !lockgraph::snapshot().to_string().contains("snapshot waiter") {
            std::thread::yield_now();
        }
        let text = lockgraph::snapshot().to_string();
        assert_eq!(lockgraph::PRESENT, text.contains("snapshot/state"), "{text}");
        drop(held);
    });
}

#[test]
fn a_lock_held_while_waiting_for_a_message_room_others_or_a_region_is_reported() {
    let hold = |name: &str| Mutex::new(0).named(name);
    let waits = |name: &str| -> Vec<Detail> {
        about(Kind::HeldAcrossWait, name).iter().map(|finding| finding.detail).collect()
    };
    let expected = |wait| if lockgraph::PRESENT { vec![Detail::Wait(wait)] } else { vec![] };

    let lock = hold("held_in/message");
    let (send, receive) = mpsc::channel();
    std::thread::scope(|s| {
        let _held = lock.lock();
        s.spawn(move || {
            while lockgraph::PRESENT && waits("held_in/message").is_empty() {
                std::thread::yield_now();
            }
            send.send(7).expect("somebody listens");
        });
        assert_eq!(receive.recv(), Ok(7));
    });
    assert_eq!(waits("held_in/message"), expected(Wait::Message));

    let lock = hold("held_in/room");
    let (send, receive) = mpsc::sync_channel(1);
    send.send(1).expect("somebody listens");
    std::thread::scope(|s| {
        let _held = lock.lock();
        s.spawn(move || {
            while lockgraph::PRESENT && waits("held_in/room").is_empty() {
                std::thread::yield_now();
            }
            assert_eq!(receive.iter().take(2).sum::<u32>(), 3);
        });
        send.send(2).expect("somebody listens");
    });
    assert_eq!(waits("held_in/room"), expected(Wait::Room));

    let lock = hold("held_in/barrier");
    let barrier = Barrier::new(1);
    let held = lock.lock();
    barrier.wait();
    drop(held);
    assert_eq!(waits("held_in/barrier"), expected(Wait::Barrier));

    let lock = hold("held_in/region");
    let held = lock.lock();
    lockgraph::blocking("fetch", || ());
    lockgraph::assert_no_locks_held!("callback");
    drop(held);
    let expected: Vec<_> =
        ["fetch", "callback"].into_iter().flat_map(|name| expected(Wait::Region(name))).collect();
    assert_eq!(waits("held_in/region"), expected);

    // The twin: nothing is held.
    let lock = hold("held_in/nothing");
    drop(lock.lock());
    barrier.wait();
    lockgraph::blocking("fetch", || ());
    lockgraph::assert_no_locks_held!("callback");
    assert_eq!(waits("held_in/nothing"), []);
}
