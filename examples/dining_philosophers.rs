//! The dining philosophers: naively, and in order.
//!
//! What it shows: five philosophers, a fork between each two. Naively each takes the left fork,
//! then the right one: when all have the left one they starve. In order each takes the fork with
//! the lower number first: somebody can always eat.
//!
//! What to look for: `cargo run --example dining_philosophers` starves, is named (LG002, a circle
//! of five), and ends with 1. `.. -- ordered` eats a million meals (or as many as a second argument
//! says) without a finding, and ends with 0.
//!
//! With the tracker compiled out the naive ones do not even sit down.

mod support;

use lockgraph::Named;
use lockgraph::parking_lot::Mutex;
use std::process::ExitCode;
use std::sync::Barrier;
use std::thread;

const NAMES: [&str; 5] = ["Aristotle", "Hypatia", "Kant", "Marx", "Russell"];

fn main() -> std::io::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let ordered = arguments.next().is_some_and(|argument| argument == "ordered");
    let meals = arguments.next().and_then(|meals| meals.parse().ok()).unwrap_or(1_000_000);
    if !ordered && !lockgraph::PRESENT {
        println!("dining_philosophers: the tracker is compiled out, so they would starve unseen");
        return Ok(ExitCode::SUCCESS);
    }
    let forks: Vec<Mutex<u64>> =
        (0..NAMES.len()).map(|i| Mutex::new(0).named(&format!("fork {i}"))).collect();
    let seated = Barrier::new(NAMES.len());
    thread::scope(|scope| {
        for (i, name) in NAMES.into_iter().enumerate() {
            let (left, right) = (&forks[i], &forks[(i + 1) % NAMES.len()]);
            let seated = &seated;
            let dine = move || match ordered {
                true => {
                    let last = i + 1 == NAMES.len();
                    let (first, second) = if last { (right, left) } else { (left, right) };
                    (0..meals / NAMES.len() as u64).for_each(|_| eat(first, second));
                }
                false => {
                    let _left = left.lock();
                    // All of them have one fork before anybody reaches for the other.
                    seated.wait();
                    *right.lock() += 1;
                }
            };
            let thread = thread::Builder::new().name(name.to_owned());
            // A philosopher who is refused leaves the table: its panic is not the table's.
            let dine = move || drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(dine)));
            thread.spawn_scoped(scope, dine).expect("a thread can start");
        }
    });
    let used: u64 = forks.iter().map(|fork| *fork.lock()).sum();
    println!("dining_philosophers: {} meals", used / 2);
    support::finish("dining_philosophers")
}

fn eat(first: &Mutex<u64>, second: &Mutex<u64>) {
    let mut first = first.lock();
    let mut second = second.lock();
    *first += 1;
    *second += 1;
}
