//! The server: a thread that accepts, a thread for each connection, and a way to stop them all.
//!
//! Two locks, in this order: `registry` knows every connection and its thread, `statistics` counts.
//! Nobody joins a thread while holding either; `Stop::Broken` is there to show why.

use lockgraph::parking_lot::{Condvar, Mutex, MutexGuard};
use lockgraph::{Named, thread};
use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use thread::JoinHandle;

/// What every client is told before its connection is closed.
pub(crate) const GOODBYE: &str = "echo_server: goodbye\n";

pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: JoinHandle<()>,
}

/// How to stop.
#[derive(Clone, Copy)]
pub(crate) enum Stop {
    /// Tells every client, waits this long for those who do not read, joins every thread.
    Clean(Duration),
    /// Joins the threads of the connections while the registry is locked, which each of them needs
    /// in order to leave it.
    Broken,
}

/// What the server has counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Statistics {
    pub(crate) opened: usize,
    pub(crate) most_at_once: usize,
    /// The client closed its side.
    pub(crate) left: usize,
    /// The connection broke.
    pub(crate) broke_off: usize,
    /// The client was told goodbye.
    pub(crate) told: usize,
    /// It could not be told any more.
    pub(crate) cut_off: usize,
    pub(crate) reads: usize,
    /// Reads that returned nothing: one for each client that left, where nothing spins.
    pub(crate) empty_reads: usize,
    pub(crate) bytes: usize,
    pub(crate) joined: usize,
    pub(crate) panicked: usize,
    /// Connections in the registry when all threads had ended.
    pub(crate) still_registered: usize,
}

struct Shared {
    /// Set under the registry's lock, so that nobody enters later.
    stopping: AtomicBool,
    registry: Mutex<Registry>,
    /// Told when somebody has entered or left the registry.
    changed: Condvar,
    statistics: Mutex<Statistics>,
}

#[derive(Default)]
struct Registry {
    next: usize,
    connections: HashMap<usize, Connection>,
    /// Threads that have left the registry, and wait to be joined.
    ended: Vec<JoinHandle<()>>,
}

struct Connection {
    stream: Arc<TcpStream>,
    thread: JoinHandle<()>,
}

impl Server {
    pub(crate) fn start(address: impl ToSocketAddrs) -> io::Result<Server> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            stopping: AtomicBool::new(false),
            registry: Mutex::new(Registry::default()).named("registry"),
            changed: Condvar::new(),
            statistics: Mutex::new(Statistics::default()).named("statistics"),
        });
        let acceptor = thread::Builder::new().name("acceptor".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept(&listener)
        })?;
        Ok(Server { address, shared, acceptor })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until `opened` clients have come and all of them but `open` have left again.
    pub(crate) fn wait_for(&self, opened: usize, open: usize) {
        let mut registry = self.shared.registry.lock();
        self.shared.changed.wait_while(&mut registry, |registry| {
            registry.next != opened || registry.connections.len() != open
        });
    }

    /// Tells every client, closes every connection, joins every thread.
    pub(crate) fn stop(self, how: Stop) -> Statistics {
        let Server { address, shared, acceptor } = self;
        let mut registry = shared.registry.lock();
        shared.stopping.store(true, Ordering::Relaxed);
        match how {
            Stop::Clean(grace) => {
                // Ends the reads that wait. Each thread says goodbye to its own client.
                registry.shut(Shutdown::Read);
                shared.changed.wait_while_for(&mut registry, |r| !r.connections.is_empty(), grace);
                // Ends the writes to clients that do not read.
                registry.shut(Shutdown::Both);
            }
            Stop::Broken => {
                registry.shut(Shutdown::Read);
                let connections: Vec<Connection> =
                    registry.connections.drain().map(|(_, connection)| connection).collect();
                shared.join(connections.into_iter().map(|connection| connection.thread));
            }
        }
        shared.changed.wait_while(&mut registry, |registry| !registry.connections.is_empty());
        drop(registry);
        // The acceptor waits for a client, most likely; where it has gone already, this is refused.
        drop(TcpStream::connect(address));
        acceptor.join().expect("the acceptor ends well");
        shared.join_ended();
        let mut statistics = *shared.statistics.lock();
        statistics.still_registered = shared.registry.lock().connections.len();
        statistics
    }
}

impl Registry {
    fn shut(&self, how: Shutdown) {
        for connection in self.connections.values() {
            // An error says that it is closed already.
            let _ = connection.stream.shutdown(how);
        }
    }
}

impl Shared {
    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        while !self.stopping() {
            let admitted = listener.accept().and_then(|(stream, _)| self.admit(stream));
            if let Err(error) = admitted {
                eprintln!("echo_server: a client could not be let in: {error}");
                // Out of descriptors or threads, most likely: those who leave give some back.
                thread::sleep(Duration::from_millis(10));
            }
            // Those who left since; no lock is held.
            self.join_ended();
        }
    }

    fn admit(self: &Arc<Self>, stream: TcpStream) -> io::Result<()> {
        let stream = Arc::new(stream);
        let mut registry = self.registry.lock();
        if self.stopping() {
            return Ok(());
        }
        let id = registry.next;
        let thread = thread::Builder::new().name(format!("connection {id}")).spawn({
            // It cannot leave the registry before it is in, since that takes the lock.
            let (shared, stream) = (Arc::clone(self), Arc::clone(&stream));
            move || shared.serve(id, &stream)
        })?;
        registry.next += 1;
        registry.connections.insert(id, Connection { stream, thread });
        let open = registry.connections.len();
        let mut statistics = self.statistics.lock();
        statistics.opened += 1;
        statistics.most_at_once = statistics.most_at_once.max(open);
        drop(statistics);
        self.changed.notify_all();
        Ok(())
    }

    /// One connection, from its first byte to its place in the registry.
    fn serve(&self, id: usize, mut stream: &TcpStream) {
        let echoed = self.echo(stream);
        let told = self.stopping().then(|| stream.write_all(GOODBYE.as_bytes()));
        let _ = stream.shutdown(Shutdown::Both);

        let mut registry = self.registry.lock();
        if let Some(connection) = registry.connections.remove(&id) {
            registry.ended.push(connection.thread);
        }
        let mut statistics = self.statistics.lock();
        match (told, echoed) {
            (Some(Ok(())), _) => statistics.told += 1,
            (Some(Err(_)), _) => statistics.cut_off += 1,
            (None, Ok(())) => statistics.left += 1,
            (None, Err(_)) => statistics.broke_off += 1,
        }
        drop((statistics, registry));
        self.changed.notify_all();
    }

    /// Returns what the client says to it, until the client leaves or the server stops.
    fn echo(&self, mut stream: &TcpStream) -> io::Result<()> {
        let mut buffer = [0; 4096];
        while !self.stopping() {
            let read = match stream.read(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read?,
            };
            self.count(read);
            if read == 0 {
                break;
            }
            stream.write_all(&buffer[..read])?;
        }
        Ok(())
    }

    fn count(&self, read: usize) {
        let mut statistics = self.statistics.lock();
        statistics.reads += 1;
        statistics.empty_reads += usize::from(read == 0);
        statistics.bytes += read;
    }

    fn join_ended(&self) {
        let ended = std::mem::take(&mut self.registry.lock().ended);
        self.join(ended);
    }

    fn join(&self, threads: impl IntoIterator<Item = JoinHandle<()>>) {
        for thread in threads {
            let ended = thread.join();
            let mut statistics: MutexGuard<'_, Statistics> = self.statistics.lock();
            statistics.joined += 1;
            statistics.panicked += usize::from(ended.is_err());
        }
    }
}
