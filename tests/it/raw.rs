//! Tracking of a foreign raw lock: which of its functions are called, with which state, and what
//! holds when they unwind.

use lock_api::{
    RawCondvar, RawMutex, RawMutexFair, RawRwLock, RawRwLockDowngrade, RawRwLockUpgrade,
    RawRwLockUpgradeDowngrade,
};
use lockgraph::raw;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static CALLS: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
    static NEXT: Cell<u32> = const { Cell::new(0) };
    static PANIC_IN: Cell<&'static str> = const { Cell::new("") };
}

/// The calls since the last look.
fn calls() -> Vec<&'static str> {
    CALLS.take()
}

/// Notes a call, and panics if that was asked for.
fn call(name: &'static str) {
    CALLS.with_borrow_mut(|calls| calls.push(name));
    if PANIC_IN.get() == name {
        PANIC_IN.set("");
        panic!("{name}");
    }
}

/// Runs `f`, in which the raw function `name` panics.
fn unwinds_in<T>(name: &'static str, f: impl FnOnce() -> T) {
    PANIC_IN.set(name);
    assert!(catch_unwind(AssertUnwindSafe(f)).is_err(), "{name} was not called");
}

/// The state of one acquisition, checked when it is given back.
#[derive(PartialEq, Debug)]
struct State(u32, char);

/// A lock for one thread that knows its holders by their states.
struct Numbered(RefCell<Vec<State>>);

// SAFETY: never shared; the tests make each on the stack of one thread.
unsafe impl Sync for Numbered {}

impl Numbered {
    fn take(&self, mode: char) -> Option<State> {
        let mut held = self.0.borrow_mut();
        let free = held.iter().all(|h| mode == 's' || (mode == 'u' && h.1 == 's'));
        let free = free && held.iter().all(|h| h.1 != 'x');
        free.then(|| {
            let number = NEXT.replace(NEXT.get() + 1);
            held.push(State(number, mode));
            State(number, mode)
        })
    }

    fn give(&self, state: &State) {
        let mut held = self.0.borrow_mut();
        let at = held.iter().position(|h| h == state).expect("the state of an acquisition");
        held.remove(at);
    }

    fn turn(&self, state: State, mode: char) -> State {
        self.give(&state);
        self.take(mode).expect("it was ours")
    }
}

// SAFETY: for one thread only.
unsafe impl RawMutex for Numbered {
    const INIT: Self = Numbered(RefCell::new(Vec::new()));
    type Guard = State;
    fn lock(&self) -> State {
        call("lock");
        self.take('x').unwrap()
    }
    fn try_lock(&self) -> Option<State> {
        call("try_lock");
        if PANIC_IN.get() == "lock" { None } else { self.take('x') }
    }
    unsafe fn unlock(&self, state: State) {
        self.give(&state);
        call("unlock");
    }
    fn is_locked(&self) -> bool {
        !self.0.borrow().is_empty()
    }
}

// SAFETY: for one thread only.
unsafe impl RawMutexFair for Numbered {
    unsafe fn unlock_fair(&self, state: State) {
        self.give(&state);
        call("unlock_fair");
    }
    unsafe fn bump(&self, state: &mut State) {
        self.give(state);
        *state = self.take('x').unwrap();
        call("bump");
    }
}

struct Wakes;

// SAFETY: for one thread only: it wakes at once.
unsafe impl RawCondvar for Wakes {
    const INIT: Self = Wakes;
    type RawMutex = Numbered;
    unsafe fn wait(&self, mutex: &Numbered, state: &mut State) {
        mutex.give(state);
        *state = mutex.take('x').unwrap();
        call("wait");
    }
    fn notify_one(&self) -> bool {
        false
    }
    fn notify_all(&self) -> usize {
        0
    }
}

// SAFETY: for one thread only.
unsafe impl RawRwLock for Numbered {
    const INIT: Self = Numbered(RefCell::new(Vec::new()));
    type SharedGuard = State;
    type ExclusiveGuard = State;
    fn lock_shared(&self) -> State {
        call("lock_shared");
        self.take('s').unwrap()
    }
    fn try_lock_shared(&self) -> Option<State> {
        call("try_lock_shared");
        self.take('s')
    }
    unsafe fn unlock_shared(&self, state: State) {
        self.give(&state);
        call("unlock_shared");
    }
    fn lock_exclusive(&self) -> State {
        call("lock_exclusive");
        self.take('x').unwrap()
    }
    fn try_lock_exclusive(&self) -> Option<State> {
        call("try_lock_exclusive");
        self.take('x')
    }
    unsafe fn unlock_exclusive(&self, state: State) {
        self.give(&state);
        call("unlock_exclusive");
    }
    fn is_locked(&self) -> bool {
        !self.0.borrow().is_empty()
    }
    fn is_locked_exclusive(&self) -> bool {
        self.0.borrow().iter().any(|h| h.1 == 'x')
    }
}

// SAFETY: for one thread only.
unsafe impl RawRwLockDowngrade for Numbered {
    unsafe fn downgrade(&self, state: State) -> State {
        let state = self.turn(state, 's');
        if PANIC_IN.get() == "downgrade" {
            self.give(&state);
        }
        call("downgrade");
        state
    }
}

