//! Resources: what the program's own primitives let threads wait for takes part in deadlocks and
//! orders, and counts as running where nobody can know.

use crate::deadlocks::{about, lock, part, told, victims};
use lockgraph::resource::{Held, Resource};
use lockgraph::sync::{Condvar, Mutex};
use lockgraph::{Finding, Kind, Named, Rank, named, ranked};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Barrier, mpsc};
use std::time::Duration;

/// A pool over a semaphore of tracked locks, which are not what its users wait for.
struct Pool {
    free: Mutex<u32>,
    freed: Condvar,
    slots: Resource,
}

struct Slot<'a>(&'a Pool);

impl Pool {
    fn new(name: &str, slots: u32) -> Pool {
        let slots_told = Resource::pool(slots).named(name);
        assert_eq!(slots_told.capacity(), slots);
        Pool { free: Mutex::new(slots), freed: Condvar::new(), slots: slots_told }
    }

    #[track_caller]
    fn get(&self) -> Held<'_, Slot<'_>> {
        self.slots.acquire(|| {
            let free = self.free.lock().expect("nobody panics with it");
            let mut free =
                self.freed.wait_while(free, |free| *free == 0).expect("nobody panics with it");
            *free -= 1;
            Slot(self)
        })
    }

    #[track_caller]
    fn get_for(&self, time: Duration) -> Option<Held<'_, Slot<'_>>> {
        let free = self.slots.wait_timed(|| {
            let free = self.free.lock().expect("nobody panics with it");
            let wait = self.freed.wait_timeout_while(free, time, |free| *free == 0);
            let (mut free, timeout) = wait.expect("nobody panics with it");
            let got = !timeout.timed_out();
            *free -= u32::from(got);
            got
        });
        free.then(|| self.slots.held(Slot(self)))
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().expect("nobody panics with it") += 1;
        self.0.freed.notify_one();
    }
}

fn found(kind: Kind, name: &str) -> Vec<Finding> {
    let named = |finding: &Finding| {
        finding.kind == kind && finding.locks.iter().any(|lock| lock.class.name == Some(name))
    };
    lockgraph::findings().into_iter().filter(named).collect()
}

/// So many threads take a slot each, and then each wants another one.
fn two_each(pool: &Pool, threads: usize) -> usize {
    let met = Barrier::new(threads);
    let two = || {
        let _one = pool.get();
        met.wait();
        let _two = pool.get();
    };
    victims((0..threads).map(|_| part(two)).collect())
}

#[test]
fn threads_with_every_slot_that_each_want_another_are_a_deadlock() {
    if !lockgraph::PRESENT {
        return;
    }
    for slots in [2, 4] {
        let name = format!("two_each/{slots}");
        assert_eq!(two_each(&Pool::new(&name, slots), slots as usize), 1);
        let finding = told(&name, slots as usize);
        let report = finding.report();
        for word in ["waits for", "a permit of `two_each/", "Pool", "take `two_e", "for "] {
            assert!(report.contains(word), "{word}:\n{report}");
        }
        assert_eq!(finding.waits.len(), slots as usize, "{report}");
    }
}

#[test]
fn one_slot_more_than_that_is_none() {
    for slots in [2, 4] {
        let name = format!("one_more/{slots}");
        assert_eq!(two_each(&Pool::new(&name, slots + 1), slots as usize), 0);
        assert!(about(&name).is_empty());
    }
}

#[test]
fn one_thread_that_wants_more_than_there_is_waits_for_itself() {
    if !lockgraph::PRESENT {
        return;
    }
    let pool = Pool::new("alone/pool", 2);
    let three = || {
        let _slots = [pool.get(), pool.get(), pool.get()];
    };
    assert_eq!(victims(vec![part(three)]), 1);
    told("alone/", 1);
    drop([pool.get(), pool.get()]);
}

