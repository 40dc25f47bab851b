//! The echo server from outside: a process, its clients, and Ctrl-C.
//!
//! How many threads and descriptors it has is what Linux says of it.

use super::{Dump, command, ends, folder, ran};
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const GOODBYE: &str = "echo_server: goodbye\n";
/// Longer than any of this takes; what has not happened then never will.
const NEVER: Duration = Duration::from_secs(120);

/// A server that runs, as a process of its own.
struct Serving {
    child: Child,
    out: BufReader<ChildStdout>,
    address: SocketAddr,
    folder: PathBuf,
}

impl Serving {
    /// `grace`: for how many seconds it waits for clients that do not read.
    fn start(grace: u32) -> Serving {
        let folder = folder("echo_server");
        let mut child = command("echo_server")
            .args(["--serve", "127.0.0.1:0", &grace.to_string()])
            .env("LOCKGRAPH_DIR", &folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the example can be started");
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        out.read_line(&mut line).expect("it says where it listens");
        let address = line.trim().rsplit(' ').next().and_then(|word| word.parse().ok());
        Serving { child, out, address: address.expect("an address"), folder }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).expect("it accepts")
    }

    /// How many entries this folder of the process has: `task` or `fd`.
    fn count(&self, what: &str) -> usize {
        let folder = fs::read_dir(format!("/proc/{}/{what}", self.child.id()));
        folder.expect("it runs").count()
    }

    fn wait_for(&self, what: &str, number: usize) {
        within(
            || (self.count(what) == number).then_some(()),
            || format!("{} of {what}, not {number}", self.count(what)),
        );
    }

    /// Ctrl-C.
    fn interrupt(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
    }

    /// Waits for its end, which must be a good one: what it printed, and its dump.
    fn end(mut self) -> (String, Option<Dump>) {
        let status = within(
            || self.child.try_wait().expect("it can be waited for"),
            || "it does not end".to_owned(),
        );
        let (mut out, mut err) = (String::new(), String::new());
        self.out.read_to_string(&mut out).expect("UTF-8");
        self.child.stderr.take().expect("its errors").read_to_string(&mut err).expect("UTF-8");
        assert!(status.success(), "{status}\n{out}{err}");
        assert_eq!(err, "", "nothing is reported");
        (out, lockgraph::PRESENT.then(|| Dump::of("echo_server", &self.folder)))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // A test that fails leaves nobody behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Ctrl-C, at the end of a scope.
struct Interrupts<'a>(&'a Serving);

impl Drop for Interrupts<'_> {
    fn drop(&mut self) {
        self.0.interrupt();
    }
}

/// Asks until there is an answer.
fn within<T>(mut ask: impl FnMut() -> Option<T>, say: impl Fn() -> String) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < NEVER, "{}", say());
        thread::yield_now();
    }
}

/// The number before this word in what the server prints at its end.
fn counted(out: &str, word: &str) -> usize {
    let words: Vec<&str> = out.split_whitespace().collect();
    let at = words.windows(2).position(|pair| pair[1] == word && pair[0].parse::<usize>().is_ok());
    let at = at.unwrap_or_else(|| panic!("nothing is `{word}`:\n{out}"));
    words[at].parse().expect("a number")
}

/// As many closed as opened, joined as started, descriptors after as before: nothing leaked.
fn nothing_leaked(out: &str, connections: usize) {
    for word in ["opened", "closed", "started", "joined"] {
        assert_eq!(counted(out, word), connections, "{word}:\n{out}");
    }
    assert_eq!(counted(out, "before"), counted(out, "after"), "descriptors:\n{out}");
    assert_eq!(counted(out, "panicked"), 0, "{out}");
    assert_eq!(counted(out, "still"), 0, "in the registry:\n{out}");
    assert!(counted(out, "empty") <= connections, "reads that found nothing:\n{out}");
}

fn in_order(dump: Option<Dump>) {
    let Some(dump) = dump else { return };
    assert_eq!(dump.order().expect("an order exists"), ["registry", "statistics"]);
    assert_eq!((dump.cycles(), dump.findings()), (0, vec![]));
    assert_eq!(dump.json["processes"][0]["complete"], true);
}

/// Sends a message and has it back; false where the server has stopped, which it may do in the
/// middle of one.
fn echoes(mut client: &TcpStream, message: &str) -> bool {
    let mut answer = String::new();
    let sent = client.write_all(message.as_bytes());
    if sent.and_then(|()| BufReader::new(client).read_line(&mut answer)).is_ok()
        && answer == message
    {
        return true;
    }
    let rest = answer.strip_suffix(GOODBYE).unwrap_or(&answer);
    assert!(message.starts_with(rest), "{answer:?} for {message:?}");
    false
}

