//! Two threads count to a million each, with and without a lock; and what the lock costs.
//!
//! What it shows: a counter that is loaded, increased and stored in three steps loses what another
//! thread stored between them. The steps are relaxed atomic operations, so that this is no undefined
//! behaviour: each is done whole, and together they are wrong. Under a `Mutex` the count is exact,
//! every time. Then the price of the lock: parking_lot's own, and the tracked one with the tracker
//! off, in tier `watch` and in tier `full`, each in a process of its own, since the tier is read once.
//!
//! What to look for: how many increments were lost; that the second count is exact; the table, of
//! which the ratios to the plain lock, measured in the same process in turns, say more than the
//! nanoseconds. A debug build (as `cargo run` makes it) shows what you pay in tests. The process
//! ends with 0, and with 1 where the exact count is not exact.
//!
//! With the tracker compiled out, the lock is parking_lot's own, and so is its price.

mod support;

use lockgraph::parking_lot::Mutex;
use lockgraph::{Named, thread};
use std::error::Error;
use std::process::{Command, ExitCode};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const INCREMENTS: u64 = 1_000_000;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    if std::env::args().nth(1).is_some_and(|argument| argument == "--price") {
        return Ok(price());
    }
    println!("counter: two threads, {INCREMENTS} increments each");
    let lost = 2 * INCREMENTS - torn();
    println!("  load, add, store   {} counted, {lost} lost", 2 * INCREMENTS - lost);
    let exact = locked();
    println!("  under a Mutex      {exact} counted, {} lost", 2 * INCREMENTS - exact);

    println!("counter: one increment under a lock, beside parking_lot's own in the same process");
    println!("  {:<9} {:>9} {:>9} {:>7}", "tracker", "plain", "tracked", "ratio");
    for tier in ["off", "watch", "full"] {
        let output = Command::new(std::env::current_exe()?)
            .arg("--price")
            .env("LOCKGRAPH", tier)
            .env_remove("LOCKGRAPH_DIR")
            .output()?;
        if !output.status.success() {
            return Err(format!("no price in tier {tier}: {}", output.status).into());
        }
        println!("  {tier:<9} {}", String::from_utf8(output.stdout)?.trim_end());
    }
    let code = support::finish("counter")?;
    Ok(if exact == 2 * INCREMENTS { code } else { ExitCode::FAILURE })
}

/// Counts in two threads, without a lock.
fn torn() -> u64 {
    let count = AtomicU64::new(0);
    in_two_threads(|i| {
        let seen = count.load(Ordering::Relaxed);
        if i % 100_000 == 0 {
            // So that it is seen on a machine with one processor as well.
            thread::yield_now();
        }
        count.store(seen + 1, Ordering::Relaxed);
    });
    count.into_inner()
}

/// Counts in two threads, under a lock.
fn locked() -> u64 {
    let count = Mutex::new(0).named("count");
    in_two_threads(|_| *count.lock() += 1);
    count.into_inner()
}

fn in_two_threads(increment: impl Fn(u64) + Sync) {
    let ready = Barrier::new(2);
    let count = || {
        ready.wait();
        (0..INCREMENTS).for_each(&increment);
    };
    thread::scope(|scope| {
        scope.spawn(count);
        scope.spawn(count);
    });
}

/// Prints what an increment costs, plain and tracked. In turns, and the best turn of each counts:
/// whatever else the machine does only ever adds.
fn price() -> ExitCode {
    const TURNS: usize = 10;
    const EACH: u32 = 50_000;
    let plain = parking_lot::Mutex::new(0_u64);
    let tracked = Mutex::new(0_u64).named("price");
    let mut best = [Duration::MAX; 2];
    for _ in 0..TURNS {
        best[0] = best[0].min(time(|| (0..EACH).for_each(|_| *plain.lock() += 1)));
        best[1] = best[1].min(time(|| (0..EACH).for_each(|_| *tracked.lock() += 1)));
    }
    let [plain, tracked] = best.map(|best| best.as_secs_f64() * 1e9 / f64::from(EACH));
    println!("{plain:>6.1} ns {tracked:>6.1} ns {:>7.2}", tracked / plain);
    ExitCode::SUCCESS
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