#[test]
fn a_pool_and_a_lock_make_a_circle_when_every_holder_wants_the_lock() {
    if !lockgraph::PRESENT {
        return;
    }
    let (pool, log, met) = (Pool::new("mixed/pool", 2), lock("mixed/log"), Barrier::new(3));
    let writer = || {
        let _log = log.lock();
        met.wait();
        let _slot = pool.get();
    };
    let user = || {
        let _slot = pool.get();
        met.wait();
        *log.lock() += 1;
    };
    assert_eq!(victims(vec![part(writer), part(user), part(user)]), 1);
    assert_eq!(about("mixed/").len(), 1);
}

#[test]
fn a_holder_that_runs_is_enough_for_a_pool() {
    let (pool, log) = (Pool::new("runs/pool", 2), lock("runs/log"));
    let (met, done) = (Barrier::new(3), Barrier::new(2));
    let writer = || {
        let _log = log.lock();
        met.wait();
        done.wait();
        let _slot = pool.get();
    };
    let user = || {
        let _slot = pool.get();
        met.wait();
        *log.lock() += 1;
    };
    let other = || {
        let slot = pool.get();
        met.wait();
        done.wait();
        drop(slot);
    };
    assert_eq!(victims(vec![part(writer), part(user), part(other)]), 0);
    assert!(about("runs/").is_empty());
}

#[test]
fn a_wait_that_ends_by_itself_is_none() {
    let (pool, met) = (Pool::new("timed/pool", 2), Barrier::new(2));
    let two = || {
        let _one = pool.get();
        met.wait();
        assert!(pool.get_for(Duration::from_millis(20)).is_none());
        met.wait();
    };
    assert_eq!(victims(vec![part(two), part(two)]), 0);
    assert!(about("timed/").is_empty());
}

/// A resource of capacity 1 over a flag.
struct Transaction {
    open: Mutex<bool>,
    closed: Condvar,
    owner: Resource,
}

struct Open<'a>(&'a Transaction);

impl Transaction {
    fn new(name: &str) -> Transaction {
        let owner = Resource::new().named(name);
        Transaction { open: Mutex::new(false), closed: Condvar::new(), owner }
    }

    #[track_caller]
    fn begin(&self) -> Held<'_, Open<'_>> {
        self.owner.acquire(|| {
            let open = self.open.lock().expect("nobody panics with it");
            *self.closed.wait_while(open, |open| *open).expect("nobody panics with it") = true;
            Open(self)
        })
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        *self.0.open.lock().expect("nobody panics with it") = false;
        self.0.closed.notify_one();
    }
}

#[test]
fn a_transaction_and_a_lock_hang_by_name() {
    if !lockgraph::PRESENT {
        return;
    }
    let (transaction, log) = (Transaction::new("hang/transaction"), lock("hang/log"));
    let met = Barrier::new(2);
    let refused = victims(vec![
        part(|| {
            let _open = transaction.begin();
            met.wait();
            *log.lock() += 1;
        }),
        part(|| {
            let _log = log.lock();
            met.wait();
            drop(transaction.begin());
        }),
    ]);
    assert_eq!(refused, 1);
    let report = told("hang/", 2).report();
    assert!(report.contains("take `hang/log` before") || report.contains("before `hang/log`"));
}

#[test]
fn orders_through_a_resource_of_one_are_inversions_and_through_a_pool_are_none() {
    let log = lock("orders/log");
    let transaction = Transaction::new("orders/transaction");
    let pool = Pool::new("orders/pool", 2);
    let run = |f: &(dyn Fn() + Sync)| std::thread::scope(|s| drop(s.spawn(f).join()));
    run(&|| {
        let _log = log.lock();
        let _slot = pool.get();
        let _open = transaction.begin();
    });
    assert!(found(Kind::OrderInversion, "orders/log").is_empty());
    run(&|| {
        let _slot = pool.get();
        *log.lock() += 1;
    });
    assert!(found(Kind::OrderInversion, "orders/log").is_empty());
    run(&|| {
        let _open = transaction.begin();
        *log.lock() += 1;
    });
    let told = found(Kind::OrderInversion, "orders/log");
    assert_eq!(told.len(), usize::from(lockgraph::PRESENT));
    for inversion in told {
        let report = inversion.report();
        assert!(report.contains("`orders/transaction`") && report.contains("Resource"), "{report}");
    }
}

