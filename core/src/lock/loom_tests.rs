//! Every interleaving of the threads that meet at one lock header.

use super::*;
use crate::mem::leak;
use loom::sync::Arc;
use loom::thread;

static POLICY: Policy = Policy {
    kind: "Mutex",
    read_blocks_behind_writer: false,
    guard_send: false,
    reentrant: false,
    shared: false,
    upgrade: false,
};

/// Two classes, apart from each other.
fn classes() -> [&'static Class; 2] {
    [1, 2].map(|id| leak(Class::plain(id, &POLICY)))
}

/// The number of the class, 0 where there is none yet.
fn class_id(lock: &LockHeader) -> u32 {
    match lock.origin() {
        Origin::Class(class) => class.id,
        _ => 0,
    }
}

#[test]
fn two_births_at_once_agree_on_one_class_and_one_id() {
    let classes = classes();
    loom::model(move || {
        let lock = Arc::new(LockHeader::new(None));
        let birth = move |lock: &LockHeader, who: usize| {
            let class = lock.settle(|_| classes[who]);
            (class.id, lock.bear(10 + who as u64))
        };
        let there = thread::spawn({
            let lock = Arc::clone(&lock);
            move || birth(&lock, 1)
        });
        let here = birth(&lock, 0);
        assert_eq!(here, there.join().unwrap());
        assert_eq!(here, (class_id(&lock), lock.id().0));
    });
}

/// Also where the id comes from a store of the owner word, by a thread that was not the one that
/// settled the class.
#[test]
fn who_sees_that_a_lock_is_born_sees_its_class() {
    let classes = classes();
    loom::model(move || {
        let lock = Arc::new(LockHeader::new(None));
        let spawn = |f: fn(&LockHeader, &'static Class)| {
            let lock = Arc::clone(&lock);
            thread::spawn(move || f(&lock, classes[0]))
        };
        let first = spawn(|lock, class| {
            lock.settle(|_| class);
            lock.bear(10);
        });
        let holder = spawn(|lock, _| {
            if !lock.is_unborn() {
                lock.set_owner(10, 3);
                lock.set_owner(10, 0);
            }
        });
        if !lock.is_unborn() {
            assert_eq!(lock.id(), LockId(10));
            assert_ne!(class_id(&lock), 0, "a born lock has a class");
        }
        first.join().unwrap();
        holder.join().unwrap();
    });
}

#[test]
fn a_name_given_while_others_look_is_seen_whole_and_stays() {
    let classes = classes();
    loom::model(move || {
        let lock = Arc::new(LockHeader::new(None));
        let names = thread::spawn({
            let lock = Arc::clone(&lock);
            move || lock.rename(leak(Class { name: Some("named"), ..Class::plain(3, &POLICY) }))
        });
        let settles = thread::spawn({
            let lock = Arc::clone(&lock);
            move || lock.settle(|_| classes[0]).id
        });
        let seen = [class_id(&lock), class_id(&lock)];
        assert!(matches!(seen, [0, 0 | 1 | 3] | [1, 1 | 3] | [3, 3]), "{seen:?}");
        names.join().unwrap();
        assert!(matches!(settles.join().unwrap(), 1 | 3));
        assert_eq!(class_id(&lock), 3, "the name is the class, whoever was first");
    });
}
