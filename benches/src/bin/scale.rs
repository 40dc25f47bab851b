//! `scale [SHAPE[:LOCKS[:STEPS]]..]`: grows large graphs and ends their locks one by one; what an
//! insertion takes on the mean and at worst, what a drop takes, and the memory.
//!
//! Each shape has a process of its own. Times are of the thread's processor, less what the clock
//! takes. To be built with `--cfg lockgraph`.

use lockgraph::Tier;
use lockgraph::parking_lot::Mutex;
use lockgraph_benches::clock::thread_time;
use lockgraph_benches::shape::{self, NAMES, Shape, Step};
use std::process::ExitCode;
use std::time::Duration;

/// Of many calls.
#[derive(Default)]
struct Times {
    all: Vec<u32>,
}

impl Times {
    fn take(&mut self, clock: Duration, f: impl FnOnce()) {
        let start = thread_time();
        f();
        let time = (thread_time() - start).saturating_sub(clock);
        self.all.push(u32::try_from(time.as_nanos()).unwrap_or(u32::MAX));
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut all = self.all.clone();
        all.sort_unstable();
        let at = |part: f64| f64::from(all[((all.len() - 1) as f64 * part) as usize]) / 1e3;
        let sum: u64 = all.iter().copied().map(u64::from).sum();
        let (mean, total) = (sum as f64 / all.len() as f64 / 1e3, sum as f64 / 1e9);
        let (p99, worst) = (at(0.99), at(1.0));
        write!(f, "mean {mean:.2} us, 99 % {p99:.1} us, worst {worst:.0} us; {total:.2} s in all")
    }
}

/// What the clock itself takes.
fn clock() -> Duration {
    let empty = |_| {
        let start = thread_time();
        thread_time() - start
    };
    (0..10_000).map(empty).min().unwrap_or_default()
}

fn nest(locks: &[Mutex<u8>], (which, count): Step) {
    let [a, b, c] = which.map(|lock| &locks[lock as usize]);
    let _a = a.lock();
    let _b = b.lock();
    let _c = (count > 2).then(|| c.lock());
}

fn counter(name: &str) -> u64 {
    let counters = lockgraph_core::counters();
    counters.into_iter().find_map(|(other, value)| (other == name).then_some(value)).unwrap_or(0)
}

fn grow(shape: &Shape) {
    let clock = clock();
    println!("\n{}: {}", shape.name, shape.what);
    let locks: Vec<Mutex<u8>> = (0..shape.locks).map(|_| Mutex::new(0)).collect();
    let truncated = counter("searches_truncated");
    for (owner, steps) in shape.owners.iter().enumerate() {
        let times = std::thread::scope(|scope| {
            let work = || {
                let mut times = Times::default();
                for &step in steps {
                    times.take(clock, || nest(&locks, step));
                }
                times
            };
            scope.spawn(work).join().expect("no thread panics")
        });
        println!("  owner {owner}, {} steps: {times}", steps.len());
    }
    let (nodes, edges) = (counter("live_locks"), counter("live_edges"));
    let bytes = counter("graph_bytes");
    println!(
        "  {nodes} locks and {edges} edges in {} MB, {:.0} bytes an edge; {} searches cut short, \
         {} findings",
        bytes >> 20,
        bytes as f64 / edges as f64,
        counter("searches_truncated") - truncated,
        lockgraph::findings().len(),
    );
    let mut times = Times::default();
    locks.into_iter().for_each(|lock| times.take(clock, || drop(lock)));
    println!("  {} drops: {times}", shape.locks);
}

/// `NAME[:LOCKS[:STEPS]]`.
fn parse(word: &str) -> Option<Shape> {
    let mut parts = word.split(':');
    let name = parts.next()?;
    let (locks, steps) = match name {
        "random" => (1_000_000, 10_000_000),
        "layers" => (1_000, 0),
        "gated" => (200, 0),
        "chain" => (100_000, 1_000),
        _ => (100_000, 1_000_000),
    };
    let mut number = |standard| match parts.next() {
        Some(word) => word.parse().ok(),
        None => Some(standard),
    };
    shape::of(name, number(locks)?, number(steps)?)
}

/// A process for each shape.
fn each(words: &[String]) -> std::io::Result<ExitCode> {
    let here = std::env::current_exe()?;
    for word in words {
        let ended = std::process::Command::new(&here).arg(word).status()?;
        if !ended.success() {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn main() -> std::io::Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [word] = &*words else {
        return if words.is_empty() { each(&NAMES.map(String::from)) } else { each(&words) };
    };
    lockgraph::Config::new().tier(Tier::Full).stderr(false).install();
    let Some(shape) = parse(word) else {
        eprintln!("scale: no shape {word}; there are {}", NAMES.join(", "));
        return Ok(ExitCode::from(2));
    };
    grow(&shape);
    Ok(ExitCode::SUCCESS)
}
