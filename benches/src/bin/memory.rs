//! `memory`: what each piece of the recorder takes, in bytes.
//!
//! The recorder goes past the program's global allocator, so that a counting one sees nothing of it.
//! What counts is what glibc's allocator has given out, to whomever, with its own overhead; beside
//! it the recorder's own count of its graph. Built with `--cfg lockgraph`, tier `full`.

use lockgraph::Tier;
use lockgraph::parking_lot::Mutex;
use std::sync::{Arc, Barrier};

/// Bytes given out by the allocator now, mapped blocks included.
fn given_out() -> f64 {
    // SAFETY: it only reads the allocator's books.
    let info = unsafe { libc::mallinfo2() };
    (info.uordblks + info.hblkhd) as f64
}

fn counter(name: &str) -> f64 {
    let counters = lockgraph_core::counters();
    let value = counters.into_iter().find(|(other, _)| *other == name);
    value.map_or(0.0, |(_, value)| value as f64)
}

/// What `f` leaves behind, by `count`.
fn line(what: &str, count: usize, f: impl FnOnce()) {
    let (before, graph) = (given_out(), counter("graph_bytes"));
    f();
    let (after, graph) = (given_out() - before, counter("graph_bytes") - graph);
    let count = count as f64;
    println!("{what:<58} {:>9.1} {:>9.1}", after / count, graph / count);
}

fn mutexes(count: usize) -> Vec<Mutex<u64>> {
    (0..count as u64).map(|i| Mutex::new(i)).collect()
}

/// How many pairs they make.
fn pairs(locks: &[Mutex<u64>]) -> usize {
    locks.len() * (locks.len() - 1) / 2
}

/// Every lock inside every older one, and all of that inside `gate`.
fn nest_all(locks: &[Mutex<u64>], gate: Option<&Mutex<u64>>) {
    let _gate = gate.map(|gate| gate.lock());
    for (b, inner) in locks.iter().enumerate() {
        for outer in &locks[..b] {
            let _outer = outer.lock();
            *inner.lock() += 1;
        }
    }
}

fn elsewhere(f: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        scope.spawn(f);
    });
}

fn main() {
    lockgraph::Config::new().tier(Tier::Full).stderr(false).install();
    let size = size_of::<Mutex<u64>>() - size_of::<parking_lot::Mutex<u64>>();
    println!("{:<58} {:>9} {:>9}", "bytes for each", "allocator", "graph");
    println!("{:<58} {size:>9} {:>9}", "lock, in the lock itself", 0);
    drop(mutexes(10).iter().map(Mutex::lock).collect::<Vec<_>>());

    let many = mutexes(1_030_000);
    line("lock that was used and never nested", many.len(), || {
        many.iter().for_each(|lock| *lock.lock() += 1);
    });

    // The numbers leave every table nearly full: right after one has grown, it has twice the room.
    let gated = mutexes(361);
    let gate = Mutex::new(0);
    line("edge with one witness that has a gate", pairs(&gated), || {
        elsewhere(|| nest_all(&gated, Some(&gate)));
    });
    let dense = mutexes(1_397);
    line("edge with one witness", pairs(&dense), || elsewhere(|| nest_all(&dense, None)));
    line("another witness, by a second owner", pairs(&dense), || {
        elsewhere(|| nest_all(&dense, None));
    });
    line("lock in the graph, with an edge and its witness", many.len(), || {
        let _outer = gate.lock();
        many.iter().for_each(|lock| *lock.lock() += 1);
    });

    // Threads that live at once, each with one lock; then with known orders.
    let owners = 100;
    let (here, there) = (Arc::new(Barrier::new(owners + 1)), Arc::new(Barrier::new(owners + 1)));
    for (what, known) in [
        ("owner with one lock", 0),
        ("owner with 100 known orders", 100),
        ("owner with 1,000 known orders", 1_000),
        ("owner with 5,000 known orders", 5_000),
        ("owner with 20,000 known orders", 20_000),
    ] {
        let locks = &dense;
        std::thread::scope(|scope| {
            // Stacks and all else that a thread has are there before.
            for _ in 0..owners {
                let (here, there) = (here.clone(), there.clone());
                scope.spawn(move || {
                    here.wait();
                    let own = Mutex::new(0);
                    *own.lock() += 1;
                    let mut left = known;
                    'all: for (b, inner) in locks.iter().enumerate() {
                        for outer in &locks[..b] {
                            if left == 0 {
                                break 'all;
                            }
                            left -= 1;
                            let _outer = outer.lock();
                            *inner.lock() += 1;
                        }
                    }
                    there.wait();
                    here.wait();
                });
            }
            line(what, owners, || {
                here.wait();
                there.wait();
            });
            here.wait();
        });
    }
}
