//! Blocking calls through a pool of threads, and where more threads stop paying.
//!
//! What it shows: 24 HTTP GETs to a server that takes 25 ms for each and has eight hands. One after
//! the other they take 24 times 25 ms. A pool of N threads has N of them under way at once, until
//! the server has no hand left: from there on, more threads wait in another place. The results are
//! in the order of submission whatever the order in which they came, and a request that fails is a
//! result like the others.
//!
//! What to look for: the table. `at once` is what the server saw: it grows with the pool up to eight
//! and stays there, as the wall time does. Below it the requests that failed. The process ends with
//! 0, and with 1 where the tracker reported anything.
//!
//! The pool is rayon's, with a pool of its own for each row: rayon's global one has a thread for each
//! processor, which is right for work and wrong for waiting.

mod slow_server;
mod support;

use rayon::prelude::*;
use slow_server::SlowServer;
use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const REQUESTS: usize = 24;
const LATENCY: Duration = Duration::from_millis(25);
const HANDS: usize = 8;
const POOLS: [usize; 6] = [1, 2, 4, 8, 16, 24];

type Results = Vec<Result<String, ureq::Error>>;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let server = SlowServer::start(HANDS, LATENCY)?;
    let agent = slow_server::agent();
    let urls: Vec<String> = (0..REQUESTS).map(|i| url(&server, i)).collect();
    let get = |url: &String| slow_server::get(&agent, url);

    println!(
        "blocking_pool: {REQUESTS} GETs; the server takes {} ms for each, {HANDS} at once\n",
        LATENCY.as_millis()
    );
    println!("  {:<10} {:>9} {:>9} {:>8}", "threads", "wall", "speed-up", "at once");
    let serial = timed(|| urls.iter().map(get).collect());
    row("serial", serial.1, serial.1, &server);
    let mut walls = Vec::new();
    for threads in POOLS {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("pool {i}"))
            .build()?;
        // `collect` puts the results where their requests stood. A job is one request.
        let (results, wall) =
            timed(|| pool.install(|| urls.par_iter().with_max_len(1).map(get).collect()));
        row(&threads.to_string(), wall, serial.1, &server);
        if !same(&results, &serial.0) {
            return Err(format!("{threads} threads: other results than one by one").into());
        }
        walls.push((threads, wall));
    }
    drop(server);

    println!("\nblocking_pool: {}", verdict(&walls));
    println!(
        "blocking_pool: results are in the order of submission, with the failures in their places:"
    );
    for (i, result) in serial.0.iter().enumerate() {
        if let Err(error) = result {
            println!("  #{i:<3} {error}");
        }
    }
    Ok(support::finish("blocking_pool")?)
}

/// The requests: two of them fail.
fn url(server: &SlowServer, i: usize) -> String {
    let kind = match i {
        7 => "broken",
        13 => "gone",
        _ => "item",
    };
    format!("http://{}/{kind}/{i}", server.address())
}

fn timed(work: impl FnOnce() -> Results) -> (Results, Duration) {
    let start = Instant::now();
    let results = work();
    (results, start.elapsed())
}

fn row(threads: &str, wall: Duration, serial: Duration, server: &SlowServer) {
    let speed_up = serial.as_secs_f64() / wall.as_secs_f64();
    let (wall, at_once) = (wall.as_millis(), server.most_at_once());
    println!("  {threads:<10} {wall:>6} ms {speed_up:>8.1}x {at_once:>8}");
}

/// Each in its place: the same text, or a failure where the other has one.
fn same(left: &Results, right: &Results) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|pair| match pair {
            (Ok(left), Ok(right)) => left == right,
            (Err(_), Err(_)) => true,
            _ => false,
        })
}

/// What the table says of the step from as many threads as the server has hands to three times
/// as many.
fn verdict(walls: &[(usize, Duration)]) -> String {
    let wall = |wanted| walls.iter().find(|(threads, _)| *threads == wanted).map(|(_, wall)| wall);
    let (Some(few), Some(enough), Some(many)) = (wall(1), wall(HANDS), wall(3 * HANDS)) else {
        return "no such rows".to_owned();
    };
    let gain = |from: &Duration, to: &Duration| from.as_secs_f64() / to.as_secs_f64();
    format!(
        "from 1 thread to {HANDS}: {:.1} times as fast; from {HANDS} to {}: {:.1} times. \
         The server has {HANDS} hands.",
        gain(few, enough),
        3 * HANDS,
        gain(enough, many)
    )
}
