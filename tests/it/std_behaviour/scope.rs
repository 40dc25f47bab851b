//! Scoped threads: `scope`, `Scope`, `ScopedJoinHandle`, `Builder::spawn_scoped`.

use super::super::panic_text;
use super::sync::atomic::{AtomicUsize, Ordering};
use super::sync::mpsc::channel;
use super::thread::{self, Builder};

#[test]
fn threads_borrow_and_the_scope_waits_for_them() {
    let mut numbers = vec![1, 2, 3];
    let mut sum = 0;
    thread::scope(|s| {
        s.spawn(|| sum = numbers.iter().sum());
        s.spawn(|| assert_eq!(numbers.len(), 3));
    });
    numbers.push(sum);
    assert_eq!(numbers, [1, 2, 3, 6]);
}

#[test]
fn the_scope_returns_what_its_closure_returns() {
    let text = String::from("text");
    let length = thread::scope(|s| s.spawn(|| text.len()).join().unwrap());
    assert_eq!(length, 4);
    let borrowed: &str = thread::scope(|_| &*text);
    assert_eq!(borrowed, "text");
}

#[test]
fn a_panic_that_nobody_joined_is_passed_on() {
    let text = panic_text(|| {
        thread::scope(|s| {
            s.spawn(|| panic!("as the test wants it"));
        });
    });
    assert_eq!(text, "a scoped thread panicked");
}

#[test]
fn a_panic_that_was_joined_is_not_passed_on() {
    let returned = thread::scope(|s| {
        let panicked = s.spawn(|| panic!("as the test wants it"));
        let payload = panicked.join().unwrap_err();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"as the test wants it"));
        5
    });
    assert_eq!(returned, 5);
}

#[test]
fn a_panic_of_the_closure_waits_for_the_threads_first() {
    let ended = AtomicUsize::new(0);
    let (go, gone) = channel::<()>();
    let text = panic_text(|| {
        thread::scope(|s| {
            let ended = &ended;
            s.spawn(move || {
                assert!(gone.recv().is_err(), "the sender is dropped while unwinding");
                ended.fetch_add(1, Ordering::Relaxed);
            });
            let _go = go;
            panic!("the closure");
        });
    });
    assert_eq!((text.as_str(), ended.load(Ordering::Relaxed)), ("the closure", 1));
}

#[test]
fn threads_start_threads_in_the_same_scope() {
    let ran = AtomicUsize::new(0);
    thread::scope(|s| {
        s.spawn(|| {
            for _ in 0..3 {
                s.spawn(|| {
                    s.spawn(|| ran.fetch_add(1, Ordering::Relaxed));
                });
            }
        });
    });
    assert_eq!(ran.load(Ordering::Relaxed), 3);
}

#[test]
fn scopes_nest() {
    let mut count = 0;
    thread::scope(|s| {
        s.spawn(|| {
            thread::scope(|inner| {
                inner.spawn(|| count += 1);
            });
        });
    });
    assert_eq!(count, 1);
}

#[test]
fn a_scoped_thread_may_have_a_name_and_a_stack() {
    thread::scope(|s| {
        let builder = Builder::new().name("scoped".into()).stack_size(1 << 20);
        let named =
            builder.spawn_scoped(s, || thread::current().name().map(str::to_owned)).unwrap();
        assert_eq!(named.thread().name(), Some("scoped"));
        assert_eq!(named.join().unwrap().as_deref(), Some("scoped"));
        assert!(Builder::new().stack_size(usize::MAX / 2).spawn_scoped(s, || ()).is_err());
    });
}

#[test]
fn is_finished_does_not_wait_and_a_handle_may_be_left() {
    let (end, ended) = channel::<()>();
    thread::scope(|s| {
        let handle = s.spawn(move || ended.recv().unwrap());
        assert!(!handle.is_finished());
        assert_eq!(format!("{handle:?}"), "ScopedJoinHandle { .. }");
        end.send(()).unwrap();
        while !handle.is_finished() {
            thread::yield_now();
        }
        let other = s.spawn(|| ());
        drop(other);
        assert!(format!("{s:?}").starts_with("Scope {"));
    });
}

#[test]
fn a_handle_may_be_joined_by_another_thread_of_the_scope() {
    thread::scope(|s| {
        let first = s.spawn(|| 5);
        let second = s.spawn(move || first.join().unwrap() + 1);
        assert_eq!(second.join().unwrap(), 6);
    });
}