// SAFETY: for one thread only.
unsafe impl RawRwLockUpgrade for Numbered {
    type UpgradableGuard = State;
    fn lock_upgradable(&self) -> State {
        call("lock_upgradable");
        self.take('u').unwrap()
    }
    fn try_lock_upgradable(&self) -> Option<State> {
        call("try_lock_upgradable");
        self.take('u')
    }
    unsafe fn unlock_upgradable(&self, state: State) {
        self.give(&state);
        call("unlock_upgradable");
    }
    unsafe fn upgrade(&self, state: State) -> State {
        if PANIC_IN.get() == "upgrade" {
            self.give(&state);
        }
        call("upgrade");
        self.turn(state, 'x')
    }
    unsafe fn try_upgrade(&self, state: State) -> Result<State, State> {
        call("try_upgrade");
        let alone = self.0.borrow().len() == 1 && PANIC_IN.get() != "upgrade";
        if alone { Ok(self.turn(state, 'x')) } else { Err(state) }
    }
}

// SAFETY: for one thread only.
unsafe impl RawRwLockUpgradeDowngrade for Numbered {
    unsafe fn downgrade_upgradable(&self, state: State) -> State {
        call("downgrade_upgradable");
        self.turn(state, 's')
    }
    unsafe fn downgrade_to_upgradable(&self, state: State) -> State {
        call("downgrade_to_upgradable");
        self.turn(state, 'u')
    }
}

type Mutex<T> = raw::Mutex<Numbered, raw::Exclusive, T>;
type MutexGuard<'a, T> = raw::MutexGuard<'a, Numbered, raw::Exclusive, T>;
type RwLock<T> = raw::RwLock<Numbered, raw::ReadWrite, T>;
type WriteGuard<'a, T> = raw::RwLockWriteGuard<'a, Numbered, raw::ReadWrite, T>;
type Upgradable<'a, T> = raw::RwLockUpgradableReadGuard<'a, Numbered, raw::ReadWrite, T>;
type Condvar = raw::Condvar<Wakes, raw::Exclusive>;

#[test]
fn the_fast_way_comes_first() {
    if !lockgraph::PRESENT {
        return;
    }
    let lock = Mutex::new(());
    drop(lock.lock());
    assert_eq!(calls(), ["try_lock", "unlock"]);
    let lock = RwLock::new(());
    let read = lock.read();
    drop(Upgradable::downgrade(lock.upgradable_read()));
    let upgradable = Upgradable::try_upgrade(lock.upgradable_read()).unwrap_err();
    drop(read);
    drop(Upgradable::upgrade(upgradable));
    drop(lock.write());
    drop(lock.write());
    assert_eq!(
        calls(),
        [
            "try_lock_shared",
            // Under a read there is something to say of it: not while it is held.
            "try_lock_upgradable",
            "unlock_upgradable",
            "try_lock_upgradable",
            "downgrade_upgradable",
            "unlock_shared",
            "try_lock_upgradable",
            "unlock_upgradable",
            "try_lock_upgradable",
            "try_upgrade",
            "unlock_shared",
            "try_upgrade",
            "unlock_exclusive",
            // So is there of a first writer, and not of the second.
            "try_lock_exclusive",
            "unlock_exclusive",
            "try_lock_exclusive",
            "unlock_exclusive",
            "try_lock_exclusive",
            "unlock_exclusive",
        ]
    );
}

#[test]
fn a_lock_that_unwinds_holds_nothing() {
    let lock = Mutex::new(());
    unwinds_in("lock", || drop(lock.lock()));
    assert!(!lock.is_locked());
    drop(lock.lock());
}

#[test]
fn an_unlock_that_unwinds_has_unlocked() {
    let lock = Mutex::new(());
    unwinds_in("unlock", || drop(lock.lock()));
    unwinds_in("unlock_fair", || MutexGuard::unlock_fair(lock.lock()));
    assert!(!lock.is_locked());
    drop(lock.lock());
}

#[test]
fn a_bump_or_wait_that_unwinds_leaves_a_valid_guard() {
    let lock = Mutex::new(());
    let condvar = Condvar::new();
    let mut guard = lock.lock();
    MutexGuard::bump(&mut guard);
    unwinds_in("bump", || MutexGuard::bump(&mut guard));
    condvar.wait(&mut guard);
    unwinds_in("wait", || condvar.wait(&mut guard));
    assert!(lock.is_locked());
    drop(guard);
    assert!(!lock.is_locked());
}

#[test]
fn an_upgrade_or_downgrade_that_unwinds_has_unlocked() {
    let lock = RwLock::new(());
    unwinds_in("upgrade", || drop(Upgradable::upgrade(lock.upgradable_read())));
    unwinds_in("downgrade", || drop(WriteGuard::downgrade(lock.write())));
    assert!(!lock.is_locked());
    drop(lock.write());
}

#[test]
fn each_state_goes_back_to_where_it_came_from() {
    let lock = RwLock::new(1);
    let reads = [lock.read(), lock.read(), lock.read()];
    let mut upgradable = lock.upgradable_read();
    assert_eq!(upgradable.try_with_upgraded(|n| *n), None);
    drop(reads);
    upgradable.with_upgraded(|n| *n += 1);
    let write = Upgradable::try_upgrade(upgradable).unwrap();
    let upgradable = WriteGuard::downgrade_to_upgradable(write);
    assert_eq!(*Upgradable::downgrade(upgradable), 2);
    assert!(!lock.is_locked());
}
