//! `LazyLock`.

use super::super::panic_text;
use super::sync::{Arc, Barrier, LazyLock, Mutex};
use super::thread;

const POISONED: &str = "LazyLock instance has previously been poisoned";

#[test]
fn the_value_is_made_at_the_first_use_and_not_again() {
    let runs = Mutex::new(0);
    let lazy = LazyLock::new(|| {
        *runs.lock().unwrap() += 1;
        7
    });
    assert_eq!(*runs.lock().unwrap(), 0);
    assert_eq!((*lazy, *LazyLock::force(&lazy), *lazy), (7, 7, 7));
    assert_eq!(*runs.lock().unwrap(), 1);
}

#[test]
fn one_of_many_threads_makes_it() {
    let (runs, barrier) = (Mutex::new(0), Barrier::new(4));
    let lazy = LazyLock::new(|| {
        *runs.lock().unwrap() += 1;
        String::from("made")
    });
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                barrier.wait();
                assert_eq!(*lazy, "made");
            });
        }
    });
    assert_eq!(*runs.lock().unwrap(), 1);
}

#[test]
fn a_panic_poisons_for_ever() {
    let lazy = LazyLock::<u8>::new(|| panic!("initialiser"));
    assert_eq!(panic_text(|| *lazy), "initialiser");
    assert_eq!(panic_text(|| *lazy), POISONED);
    assert_eq!(panic_text(|| *LazyLock::force(&lazy)), POISONED);
    assert_eq!(format!("{lazy:?}"), "LazyLock(<uninit>)");
}

#[test]
fn the_owner_may_change_it_and_makes_it_by_that() {
    let mut lazy = LazyLock::new(|| 1);
    *lazy += 1;
    assert_eq!(*lazy, 2);
    *LazyLock::force_mut(&mut lazy) += 1;
    assert_eq!(*lazy, 3);
    let mut fresh = LazyLock::new(|| vec![1]);
    LazyLock::force_mut(&mut fresh).push(2);
    assert_eq!(*fresh, [1, 2]);
}

#[test]
fn get_and_get_mut_make_nothing() {
    let mut lazy = LazyLock::new(|| 1);
    assert_eq!(LazyLock::get(&lazy), None);
    assert_eq!(LazyLock::get_mut(&mut lazy), None);
    LazyLock::force(&lazy);
    assert_eq!(LazyLock::get(&lazy), Some(&1));
    *LazyLock::get_mut(&mut lazy).unwrap() = 2;
    assert_eq!(*lazy, 2);
}

#[test]
fn a_panic_by_the_owner_poisons_as_well() {
    let mut lazy = LazyLock::<u8>::new(|| panic!("initialiser"));
    assert_eq!(panic_text(|| *LazyLock::force_mut(&mut lazy)), "initialiser");
    assert_eq!(panic_text(|| *LazyLock::force_mut(&mut lazy)), POISONED);
    assert_eq!(panic_text(|| *lazy), POISONED);
    assert_eq!(LazyLock::get_mut(&mut lazy), None);
}

#[test]
fn value_and_initialiser_are_dropped_once() {
    let data = Arc::new(());
    let made = LazyLock::new({
        let data = Arc::clone(&data);
        move || data
    });
    LazyLock::force(&made);
    assert_eq!(Arc::strong_count(&data), 2);
    drop(made);
    assert_eq!(Arc::strong_count(&data), 1);
    let never = LazyLock::new({
        let data = Arc::clone(&data);
        move || data
    });
    assert_eq!(Arc::strong_count(&data), 2);
    drop(never);
    assert_eq!(Arc::strong_count(&data), 1);
}

#[test]
fn it_is_made_by_default_and_the_texts_are_those_of_std() {
    let lazy = LazyLock::<Vec<u8>>::default();
    assert_eq!(format!("{lazy:?}"), "LazyLock(<uninit>)");
    assert!(lazy.is_empty());
    assert_eq!(format!("{lazy:?}"), "LazyLock([])");
}

#[test]
fn one_may_use_another() {
    static INNER: LazyLock<u8> = LazyLock::new(|| 20);
    static OUTER: LazyLock<u8> = LazyLock::new(|| *INNER + 1);
    assert_eq!(*OUTER, 21);
}
