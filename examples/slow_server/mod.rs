//! A small HTTP server on loopback for `blocking_pool` and `async_offload`, and the blocking call
//! that both of them make.
//!
//! It answers as many requests at once as it has workers, each after the same latency, and knows
//! how many it had at once at most: a measure of concurrency that does not depend on how fast the
//! machine is. One request a connection.
//!
//! `/item/N` is answered with `item N`, `/broken/N` with status 500, `/gone/N` by hanging up.

use lockgraph::parking_lot::Mutex;
use lockgraph::{Named, thread};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub(crate) struct SlowServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    workers: Vec<thread::JoinHandle<()>>,
}

struct Shared {
    latency: Duration,
    stopping: AtomicBool,
    load: Mutex<Load>,
}

#[derive(Default)]
struct Load {
    now: usize,
    most: usize,
}

impl SlowServer {
    pub(crate) fn start(workers: usize, latency: Duration) -> io::Result<SlowServer> {
        let listener = Arc::new(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?);
        let load = Mutex::new(Load::default()).named("server load");
        let shared = Arc::new(Shared { latency, stopping: AtomicBool::new(false), load });
        let mut server =
            SlowServer { address: listener.local_addr()?, shared, workers: Vec::new() };
        for worker in 0..workers {
            let (listener, shared) = (Arc::clone(&listener), Arc::clone(&server.shared));
            let thread = thread::Builder::new().name(format!("server {worker}"));
            server.workers.push(thread.spawn(move || shared.work(&listener))?);
        }
        Ok(server)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests it had at once at most, since this was last asked.
    pub(crate) fn most_at_once(&self) -> usize {
        std::mem::take(&mut self.shared.load.lock().most)
    }
}

impl Drop for SlowServer {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        for _ in &self.workers {
            // Wakes the one that accepts it; refused where all of them have gone.
            drop(TcpStream::connect(self.address));
        }
        for worker in self.workers.drain(..) {
            worker.join().expect("a worker ends well");
        }
    }
}

impl Shared {
    fn work(&self, listener: &TcpListener) {
        while !self.stopping.load(Ordering::Relaxed) {
            if let Ok((client, _)) = listener.accept() {
                // Who hangs up in mid-request has no complaint to make.
                let _ = self.answer(&client);
            }
        }
    }

    fn answer(&self, mut client: &TcpStream) -> io::Result<()> {
        let mut head = BufReader::new(client).lines();
        let Some(request) = head.next().transpose()? else { return Ok(()) };
        while head.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
        {
            let mut load = self.load.lock();
            load.now += 1;
            load.most = load.most.max(load.now);
        }
        thread::sleep(self.latency);
        self.load.lock().now -= 1;
        let path = request.split(' ').nth(1).unwrap_or_default();
        let (status, body) = match path.strip_prefix('/').and_then(|path| path.split_once('/')) {
            Some(("item", number)) => ("200 OK", format!("item {number}")),
            Some(("broken", _)) => ("500 Internal Server Error", "broken".to_owned()),
            Some(("gone", _)) => return Ok(()),
            _ => ("404 Not Found", "no such thing".to_owned()),
        };
        let length = body.len();
        write!(
            client,
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
    }
}

/// The client: one for all threads.
pub(crate) fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        // A proxy of the environment has no business on loopback.
        .proxy(None)
        .max_idle_connections(0)
        .timeout_global(Some(Duration::from_secs(60)));
    config.build().into()
}

/// The blocking call. A status of 400 and above is an error, as is a server that hangs up.
pub(crate) fn get(agent: &ureq::Agent, url: &str) -> Result<String, ureq::Error> {
    agent.get(url).call()?.body_mut().read_to_string()
}
