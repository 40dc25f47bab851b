//! Threads that outlive their parent's frame: `spawn`, `Builder`, `JoinHandle`, and parking.

use super::super::panic_text;
use super::sync::atomic::{AtomicBool, Ordering};
use super::sync::mpsc::channel;
use super::sync::{Arc, Mutex};
use super::thread::{self, Builder};
use std::any::Any;
use std::time::{Duration, Instant};

#[test]
fn join_returns_what_the_thread_returned() {
    assert_eq!(thread::spawn(|| 7).join().unwrap(), 7);
    assert_eq!(thread::spawn(|| String::from("a")).join().unwrap(), "a");
}

#[test]
fn join_returns_the_payload_of_a_panic() {
    let payload = |f: fn()| thread::spawn(f).join().unwrap_err();
    assert_eq!(payload(|| panic!("a text")).downcast_ref::<&str>(), Some(&"a text"));
    let number: Box<dyn Any + Send> = payload(|| std::panic::panic_any(5u16));
    assert_eq!(number.downcast_ref::<u16>(), Some(&5));
    let resumed = payload(|| std::panic::resume_unwind(Box::new('x')));
    assert_eq!(*resumed.downcast::<char>().unwrap(), 'x');
}

#[test]
fn join_waits_and_what_the_thread_wrote_is_seen() {
    let written = Arc::new(Mutex::new(0));
    let theirs = Arc::clone(&written);
    thread::spawn(move || *theirs.lock().unwrap() = 5).join().unwrap();
    assert_eq!(*written.lock().unwrap(), 5);
}

#[test]
fn a_thread_runs_on_without_its_handle() {
    let (sender, receiver) = channel();
    drop(thread::spawn(move || sender.send(1).unwrap()));
    assert_eq!(receiver.recv(), Ok(1));
}

#[test]
fn is_finished_does_not_wait() {
    let (end, ended) = channel::<()>();
    let handle = thread::spawn(move || ended.recv());
    assert!(!handle.is_finished());
    end.send(()).unwrap();
    while !handle.is_finished() {
        thread::yield_now();
    }
    handle.join().unwrap().unwrap();
}

#[test]
fn a_thread_has_a_name_where_it_was_given_one() {
    let name = || thread::current().name().map(str::to_owned);
    assert_eq!(thread::spawn(name).join().unwrap(), None);
    let named = Builder::new().name("worker".into()).spawn(name).unwrap();
    assert_eq!(named.thread().name(), Some("worker"));
    assert_eq!(named.join().unwrap().as_deref(), Some("worker"));
    let text = panic_text(|| Builder::new().name("a\0b".into()).spawn(|| ()));
    assert!(text.contains("thread name may not contain interior null bytes"), "{text}");
}

#[test]
fn ids_are_unique_and_those_of_the_handle() {
    let handles =
        [thread::spawn(|| thread::current().id()), thread::spawn(|| thread::current().id())];
    let ids = handles.map(|handle| {
        let id = handle.thread().id();
        assert_eq!(handle.join().unwrap(), id);
        id
    });
    assert_ne!(ids[0], ids[1]);
    assert_ne!(ids[0], thread::current().id());
}

#[test]
fn a_stack_is_as_large_as_asked_for() {
    #[inline(never)]
    fn deep(levels: u32) -> u32 {
        let page = std::hint::black_box([levels as u8; 4096]);
        if levels == 0 { 0 } else { deep(levels - 1) + u32::from(page[7] == levels as u8) }
    }
    // 16 MiB: more than a thread has by default.
    let large = Builder::new().stack_size(64 << 20).spawn(|| deep(4000)).unwrap();
    assert_eq!(large.join().unwrap(), 4000);
}

#[test]
fn a_stack_that_cannot_be_had_is_an_error() {
    let name = String::from("too large");
    assert!(Builder::new().name(name).stack_size(usize::MAX / 2).spawn(|| ()).is_err());
    let unchecked = Builder::new().stack_size(usize::MAX / 2);
    // SAFETY: nothing is borrowed.
    assert!(unsafe { unchecked.spawn_unchecked(|| ()) }.is_err());
}

