//! Before and after `main`, in forked children, and interrupted by signals.

use super::{nest, play};
use crate::exits::{Dir, PART, child_test};
use crate::parking_lot_mutex::state;
use lockgraph::Named;
use lockgraph::parking_lot::Mutex;
use std::ffi::{c_int, c_uint};
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, exit};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

unsafe extern "C" {
    safe fn atexit(handler: extern "C" fn()) -> c_int;
    safe fn alarm(seconds: c_uint) -> c_uint;
    safe fn getpid() -> c_int;
    safe fn kill(process: c_int, signal: c_int) -> c_int;
    safe fn signal(signal: c_int, handler: extern "C" fn(c_int)) -> usize;
    fn fork() -> c_int;
    fn waitpid(process: c_int, status: *mut c_int, options: c_int) -> c_int;
}

const SIGUSR1: c_int = 10;
const FORKS: usize = 100;
const SIGNALS: usize = 2_000;
/// A forked child that hangs is killed after this, and fails its test.
const SECONDS: c_uint = 120;

static EARLY: Mutex<()> = Mutex::new(());
static EARLIER: Mutex<()> = Mutex::new(());

/// Runs before `main`, as the constructors of C++ and of the crate `ctor` do.
#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = before_main;

extern "C" fn before_main() {
    if std::env::var_os(PART).is_some_and(|part| part == "before_main" || part == "at_exit") {
        let _outer = EARLY.lock();
        drop(EARLIER.lock());
        atexit(after_the_recorder);
    }
}

pub(super) fn after_before_main() {
    nest(&EARLIER, &EARLY);
}

#[test]
fn locks_that_are_taken_before_main_are_followed() {
    if !lockgraph::PRESENT {
        return;
    }
    let played = play("before_main", "").well();
    assert_eq!(played.codes(), ["LG003"], "{}", played.err);
    assert!(played.err.contains("(feasible)"), "{}", played.err);
}

static LATE: Mutex<()> = Mutex::new(());
static LATER: Mutex<()> = Mutex::new(());

extern "C" fn before_the_recorder() {
    let _outer = LATER.lock();
    drop(LATE.lock());
    print_past_rust("early handler\n");
}

/// Registered before the recorder's own handler, so called after it.
extern "C" fn after_the_recorder() {
    let _outer = LATE.lock();
    drop(EARLY.lock());
    print_past_rust("late handler\n");
}

/// The standard output of Rust may be gone by then.
fn print_past_rust(text: &str) {
    use std::io::Write;
    use std::os::fd::FromRawFd;
    // SAFETY: descriptor 1 is open, and is not closed here.
    let mut out = std::mem::ManuallyDrop::new(unsafe { std::fs::File::from_raw_fd(1) });
    out.write_all(text.as_bytes()).expect("the parent listens");
}

pub(super) fn at_exit() {
    nest(&LATE, &LATER);
    atexit(before_the_recorder);
}

#[test]
fn locks_may_be_taken_at_exit_before_and_after_the_recorder_ends() {
    if !lockgraph::PRESENT {
        return;
    }
    let played = play("at_exit", "").well();
    assert!(played.out.contains("early handler"), "{}", played.out);
    assert!(played.out.contains("late handler"), "{}", played.out);
    assert_eq!(played.codes(), ["LG003"], "LATE and LATER: {}", played.err);
}

/// Forks while other threads hold locks and find new edges as fast as they can; the children lock
/// on, and ask the recorder for what it knows.
pub(super) fn fork_while_others_record() {
    let is_over = AtomicBool::new(false);
    let [a, b, held] = ["a", "b", "held"].map(|name| Mutex::new(()).named(name));
    nest(&a, &b);
    thread::scope(|s| {
        for _ in 0..3 {
            s.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let [x, y] = [Mutex::new(()), Mutex::new(())];
                    let _x = x.lock();
                    drop(y.lock());
                    thread::yield_now();
                }
            });
        }
        let guard = held.lock();
        for _ in 0..FORKS {
            // SAFETY: the child calls what glibc keeps usable there (its allocator is), and ends.
            match unsafe { fork() } {
                0 => exit(i32::from(
                    catch_unwind(AssertUnwindSafe(|| forked(&a, &b, &held))).is_err(),
                )),
                child => assert_eq!(wait_for(child), 0, "the status of the child"),
            }
        }
        drop(guard);
        is_over.store(true, Ordering::Relaxed);
    });
}

