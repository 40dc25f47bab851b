//! What the program does around a report must not make the recorder hang.

use lockgraph_core::door;
use lockgraph_core::lock::LockHeader;
use lockgraph_core::mode::{Mode, Policy, Want};
use std::panic::Location;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

static POLICY: Policy = Policy {
    kind: "Mutex",
    read_blocks_behind_writer: false,
    guard_send: false,
    reentrant: false,
    shared: false,
    upgrade: false,
};

/// A mutex that is tracked by hand.
struct Tracked(LockHeader, Mutex<()>);

impl Tracked {
    const fn new() -> Self {
        Tracked(LockHeader::new(None), Mutex::new(()))
    }

    fn with<R>(&self, f: impl FnOnce() -> R) -> R {
        let site = Location::caller();
        door::before(&self.0, &POLICY, Want::Exclusive, site);
        let guard = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        let token = door::acquired(&self.0, &POLICY, Mode::Exclusive, site);
        let result = f();
        door::released(&self.0, token);
        drop(guard);
        result
    }
}

/// Fails where `f` does not end, whose thread is left behind then.
fn ends(f: impl FnOnce() + Send + 'static) {
    let (done, ended) = channel();
    let running = thread::spawn(move || {
        f();
        let _ = done.send(());
    });
    let answer = ended.recv_timeout(Duration::from_secs(240));
    assert_ne!(answer, Err(RecvTimeoutError::Timeout), "it hangs");
    running.join().expect("it does not panic");
}

fn findings() -> usize {
    lockgraph_core::findings().len()
}

/// `eprintln!` formats under std's lock of stderr. A thread that reports must not wait for it: it
/// may hold what the formatting wants. (Without an operating system it does wait.)
#[cfg(not(lockgraph_no_os))]
#[test]
fn a_report_does_not_wait_for_the_lock_of_stderr() {
    use std::fmt;
    use std::sync::atomic::{AtomicU32, Ordering};

    static M: Tracked = Tracked::new();
    static N: Tracked = Tracked::new();
    static STEP: AtomicU32 = AtomicU32::new(0);

    fn reach(step: u32) {
        while STEP.load(Ordering::Relaxed) < step {
            thread::yield_now();
        }
    }

    struct Locks;
    impl fmt::Display for Locks {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            STEP.store(1, Ordering::Relaxed);
            reach(2);
            M.with(|| f.write_str("formatted with a lock held"))
        }
    }

    ends(|| {
        N.with(|| M.with(|| ()));
        let before = findings();
        thread::scope(|s| {
            s.spawn(|| {
                use std::io::Write;
                let _ = writeln!(std::io::stderr().lock(), "{Locks}");
            });
            reach(1);
            s.spawn(|| {
                M.with(|| {
                    STEP.store(2, Ordering::Relaxed);
                    N.with(|| ());
                });
            });
        });
        assert!(findings() > before);
    });
}

/// Each is called in its turn; one that is added by another hears the next finding.
#[test]
fn callbacks_add_up_and_may_add_others() {
    static A: Tracked = Tracked::new();
    static B: Tracked = Tracked::new();
    static HEARD: Mutex<String> = Mutex::new(String::new());

    fn hear(who: char) {
        HEARD.lock().unwrap_or_else(PoisonError::into_inner).push(who);
    }

    ends(|| {
        lockgraph_core::on_finding(|_| {
            hear('1');
            lockgraph_core::on_finding(|_| hear('3'));
        });
        lockgraph_core::on_finding(|_| hear('2'));
        A.with(|| B.with(|| ()));
        B.with(|| A.with(|| ()));
        assert!(HEARD.lock().unwrap_or_else(PoisonError::into_inner).starts_with("12"));
    });
}