#[test]
fn two_hundred_clients_at_once_some_killed_in_mid_message_and_a_stop_under_load() {
    const ALL: usize = 200;
    let server = Serving::start(100);
    let (threads, descriptors) = (server.count("task"), server.count("fd"));
    let clients: Vec<TcpStream> = (0..ALL).map(|_| server.connect()).collect();
    server.wait_for("task", threads + ALL);

    let talked = AtomicUsize::new(0);
    let talk = |id: usize, client: TcpStream| {
        for message in 0..10 {
            assert!(echoes(&client, &format!("client {id}, message {message}\n")));
        }
        talked.fetch_add(1, Ordering::Relaxed);
        match id % 4 {
            // Leaves.
            0 => drop(client),
            // Is killed: with its answer unread the connection is reset.
            1 => {
                (&client).write_all(b"half a mess").expect("the server runs");
                client.peek(&mut [0]).expect("the server runs");
            }
            // Talks on until it is told goodbye, or cut off.
            _ => (10..)
                .map(|message| format!("client {id}, message {message}\n"))
                .take_while(|message| echoes(&client, message))
                .for_each(drop),
        }
    };
    thread::scope(|scope| {
        for (id, client) in clients.into_iter().enumerate() {
            let talk = &talk;
            scope.spawn(move || talk(id, client));
        }
        // Also where this thread panics: the clients talk until they are told to stop.
        let _stops = Interrupts(&server);
        let all = || (talked.load(Ordering::Relaxed) == ALL).then_some(());
        within(all, || "a client has no answers".to_owned());
        // Whoever left has no thread and no descriptor there any more, though nobody came since.
        server.wait_for("task", threads + ALL / 2);
        server.wait_for("fd", descriptors + ALL / 2);
    });

    let (out, dump) = server.end();
    nothing_leaked(&out, ALL);
    assert_eq!(counted(&out, "at"), ALL, "at once:\n{out}");
    assert_eq!((counted(&out, "left"), counted(&out, "broke")), (50, 50), "{out}");
    assert_eq!(counted(&out, "told") + counted(&out, "cut"), 100, "{out}");
    in_order(dump);
}

#[test]
fn clients_that_say_nothing_are_told_goodbye() {
    let server = Serving::start(100);
    let clients: Vec<TcpStream> = (0..5).map(|_| server.connect()).collect();
    assert!(clients.iter().all(|client| echoes(client, "here\n")));
    server.interrupt();
    for mut client in clients {
        let mut rest = String::new();
        client.read_to_string(&mut rest).expect("closed in good order");
        assert_eq!(rest, GOODBYE);
    }
    let (out, dump) = server.end();
    nothing_leaked(&out, 5);
    assert_eq!(counted(&out, "told"), 5, "{out}");
    in_order(dump);
}

#[test]
fn a_client_that_does_not_read_cannot_keep_the_server_from_stopping() {
    let server = Serving::start(0);
    let mut client = server.connect();
    assert!(echoes(&client, "here\n"), "it is let in");
    client.set_nonblocking(true).expect("a socket can be");
    // Until all buffers between the two are full: then the server is in a write that does not end.
    let mut full = 0;
    while full < 1000 {
        match client.write(&[b'x'; 65536]) {
            Ok(_) => full = 0,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                full += 1;
                thread::yield_now();
            }
            Err(error) => panic!("the server runs: {error}"),
        }
    }
    server.interrupt();
    let (out, dump) = server.end();
    nothing_leaked(&out, 1);
    assert_eq!(counted(&out, "cut"), 1, "{out}");
    in_order(dump);
}

#[test]
fn it_drives_itself_and_ends_clean() {
    let ran = ran("echo_server", &[]);
    ends(&ran, 0);
    assert_eq!(ran.err, "", "nothing is reported");
    nothing_leaked(&ran.out, 65);
    assert_eq!((counted(&ran.out, "left"), counted(&ran.out, "broke")), (10, 10), "{}", ran.out);
    in_order(ran.dump);
}

#[test]
fn joining_with_the_registry_locked_is_named_and_broken() {
    let ran = ran("echo_server", &["--broken"]);
    let Some(dump) = &ran.dump else { return ends(&ran, 0) };
    ends(&ran, 1);
    for word in ["warning[LG008]", "error[LG002]", "registry", "thread `stopper`"] {
        assert!(ran.err.contains(word), "the reports do not say `{word}`:\n{}", ran.err);
    }
    let mut findings = dump.findings();
    findings.sort();
    assert_eq!(findings, ["LG002", "LG008"]);
}

/// Without a victim it hangs, as it would without the tracker: after the report, which stands in the
/// journal of a process that never ends.
#[test]
fn where_nobody_is_refused_it_hangs_after_the_report() {
    if !lockgraph::PRESENT {
        return;
    }
    let folder = folder("echo_server");
    let mut child = command("echo_server")
        .arg("--broken")
        .env("LOCKGRAPH", "full,LG002=warn")
        .env("LOCKGRAPH_DIR", &folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the example can be started");
    let mut err = BufReader::new(child.stderr.take().expect("its errors")).lines();
    let mut report = err.by_ref().map(|line| line.expect("UTF-8"));
    let named = report.any(|line| line.contains("error[LG002]"));
    assert!(named, "it ended without a report of a deadlock");
    assert!(report.any(|line| line.contains("the end of thread `connection")), "who is joined");
    assert_eq!(child.try_wait().expect("it can be waited for"), None, "it hangs");
    child.kill().expect("it can be killed");
    child.wait().expect("it can be waited for");

    let journal = fs::read_dir(&folder).expect("a folder").next().expect("a journal");
    let journal = fs::read_to_string(journal.expect("an entry").path()).expect("a journal");
    assert!(journal.contains(r#""code":"LG002""#), "{journal}");
    assert!(!journal.contains(r#""t":"end""#), "it was killed:\n{journal}");
    let _ = fs::remove_dir_all(&folder);
}
