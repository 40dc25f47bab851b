//! Blocking calls in an async program: offloaded, awaited, and on the event loop itself.
//!
//! What it shows: 32 GETs to a server that takes 40 ms for each. The blocking call of
//! `blocking_pool`, moved off the event loop by tokio's `spawn_blocking`: to a pool of 4 threads, to
//! the default pool (which grows to 512), to a larger one. The same with an async client and nothing
//! but `await`. And the same blocking call made where it must never be: on the event loop.
//!
//! What to look for: the table. `at once` is what the server saw; `beats` is what a heartbeat task got
//! done meanwhile, one every 5 ms, on the same event loop. Offloaded or awaited, the loop is free and
//! the heart beats. With blocking work on the loop it stands still: no beat at all, and neither does
//! any other task. Nothing in Rust or tokio says so. Since that work is marked with
//! `lockgraph::blocking`, the watchdog does: LG010 on standard error, with the name of the call.
//! The process ends with 1.
//!
//! A larger pool than the default pays only where more than 512 calls wait at once.
//!
//! With the tracker compiled out the table is the same, nobody says why, and it ends with 0. The
//! event loop is one thread, so that the effect is not hidden by another one that has time.

mod slow_server;
mod support;

use lockgraph::{Detector, Kind};
use slow_server::SlowServer;
use std::error::Error;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinHandle, spawn_blocking};

const CALLS: usize = 32;
const LATENCY: Duration = Duration::from_millis(40);
const BEAT: Duration = Duration::from_millis(5);
/// What the watchdog lets pass.
const PATIENCE: Duration = Duration::from_millis(100);

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let server = SlowServer::start(CALLS, LATENCY)?;
    let start = Instant::now();
    println!("async_offload: {CALLS} GETs; the server takes {} ms for each", LATENCY.as_millis());
    let mut rows = Vec::new();
    for (what, pool) in [
        ("spawn_blocking, pool of 4", Some(4)),
        ("spawn_blocking, default pool", None),
        ("spawn_blocking, pool of 1024", Some(1024)),
    ] {
        let work = offloaded(server.address());
        rows.push(run(what, start, &server, event_loop(pool)?, work)?);
    }
    let work = awaited(server.address());
    rows.push(run("async client, await", start, &server, event_loop(None)?, work)?);
    let watchdog = Detector::builder().stall(PATIENCE).start();
    let work = on_the_loop(server.address());
    rows.push(run("blocking, on the loop", start, &server, event_loop(None)?, work)?);
    drop((watchdog, server));

    println!("\n  {:<30} {:>8} {:>8} {:>8} {:>8}", "", "calls", "wall", "at once", "beats");
    for row in rows {
        let Row { what, calls, wall, at_once, beats } = row;
        println!("  {what:<30} {calls:>8} {:>5} ms {at_once:>8} {beats:>8}", wall.as_millis());
    }
    println!();
    Ok(support::finish("async_offload")?)
}

struct Row {
    what: &'static str,
    calls: usize,
    wall: Duration,
    at_once: usize,
    beats: u64,
}

/// An event loop of one thread, and up to `pool` threads for what blocks; tokio's default is 512.
fn event_loop(pool: Option<usize>) -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(1).thread_name("event loop").enable_all();
    if let Some(pool) = pool {
        builder.max_blocking_threads(pool);
    }
    builder.build()
}

/// Runs `work`, which returns the texts that came back, on the event loop, beside a heartbeat.
fn run(
    what: &'static str,
    start: Instant,
    server: &SlowServer,
    runtime: Runtime,
    work: impl Future<Output = Vec<String>> + Send + 'static,
) -> io::Result<Row> {
    // A task of its own: what `block_on` is given runs on this thread, and not on the loop.
    let (beats, (results, wall)) = runtime.block_on(runtime.spawn(async move {
        let (beats, heart) = heartbeat();
        let before = beats.load(Ordering::Relaxed);
        let timed = timed(what, start, work).await;
        let beats = beats.load(Ordering::Relaxed) - before;
        heart.abort();
        (beats, timed)
    }))?;
    for (i, result) in results.iter().enumerate() {
        assert_eq!(*result, format!("item {}", i % CALLS), "in the order of the calls");
    }
    let at_once = server.most_at_once();
    Ok(Row { what, calls: results.len(), wall, at_once, beats })
}

/// Logs when `work` starts and ends, and how long it took.
async fn timed<T>(what: &str, start: Instant, work: impl Future<Output = T>) -> (T, Duration) {
    let began = Instant::now();
    println!("  [{:>7.3} s] {what}: starts", (began - start).as_secs_f64());
    let result = work.await;
    let wall = began.elapsed();
    println!(
        "  [{:>7.3} s] {what}: ends, {:.3} s",
        start.elapsed().as_secs_f64(),
        wall.as_secs_f64()
    );
    (result, wall)
}

/// A task that counts, one every [`BEAT`], as long as it gets a turn.
fn heartbeat() -> (Arc<AtomicU64>, JoinHandle<()>) {
    let beats = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&beats);
    let heart = tokio::spawn(async move {
        loop {
            tokio::time::sleep(BEAT).await;
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    (beats, heart)
}

fn url(server: SocketAddr, i: usize) -> String {
    format!("http://{server}/item/{i}")
}

async fn offloaded(server: SocketAddr) -> Vec<String> {
    let agent = slow_server::agent();
    let calls: Vec<_> = (0..CALLS)
        .map(|i| {
            let agent = agent.clone();
            spawn_blocking(move || slow_server::get(&agent, &url(server, i)))
        })
        .collect();
    in_order(calls).await
}

async fn awaited(server: SocketAddr) -> Vec<String> {
    in_order((0..CALLS).map(|i| tokio::spawn(async_get(server, i))).collect()).await
}

/// The mistake: the blocking call, straight away. It goes on until the watchdog has spoken, and for
/// four calls where there is none.
async fn on_the_loop(server: SocketAddr) -> Vec<String> {
    const ENOUGH: usize = 4;
    const MOST: usize = 500;
    static TOLD: AtomicBool = AtomicBool::new(false);
    lockgraph::on_finding(|finding| {
        if finding.kind == Kind::Stall {
            TOLD.store(true, Ordering::Relaxed);
        }
    });
    let agent = slow_server::agent();
    let waits = |calls| lockgraph::PRESENT && calls < MOST && !TOLD.load(Ordering::Relaxed);
    lockgraph::blocking("GETs on the event loop", || {
        let mut results = Vec::new();
        while results.len() < ENOUGH || waits(results.len()) {
            let url = url(server, results.len() % CALLS);
            results.push(slow_server::get(&agent, &url).expect("the server answers"));
        }
        results
    })
}

async fn in_order<E: Error>(calls: Vec<JoinHandle<Result<String, E>>>) -> Vec<String> {
    let mut results = Vec::new();
    for call in calls {
        let result = call.await.expect("a call does not panic");
        results.push(result.expect("the server answers"));
    }
    results
}

/// The call without blocking: as much of HTTP as this server needs.
async fn async_get(server: SocketAddr, i: usize) -> io::Result<String> {
    let mut stream = tokio::net::TcpStream::connect(server).await?;
    let request = format!("GET /item/{i} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200 ") => Ok(body.to_owned()),
        _ => Err(io::Error::other(answer)),
    }
}