/// `held` is held by this thread's image in the parent, so here too.
fn forked(a: &Mutex<()>, b: &Mutex<()>, held: &Mutex<()>) {
    alarm(SECONDS);
    {
        let _b = b.lock();
        drop(a.lock());
    }
    // SAFETY: held by the guard of this thread, which never drops it: the process ends here.
    unsafe { held.force_unlock(state()) };
    drop(held.lock());
    let of_its_own = Mutex::new(()).named("of the child");
    drop(of_its_own.lock());
    drop(of_its_own);
    lockgraph::Config::new().tier(lockgraph::Tier::Full).install();
    assert!(lockgraph::findings().is_empty() && lockgraph::dump().locks.is_empty());
}

fn wait_for(child: c_int) -> c_int {
    let mut status = -1;
    // SAFETY: `status` is valid for the write.
    assert_eq!(unsafe { waitpid(child, &raw mut status, 0) }, child);
    status
}

#[test]
fn a_forked_child_locks_on_and_records_nothing() {
    if !lockgraph::PRESENT {
        return;
    }
    let played = play("fork", "").well();
    assert!(played.codes().is_empty(), "b -> a was in the children: {}", played.err);
    assert_eq!(played.err, "");
}

/// Forks and executes with a lock held; takes locks in between as well.
pub(super) fn exec_while_held() {
    let [a, b] = ["a", "b"].map(|name| Mutex::new(()).named(name));
    nest(&a, &b);
    let dir = Dir::new("hostile-exec-child");
    let mut command: Command = child_test("hostile::child", "exec_child", &dir.0);
    let statics: &'static [Mutex<()>; 2] = Box::leak(Box::new([Mutex::new(()), Mutex::new(())]));
    // SAFETY: the closure takes two locks that nobody else has, and allocates nothing.
    unsafe {
        command.pre_exec(|| {
            let _first = statics[1].lock();
            drop(statics[0].lock());
            Ok(())
        });
    }
    let held = b.lock();
    let output = command.output().expect("the child runs");
    drop(held);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    nest(&statics[0], &statics[1]);
    let dump = dir.journal("a process of its own, with a journal of its own");
    assert!(dump.processes[0].complete);
    assert_eq!(dump.edges.len(), 1);
}

#[test]
fn a_process_that_was_forked_and_executed_records_for_itself() {
    if !lockgraph::PRESENT {
        return;
    }
    let played = play("exec", "").well();
    assert!(played.codes().is_empty(), "{}", played.err);
    assert_eq!(played.dump.edges.len(), 2, "what the child did in between is not there");
}

/// A handler that does all that a handler may: it sets a flag.
pub(super) fn signals() {
    static WAS_CALLED: AtomicBool = AtomicBool::new(false);
    extern "C" fn handler(_: c_int) {
        WAS_CALLED.store(true, Ordering::Relaxed);
    }
    signal(SIGUSR1, handler);
    let is_over = AtomicBool::new(false);
    let base = Mutex::new(()).named("base");
    thread::scope(|s| {
        for _ in 0..3 {
            s.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let other = Mutex::new(());
                    let _base = base.lock();
                    drop(other.lock());
                }
            });
        }
        for _ in 0..SIGNALS {
            assert_eq!(kill(getpid(), SIGUSR1), 0);
            thread::yield_now();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(WAS_CALLED.load(Ordering::Relaxed));
    let [a, b] = ["a", "b"].map(|name| Mutex::new(()).named(name));
    nest(&a, &b);
    nest(&b, &a);
}

#[test]
fn signals_interrupt_nothing() {
    if !lockgraph::PRESENT {
        return;
    }
    let played = play("signal", "").well();
    assert_eq!(played.codes(), ["LG003"], "{}", played.err);
    assert_eq!(played.counter("untracked"), 0);
}