#[test]
fn what_was_sent_counts_as_running_until_it_is_kept() {
    if !lockgraph::PRESENT {
        return;
    }
    let (transaction, log) = (Transaction::new("sent/transaction"), lock("sent/log"));
    let (met, (send, receive)) = (Barrier::new(2), mpsc::channel());
    let receive = std::sync::Mutex::new(receive);
    let is_waiting = |lock: &str| {
        let waits = |side: &lockgraph_core::finding::Side| {
            side.wants.is_some_and(|wants| wants.lock.class.name == Some(lock))
        };
        lockgraph::snapshot().sides.iter().any(waits)
    };
    let refused = victims(vec![
        part(|| {
            let open = transaction.begin().send();
            send.send(open).expect("somebody listens");
            met.wait();
            *log.lock() += 1;
        }),
        part(|| {
            let _log = log.lock();
            met.wait();
            drop(transaction.begin());
        }),
        part(|| {
            let receive = receive.lock().expect("nobody else listens");
            let open = receive.recv().expect("somebody sends");
            while !(is_waiting("sent/log") && is_waiting("sent/transaction")) {
                std::thread::yield_now();
            }
            // Kept here, it is held here.
            let open = open.keep();
            assert!(lockgraph::snapshot().to_string().contains("sent/transaction"));
            drop(open);
        }),
    ]);
    assert_eq!(refused, 0);
    assert!(about("sent/").is_empty());
}

#[test]
fn a_second_request_by_the_holder_is_refused_before_it_waits() {
    if !lockgraph::PRESENT {
        return;
    }
    let resource = Resource::new().named("again/resource");
    let _held = resource.acquire(|| ());
    let again = catch_unwind(AssertUnwindSafe(|| {
        let _again = resource.acquire(|| unreachable!("it is refused before"));
    }));
    assert!(again.is_err());
    assert_eq!(found(Kind::SelfDeadlock, "again/resource").len(), 1);
}

#[test]
fn a_reentrant_one_may_be_acquired_again() {
    static GIL: Resource = named!("reentrant/gil", Resource::new().reentrant());
    let outer = GIL.acquire(|| 1);
    let inner = GIL.acquire(|| *outer + 1);
    assert_eq!(*inner, 2);
    drop(outer);
    drop(inner);
    assert!(found(Kind::SelfDeadlock, "reentrant/gil").is_empty());
    assert!(about("reentrant/").is_empty());
}

#[test]
fn what_is_left_is_held_until_it_is_released() {
    const FILE: Rank = Rank::new("left/file");
    static LOCK: Resource = ranked!(FILE, Resource::new());
    let shows = || lockgraph::snapshot().to_string().contains("left/file");
    assert_eq!(LOCK.acquire(|| 7).leave(), 7);
    assert_eq!(shows(), lockgraph::PRESENT);
    assert!(LOCK.release());
    assert!(!shows());
    assert_eq!(LOCK.try_acquire(|| None::<u32>).is_some(), shows());
    let mut held = LOCK.try_acquire(|| Some(8)).expect("it was given");
    *held += 1;
    assert_eq!((*held, shows()), (9, lockgraph::PRESENT));
    drop(held);
    assert!(found(Kind::Misuse, "left/file").is_empty());
    assert_eq!(LOCK.release(), !lockgraph::PRESENT, "nobody holds it");
    assert_eq!(found(Kind::Misuse, "left/file").len(), usize::from(lockgraph::PRESENT));
}