#[test]
fn spawn_unchecked_may_borrow_what_outlives_it() {
    let text = String::from("borrowed");
    // SAFETY: the thread is joined before `text` ends.
    let handle = unsafe { Builder::new().spawn_unchecked(|| text.len()) }.unwrap();
    assert_eq!(handle.join().unwrap(), 8);
}

#[test]
fn an_unparked_thread_does_not_park() {
    thread::current().unpark();
    thread::park();
    thread::current().unpark();
    thread::park_timeout(Duration::from_secs(600));
}

#[test]
fn unpark_wakes_a_parked_thread() {
    let flag = Arc::new(AtomicBool::new(false));
    let theirs = Arc::clone(&flag);
    let parked = thread::spawn(move || {
        while !theirs.load(Ordering::Acquire) {
            thread::park();
        }
    });
    flag.store(true, Ordering::Release);
    parked.thread().unpark();
    parked.join().unwrap();
}

#[test]
fn park_timeout_ends_by_the_time() {
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(2) {
        thread::park_timeout(Duration::from_millis(2));
    }
    thread::park_timeout(Duration::ZERO);
}

#[test]
fn panicking_is_true_while_unwinding() {
    struct Asks<'a>(&'a AtomicBool);
    impl Drop for Asks<'_> {
        fn drop(&mut self) {
            self.0.store(thread::panicking(), Ordering::Relaxed);
        }
    }
    let panicking = AtomicBool::new(false);
    assert!(!thread::panicking());
    panic_text(|| {
        let _asks = Asks(&panicking);
        panic!("as the test wants it");
    });
    assert!(panicking.load(Ordering::Relaxed));
}

#[test]
fn thread_locals_are_each_threads_own_and_dropped_before_the_join_returns() {
    struct Tells(Arc<AtomicBool>);
    impl Drop for Tells {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    thread_local! {
        static LOCAL: std::cell::RefCell<Option<Tells>> = const { std::cell::RefCell::new(None) };
    }
    let dropped = Arc::new(AtomicBool::new(false));
    let theirs = Arc::clone(&dropped);
    let local: &'static thread::LocalKey<_> = &LOCAL;
    thread::spawn(move || local.with(|local| *local.borrow_mut() = Some(Tells(theirs))))
        .join()
        .unwrap();
    assert!(dropped.load(Ordering::Relaxed));
    LOCAL.with_borrow(|local| assert!(local.is_none()));
}

#[test]
fn sleep_lasts_as_long_as_asked_for() {
    let start = Instant::now();
    thread::sleep(Duration::from_millis(2));
    assert!(start.elapsed() >= Duration::from_millis(2));
    assert!(thread::available_parallelism().unwrap().get() >= 1);
}

#[test]
fn a_handle_may_be_sent_and_joined_elsewhere() {
    let handle = thread::spawn(|| 5);
    assert_eq!(thread::spawn(move || handle.join().unwrap()).join().unwrap(), 5);
}

#[cfg(unix)]
#[test]
fn a_handle_knows_the_systems_thread() {
    use std::os::unix::thread::JoinHandleExt;
    unsafe extern "C" {
        safe fn pthread_self() -> std::os::unix::thread::RawPthread;
        fn pthread_join(thread: std::os::unix::thread::RawPthread, value: *mut *mut u8) -> i32;
    }
    let (tell, told) = channel();
    let handle = thread::spawn(move || tell.send(pthread_self()).unwrap());
    assert_eq!(handle.as_pthread_t(), told.recv().unwrap());
    let raw = handle.into_pthread_t();
    // SAFETY: the thread was not joined, and nobody else has it.
    assert_eq!(unsafe { pthread_join(raw, std::ptr::null_mut()) }, 0);
}

#[test]
fn the_texts_are_those_of_std() {
    let handle = thread::spawn(|| ());
    assert_eq!(format!("{handle:?}"), "JoinHandle { .. }");
    handle.join().unwrap();
    assert!(format!("{:?}", Builder::new().name("a".into())).contains("name: Some(\"a\")"));
}
