//! `OnceLock`.

use super::super::panic_text;
use super::sync::mpsc::channel;
use super::sync::{Arc, Barrier, Mutex, OnceLock};
use super::thread;

#[test]
fn it_is_set_once() {
    let cell = OnceLock::new();
    assert_eq!(cell.get(), None);
    assert_eq!(cell.set(1), Ok(()));
    assert_eq!(cell.set(2), Err(2));
    assert_eq!(cell.get(), Some(&1));
    assert_eq!(*cell.get_or_init(|| unreachable!("it is set")), 1);
}

#[test]
fn one_of_many_initialisers_runs() {
    let (cell, runs, barrier) = (OnceLock::new(), Mutex::new(0), Barrier::new(4));
    thread::scope(|s| {
        for number in 0..4 {
            let (cell, runs, barrier) = (&cell, &runs, &barrier);
            s.spawn(move || {
                barrier.wait();
                let made = cell.get_or_init(|| {
                    *runs.lock().unwrap() += 1;
                    number
                });
                assert_eq!(cell.get(), Some(made));
            });
        }
    });
    assert_eq!(runs.into_inner().unwrap(), 1);
}

#[test]
fn a_panic_of_an_initialiser_leaves_it_empty() {
    let cell = OnceLock::new();
    assert_eq!(panic_text(|| cell.get_or_init(|| panic!("initialiser"))), "initialiser");
    assert_eq!(cell.get(), None);
    assert_eq!(*cell.get_or_init(|| 3), 3);
}

#[test]
fn set_waits_for_an_initialiser_elsewhere() {
    let cell = OnceLock::new();
    let (started, running) = channel();
    thread::scope(|s| {
        let cell = &cell;
        s.spawn(move || {
            cell.get_or_init(|| {
                started.send(()).unwrap();
                1
            });
        });
        running.recv().unwrap();
        assert_eq!(cell.set(2), Err(2));
        assert_eq!(cell.get(), Some(&1));
    });
}

#[test]
fn get_does_not_wait_for_an_initialiser() {
    let cell = OnceLock::new();
    cell.get_or_init(|| {
        assert_eq!(cell.get(), None);
        1
    });
}

#[test]
fn wait_returns_the_value() {
    let cell = OnceLock::new();
    thread::scope(|s| {
        let waiter = s.spawn(|| *cell.wait());
        cell.set(5).unwrap();
        assert_eq!(waiter.join().unwrap(), 5);
    });
    assert_eq!(*cell.wait(), 5);
}

#[test]
fn the_owner_may_change_take_and_move_the_value() {
    let mut cell = OnceLock::from(String::from("a"));
    cell.get_mut().unwrap().push('b');
    assert_eq!(cell.take().as_deref(), Some("ab"));
    assert_eq!(cell.take(), None);
    assert_eq!(cell.get_mut(), None);
    cell.set("c".into()).unwrap();
    assert_eq!(cell.into_inner().as_deref(), Some("c"));
    assert_eq!(OnceLock::<u8>::new().into_inner(), None);
}

#[test]
fn the_value_is_dropped_once() {
    let data = Arc::new(());
    drop(OnceLock::from(Arc::clone(&data)));
    let mut cell = OnceLock::from(Arc::clone(&data));
    drop(cell.take());
    drop(cell);
    assert_eq!(Arc::strong_count(&data), 1);
}

#[test]
fn a_clone_has_its_own_value_and_equality_is_that_of_the_values() {
    let cell = OnceLock::from(1);
    let clone = cell.clone();
    assert!(cell == clone && cell != OnceLock::new() && cell != OnceLock::from(2));
    assert!(OnceLock::<u8>::new() == OnceLock::default());
    drop(cell);
    assert_eq!(clone.get(), Some(&1));
    assert_eq!(OnceLock::<u8>::new().clone().get(), None);
}

#[test]
fn the_texts_are_those_of_std() {
    let cell = OnceLock::new();
    assert_eq!(format!("{cell:?}"), "OnceLock(<uninit>)");
    cell.set("a").unwrap();
    assert_eq!(format!("{cell:?}"), "OnceLock(\"a\")");
    assert_eq!(format!("{cell:#?}"), "OnceLock(\n    \"a\",\n)");
}
