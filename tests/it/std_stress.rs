//! Eight threads at each kind of lock and wait of `lockgraph::sync`, in rounds: nothing is lost,
//! and nothing is reported, as no order is ever turned round.
//!
//! One short round in the suite; `LOCKGRAPH_STRESS=60` goes on for 60 seconds.

use crate::scenario::reexec;
use lockgraph::sync::mpsc::{channel, sync_channel};
use lockgraph::sync::{Arc, Barrier, Condvar, LazyLock, Mutex, Once, OnceLock, RwLock};
use lockgraph::thread;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

const THREADS: usize = 8;

/// Runs `f` on each thread of a tracked scope, with its number.
fn on_each(f: impl Fn(usize) + Sync) {
    thread::scope(|s| {
        let f = &f;
        (0..THREADS).for_each(|number| {
            s.spawn(move || f(number));
        });
    });
}

fn mutex(times: usize) {
    let (outer, inner) = (Mutex::new(0), Mutex::new(0));
    on_each(|_| {
        for _ in 0..times {
            let mut outer = outer.lock().unwrap();
            *outer += 1;
            *inner.lock().unwrap() += 1;
            drop(outer);
            if let Ok(mut inner) = inner.try_lock() {
                *inner += 0;
            }
        }
    });
    let counts = (outer.into_inner().unwrap(), inner.into_inner().unwrap());
    assert_eq!(counts, (THREADS * times, THREADS * times));
}

fn rwlock(times: usize) {
    let (table, log) = (RwLock::new([0; 2]), Mutex::new(0));
    on_each(|number| {
        for turn in 0..times {
            if (number + turn) % 4 == 0 {
                let mut table = table.write().unwrap();
                table[0] += 1;
                *log.lock().unwrap() += 1;
                table[1] += 1;
            } else {
                let table = table.read().unwrap();
                assert_eq!(table[0], table[1]);
            }
        }
    });
    let [written, _] = table.into_inner().unwrap();
    assert_eq!((written, log.into_inner().unwrap()), (THREADS * times / 4, THREADS * times / 4));
}

/// Half of the threads put numbers into a queue of four, the others take them out.
fn condvar(times: usize) {
    let (queue, taken) = (Mutex::new(VecDeque::new()), Mutex::new(0));
    let (filled, emptied) = (Condvar::new(), Condvar::new());
    on_each(|number| {
        for turn in 0..times {
            let guard = queue.lock().unwrap();
            if number % 2 == 0 {
                let mut guard = emptied.wait_while(guard, |queue| queue.len() >= 4).unwrap();
                guard.push_back(turn);
                filled.notify_one();
            } else {
                let mut guard = guard;
                while guard.is_empty() {
                    guard = filled.wait_timeout(guard, Duration::from_secs(600)).unwrap().0;
                }
                *taken.lock().unwrap() += guard.pop_front().expect("it is not empty");
                emptied.notify_one();
            }
        }
    });
    assert!(queue.into_inner().unwrap().is_empty());
    assert_eq!(taken.into_inner().unwrap(), THREADS / 2 * (times * (times - 1) / 2));
}

fn once(times: usize) {
    for _ in 0..times {
        let (once, cell, runs) = (Once::new(), OnceLock::new(), Mutex::new([0; 3]));
        let lazy = LazyLock::new(|| runs.lock().unwrap()[2] += 1);
        on_each(|number| {
            once.call_once(|| runs.lock().unwrap()[0] += 1);
            let made = cell.get_or_init(|| {
                runs.lock().unwrap()[1] += 1;
                number
            });
            assert!(once.is_completed() && cell.get() == Some(made));
            LazyLock::force(&lazy);
        });
        assert_eq!(*runs.lock().unwrap(), [1; 3]);
    }
}

fn barrier(times: usize) {
    let (barrier, state) = (Barrier::new(THREADS), Mutex::new([0; 2]));
    on_each(|_| {
        for turn in 1..=times {
            state.lock().unwrap()[0] += 1;
            let leads = barrier.wait().is_leader();
            assert_eq!(state.lock().unwrap()[0], turn * THREADS);
            state.lock().unwrap()[1] += usize::from(leads);
            barrier.wait();
        }
    });
    assert_eq!(state.into_inner().unwrap(), [times * THREADS, times]);
}

fn mpsc(times: usize) {
    let (sender, receiver) = channel();
    let (bounded, narrow) = sync_channel(2);
    let (handed, hands) = sync_channel(0);
    thread::scope(|s| {
        for _ in 0..THREADS {
            let (sender, bounded, handed) = (sender.clone(), bounded.clone(), handed.clone());
            s.spawn(move || {
                for turn in 0..times {
                    sender.send(turn).unwrap();
                    bounded.send(turn).unwrap();
                    handed.send(turn).unwrap();
                }
            });
        }
        drop((sender, bounded, handed));
        let narrow = s.spawn(move || narrow.into_iter().sum::<usize>());
        let hands = s.spawn(move || hands.into_iter().sum::<usize>());
        let sums = [receiver.into_iter().sum(), narrow.join().unwrap(), hands.join().unwrap()];
        assert_eq!(sums, [THREADS * (times * (times - 1) / 2); 3]);
    });
}

/// Threads that start threads, joined by hand or by the scope's end, or left to themselves.
fn scope(times: usize) {
    let total = Arc::new(Mutex::new(0));
    on_each(|_| {
        for _ in 0..times.div_ceil(10) {
            let count = || *total.lock().unwrap() += 1;
            thread::scope(|s| {
                s.spawn(count);
                s.spawn(count).join().unwrap();
            });
            let total = Arc::clone(&total);
            thread::spawn(move || *total.lock().unwrap() += 1).join().unwrap();
        }
    });
    assert_eq!(*total.lock().unwrap(), 3 * THREADS * times.div_ceil(10));
}

#[test]
fn eight_threads_at_every_lock_lose_nothing_and_are_silent() {
    reexec::expect_success("std_stress::stress", "full");
}

#[test]
fn stress() {
    if !reexec::is_child() {
        return;
    }
    let seconds = std::env::var("LOCKGRAPH_STRESS").ok();
    let seconds = seconds.map_or(0, |text| text.parse().expect("a number of seconds"));
    let kinds = [mutex, rwlock, condvar, once, barrier, mpsc, scope];
    let (start, mut rounds) = (Instant::now(), 0);
    while rounds == 0 || start.elapsed() < Duration::from_secs(seconds) {
        kinds.iter().for_each(|kind| kind(40));
        rounds += 1;
        let reports: Vec<_> = lockgraph::findings().iter().map(|found| found.report()).collect();
        assert!(reports.is_empty(), "round {rounds}: {}", reports.join("\n"));
    }
    println!("\n{rounds} rounds of {} kinds in {} s", kinds.len(), start.elapsed().as_secs());
}
