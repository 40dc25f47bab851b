//! A TCP echo server with a thread for each connection, and an end to every one of them.
//!
//! What it shows: many clients at once; a client that leaves, or is gone in mid-message, ends its
//! thread; stopping, by a handle or Ctrl-C, tells every client, closes every connection and joins
//! every thread. The registry of connections and the statistics are behind tracked locks.
//!
//! ```sh
//! cargo run --example echo_server                              # drives itself, some seconds
//! cargo run --example echo_server -- --serve 127.0.0.1:7777    # until Ctrl-C: try nc 127.0.0.1 7777
//! cargo run --example echo_server -- --broken                  # hangs where it stops, and is named
//! ```
//!
//! What to look for: the table at the end. As many connections were closed as opened, as many threads
//! joined as started, as many descriptors are open after as before, and nobody is left in the
//! registry. The order is `registry -> statistics`, nothing is reported, and it ends with 0.
//!
//! `--broken` stops with the mistake that such servers really have: it joins the threads of the
//! connections with the registry locked, and each of them needs the registry in order to leave.
//! That is LG008, a lock held in a join; and where they meet, as here, LG002: in tier `full` one of
//! them panics in place of waiting for ever, and the process ends with 1. With
//! `LOCKGRAPH=full,LG002=warn` it hangs after the report, as it would without the tracker.
//!
//! With the tracker compiled out the server does the same work; `--broken` says that it would hang,
//! and ends with 0.

#[path = "echo_server/clients.rs"]
mod clients;
#[path = "echo_server/server.rs"]
mod server;
mod support;

use clients::Client;
use lockgraph::parking_lot::Mutex;
use lockgraph::sync::mpsc;
use lockgraph::thread;
use server::{Server, Statistics, Stop};
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

/// How long a client that does not read may keep the server from stopping.
const GRACE: Duration = Duration::from_secs(2);
const LOOPBACK: &str = "127.0.0.1:0";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        None => drive()?,
        Some("--serve") => {
            let address = arguments.next().unwrap_or_else(|| LOOPBACK.to_owned());
            let grace = arguments.next().map(|seconds| seconds.parse().map(Duration::from_secs));
            serve(&address, grace.transpose()?.unwrap_or(GRACE))?;
        }
        Some("--broken") if lockgraph::PRESENT => broken()?,
        Some("--broken") => {
            println!("echo_server: the tracker is compiled out, so this would hang for ever");
            return Ok(ExitCode::SUCCESS);
        }
        Some(other) => {
            return Err(format!("{other}: not one of --serve [ADDRESS [GRACE]], --broken").into());
        }
    }
    Ok(support::finish("echo_server")?)
}

/// Serves until Ctrl-C.
fn serve(address: &str, grace: Duration) -> Result<(), Box<dyn Error>> {
    let (interrupt, interrupted) = mpsc::channel();
    ctrlc::set_handler(move || {
        // Nobody listens any more when it comes a second time.
        let _ = interrupt.send(());
    })?;
    let before = descriptors_with_journal();
    let server = Server::start(address)?;
    println!("echo_server: listening on {}", server.address());
    interrupted.recv()?;
    println!("echo_server: stopping");
    summary(&server.stop(Stop::Clean(grace)), before);
    Ok(())
}

/// Serves clients of every kind, and stops while they talk.
fn drive() -> Result<(), Box<dyn Error>> {
    const TALK: usize = 40;
    const LISTEN: usize = 5;
    const LEAVE: usize = 10;
    const BREAK: usize = 10;
    let before = descriptors_with_journal();
    let server = Server::start(LOOPBACK)?;
    println!("echo_server: listening on {}", server.address());
    println!(
        "echo_server: {} clients: {TALK} talk, {LISTEN} listen, {LEAVE} leave, \
         {BREAK} break off in mid-message",
        TALK + LISTEN + LEAVE + BREAK
    );
    let kinds = [
        (Client::Talks, TALK),
        (Client::Listens, LISTEN),
        (Client::Leaves, LEAVE),
        (Client::BreaksOff, BREAK),
    ];
    let kinds = kinds.into_iter().flat_map(|(kind, number)| (0..number).map(move |_| kind));
    let clients: Vec<_> = kinds
        .enumerate()
        .map(|(id, kind)| kind.start(id, server.address()))
        .collect::<Result<_, _>>()?;
    server.wait_for(TALK + LISTEN + LEAVE + BREAK, TALK + LISTEN);
    println!("echo_server: those who left have ended their threads; stopping while {TALK} talk");
    let statistics = server.stop(Stop::Clean(GRACE));
    let messages: usize =
        clients.into_iter().map(|client| client.join().expect("a client ends well")).sum();
    println!("echo_server: {messages} messages came back, each as it was sent");
    summary(&statistics, before);
    Ok(())
}

/// Stops with the registry locked.
fn broken() -> Result<(), Box<dyn Error>> {
    const LISTEN: usize = 3;
    let server = Server::start(LOOPBACK)?;
    println!("echo_server: listening on {}", server.address());
    let clients: Vec<_> = (0..LISTEN)
        .map(|id| Client::Listens.start(id, server.address()))
        .collect::<Result<_, _>>()?;
    server.wait_for(LISTEN, LISTEN);
    println!("echo_server: {LISTEN} clients; stopping with the registry locked");
    // In a thread, since whoever closes the circle panics: a connection, or the one who stops.
    let stopper = thread::Builder::new().name("stopper".to_owned());
    match stopper.spawn(move || server.stop(Stop::Broken))?.join() {
        Ok(statistics) => println!(
            "echo_server: {} of {} threads died, so that the others could go on",
            statistics.panicked, statistics.joined
        ),
        Err(_) => {
            println!("echo_server: the one who stops was refused, so that the others could go on")
        }
    }
    for client in clients {
        client.join().expect("a client ends well");
    }
    Ok(())
}

fn summary(counted: &Statistics, before: Option<usize>) {
    let Statistics { opened, most_at_once, left, broke_off, told, cut_off, .. } = *counted;
    let closed = left + broke_off + told + cut_off;
    let row = |what, columns: &[(usize, &str)]| {
        let columns = columns.iter().map(|(n, words)| format!("{n:>8} {words:<13}"));
        println!("  {what:<12}{}", columns.collect::<String>().trim_end());
    };
    row("connections", &[(opened, "opened"), (closed, "closed"), (most_at_once, "at once")]);
    row("", &[(left, "left"), (broke_off, "broke off")]);
    row("", &[(told, "told goodbye"), (cut_off, "cut off")]);
    row(
        "threads",
        &[(opened, "started"), (counted.joined, "joined"), (counted.panicked, "panicked")],
    );
    if let (Some(before), Some(after)) = (before, descriptors()) {
        row("descriptors", &[(before, "before"), (after, "after")]);
    }
    row("registry", &[(counted.still_registered, "still in it")]);
    row(
        "echoed",
        &[(counted.bytes, "bytes"), (counted.reads, "reads"), (counted.empty_reads, "empty")],
    );
}

/// As [`descriptors`], with that of the journal, which the first lock opens where one is asked for.
fn descriptors_with_journal() -> Option<usize> {
    drop(Mutex::new(()).lock());
    descriptors()
}

/// How many file descriptors this process has open; `None` where the system does not say so.
fn descriptors() -> Option<usize> {
    std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count)
}
