//! A contended, correct program in tier `watch` beside the same with plain locks, in one process, in
//! rounds that take turns: how fast it runs, as a ratio (1 is as fast as plain, less is slower).
//!
//! `cargo run --release --bin contended [rounds]`, with `RUSTFLAGS="--cfg lockgraph"`.
//!
//! Four threads on shared state: a table of shards behind mutexes, a read-mostly table behind a
//! read-write lock, and a queue with a condition variable. Each thread has some work of its own between
//! the locks, and some under them, as programs do; `bare` is the same without any work, which no
//! program is: every operation there is a lock that another thread has.

use lockgraph::{Config, Tier};
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const THREADS: u64 = 4;
const OPERATIONS: u64 = 20_000;

/// So many steps of a generator: about a nanosecond each.
fn work(mut seed: u64, steps: u32) -> u64 {
    for _ in 0..steps {
        seed = black_box(seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
    seed
}

/// The program over one family of locks.
macro_rules! program {
    ($name:ident, $locks:path) => {
        fn $name(inside: u32, outside: u32) -> Duration {
            use $locks::{Condvar, Mutex, RwLock};
            let shards: Vec<Mutex<u64>> = (0..4).map(|_| Mutex::new(0)).collect();
            let table = RwLock::new(vec![1_u64; 16]);
            let (queue, filled) = (Mutex::new(Vec::<u64>::new()), Condvar::new());
            let run = |thread: u64| {
                let mut seed = thread + 1;
                for operation in 0..OPERATIONS {
                    seed = work(seed, outside);
                    match operation % 8 {
                        0 => {
                            queue.lock().push(work(seed, inside));
                            filled.notify_one();
                        }
                        1 => {
                            let mut queue = queue.lock();
                            if queue.is_empty() {
                                filled.wait_for(&mut queue, Duration::from_micros(20));
                            }
                            black_box(queue.pop());
                        }
                        2 => table.write()[(seed % 16) as usize] = work(seed, inside),
                        3 | 4 => drop(black_box(work(table.read()[0], inside))),
                        // Two at once, in one order.
                        5 => {
                            let mut shard = shards[(seed % 3) as usize].lock();
                            let mut next = shards[(seed % 3) as usize + 1].lock();
                            *next += 1;
                            *shard = work(*shard, inside);
                        }
                        _ => {
                            let mut shard = shards[(seed % 4) as usize].lock();
                            *shard = work(*shard, inside);
                        }
                    }
                }
            };
            let start = Instant::now();
            std::thread::scope(|scope| {
                (0..THREADS).for_each(|t| {
                    drop(scope.spawn({
                        let run = &run;
                        move || run(t)
                    }))
                })
            });
            start.elapsed()
        }
    };
}

program!(plain, parking_lot);
program!(tracked, lockgraph::parking_lot);

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_unstable_by(f64::total_cmp);
    of[of.len() / 2]
}

fn main() -> ExitCode {
    if !lockgraph::PRESENT {
        eprintln!("contended: build with RUSTFLAGS=\"--cfg lockgraph\": nothing is tracked here");
        return ExitCode::from(2);
    }
    let rounds: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(31);
    Config::new().tier(Tier::Watch).install();
    for (name, inside, outside) in [("program", 200, 2_000), ("busy", 100, 500), ("bare", 0, 0)] {
        let mut ratios = Vec::new();
        let mut times = [Vec::new(), Vec::new()];
        for round in 0..rounds {
            // Whichever comes first has no advantage in the long run.
            let [p, t] = if round % 2 == 0 {
                let p = plain(inside, outside);
                [p, tracked(inside, outside)]
            } else {
                let t = tracked(inside, outside);
                [plain(inside, outside), t]
            };
            ratios.push(p.as_secs_f64() / t.as_secs_f64());
            times[0].push(p.as_secs_f64() * 1e3);
            times[1].push(t.as_secs_f64() * 1e3);
        }
        let [p, t] = times.map(median);
        println!(
            "{name:8} plain {p:7.1} ms, watch {t:7.1} ms, runs at {:.3} (median of {rounds} pairs)",
            median(ratios)
        );
    }
    let deadlocks = lockgraph::findings().len();
    assert_eq!(deadlocks, 0, "a right program has no findings in tier watch");
    ExitCode::SUCCESS
}
