//! Lock classes: what makes one, what is reported of them, what is counted of them.
//!
//! As in `verdicts`, no two threads meet, and each test names its locks after itself.

use crate::exits::{Dir, PART, child_test};
use crate::verdicts::{about, mutex, nested, once};
use lockgraph::parking_lot::{Mutex, RwLock};
use lockgraph::{
    Confidence, Filter, Finding, Kind, Named, Rank, door, forget_order, named, nested, ranked, sync,
};
use lockgraph_model::Dump;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

/// Takes the second lock while the first one is held, on a thread of its own.
fn pair(outer: &Mutex<()>, inner: &Mutex<()>) {
    once(|| nested(&[outer, inner]));
}

/// The inversions of exactly these classes, and how sure they are.
fn inversions(names: &[&str]) -> Vec<Confidence> {
    let found = about(Kind::ClassInversion, names);
    let exact = found.iter().filter(|finding| finding.sides.len() == names.len());
    exact.map(|finding| finding.confidence.expect("it has a grade")).collect()
}

#[track_caller]
fn assert_no_locks_closed_it(names: &[&str]) {
    let found = about(Kind::OrderInversion, names);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn two_classes_in_both_orders_are_an_inversion_that_no_locks_closed() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["classes/file", "classes/log"];
    let [a, b] = [0, 1].map(|_| names.map(mutex));
    pair(&a[0], &a[1]);
    assert!(inversions(&names).is_empty());
    pair(&b[1], &b[0]);
    assert_eq!(inversions(&names), [Confidence::Feasible]);
    assert_no_locks_closed_it(&names);
    // Known, and so is what other locks of the classes add.
    let c = names.map(mutex);
    pair(&c[0], &c[1]);
    pair(&b[1], &b[0]);
    assert_eq!(inversions(&names).len(), 1);
}

#[test]
fn one_order_of_classes_is_silent_however_many_locks_take_it() {
    let names = ["one_way/a", "one_way/b", "one_way/c"];
    for _ in 0..10 {
        let locks = names.map(mutex);
        once(|| nested(&[&locks[0], &locks[1], &locks[2]]));
    }
    assert!(about(Kind::ClassInversion, &names[..1]).is_empty());
    assert!(about(Kind::SameClassNesting, &names[..1]).is_empty());
}

#[test]
fn what_locks_closed_themselves_is_not_said_again_of_their_classes() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["closed/a", "closed/b"];
    let locks = names.map(mutex);
    pair(&locks[0], &locks[1]);
    pair(&locks[1], &locks[0]);
    assert_eq!(about(Kind::OrderInversion, &names).len(), 1);
    assert!(inversions(&names).is_empty());
}

#[test]
fn a_gated_inversion_of_locks_does_not_hide_that_of_their_classes() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["hidden/a", "hidden/b"];
    let gate = mutex("hidden/gate");
    let [a, b] = names.map(mutex);
    once(|| nested(&[&gate, &a, &b]));
    once(|| nested(&[&gate, &b, &a]));
    assert!(inversions(&names).is_empty(), "the locks said as much");
    let free = [0, 1].map(|_| names.map(mutex));
    pair(&free[0][0], &free[0][1]);
    pair(&free[1][1], &free[1][0]);
    assert_eq!(inversions(&names), [Confidence::Feasible]);
}

#[test]
fn a_class_inversion_has_the_filters_of_one_of_locks() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["graded/a", "graded/b"];
    let gate = mutex("graded/gate");
    let [a, b] = [0, 1].map(|_| names.map(mutex));
    once(|| nested(&[&gate, &a[0], &a[1]]));
    once(|| nested(&[&gate, &b[1], &b[0]]));
    assert_eq!(inversions(&names), [Confidence::Gated]);
    assert_eq!(about(Kind::ClassInversion, &names)[0].filtered_by, [Filter::Gate]);

    let names = ["graded/c", "graded/d"];
    let [a, b] = [0, 1].map(|_| names.map(mutex));
    once(|| {
        nested(&[&a[0], &a[1]]);
        nested(&[&b[1], &b[0]]);
    });
    assert_eq!(inversions(&names), [Confidence::SameOwner]);

    let names = ["graded/e", "graded/f"];
    let [a, b] = [0, 1].map(|_| names.map(mutex));
    let child = || lockgraph::thread::scope(|s| _ = s.spawn(|| nested(&[&a[0], &a[1]])).join());
    once(|| {
        child();
        nested(&[&b[1], &b[0]]);
    });
    assert_eq!(inversions(&names), [Confidence::Ordered]);

    let read = |outer: &RwLock<()>, inner: &RwLock<()>| {
        once(|| {
            let _outer = outer.read();
            drop(inner.read());
        });
    };
    let names = ["graded/g", "graded/h"];
    let [a, b] = [0, 1].map(|_| names.map(|name| RwLock::new(()).named(name)));
    read(&a[0], &a[1]);
    read(&b[1], &b[0]);
    assert_eq!(inversions(&names), [Confidence::NeedsWriter]);
}

#[test]
fn two_gates_of_one_class_hold_nobody_apart() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["gates/a", "gates/b"];
    let gates = [mutex("gates/gate"), mutex("gates/gate")];
    let [a, b] = [0, 1].map(|_| names.map(mutex));
    once(|| nested(&[&gates[0], &a[0], &a[1]]));
    once(|| nested(&[&gates[1], &b[1], &b[0]]));
    assert_eq!(inversions(&names), [Confidence::Feasible]);
}

#[test]
fn an_order_of_classes_outlives_the_locks() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["outlived/a", "outlived/b"];
    {
        let locks = names.map(mutex);
        pair(&locks[0], &locks[1]);
    }
    {
        let locks = names.map(mutex);
        pair(&locks[1], &locks[0]);
    }
    assert_eq!(inversions(&names), [Confidence::Feasible]);
    let dump = lockgraph::dump();
    let id = |name| {
        let class = dump.classes.iter().find(|class| class.name.as_deref() == Some(name));
        class.expect("the class is in the dump").id
    };
    for (from, to) in [(names[0], names[1]), (names[1], names[0])] {
        let edge = dump.class_edges.iter().find(|edge| (edge.from, edge.to) == (id(from), id(to)));
        let witness = edge.and_then(|edge| edge.witness.as_ref()).expect("with its witness");
        assert!(witness.held.is_empty(), "the locks are gone");
    }
}

#[test]
fn a_class_nested_both_ways_round_is_noted_unless_declared() {
    if !lockgraph::PRESENT {
        return;
    }
    let nest = |name: &str, declare: fn(Mutex<()>) -> Mutex<()>| {
        let locks: Vec<_> = (0..4).map(|_| declare(mutex(name))).collect();
        // Each is used first in the order of its place.
        once(|| locks.iter().for_each(|lock| drop(lock.lock())));
        pair(&locks[0], &locks[1]);
        assert!(about(Kind::SameClassNesting, &[name]).is_empty());
        pair(&locks[3], &locks[2]);
        assert_no_locks_closed_it(&[name]);
        about(Kind::SameClassNesting, &[name])
    };
    let found = nest("both_ways/plain", |lock| lock);
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert!(finding.sides[0].held.unwrap().lock.id < finding.sides[0].wants.unwrap().lock.id);
    assert!(finding.sides[1].held.unwrap().lock.id > finding.sides[1].wants.unwrap().lock.id);
    assert!(nest("both_ways/keyed", Named::keyed).is_empty());
    assert_eq!(nest("both_ways/level", |lock| lock.nested(1)).len(), 1, "all on one level");

    // Readers do not wait for each other, whatever the order.
    let tables: Vec<_> = (0..4)
        .map(|_| lockgraph::parking_lot::RecursiveRwLock::new(()).named("both_ways/read"))
        .collect();
    for (outer, inner) in [(0, 1), (3, 2)] {
        once(|| {
            let _outer = tables[outer].read();
            drop(tables[inner].read());
        });
    }
    assert!(about(Kind::SameClassNesting, &["both_ways/read"]).is_empty());
}

#[test]
fn levels_of_a_name_are_classes_with_an_order_of_their_own() {
    if !lockgraph::PRESENT {
        return;
    }
    let name = "levels/node";
    let node = |level| mutex(name).nested(level);
    for _ in 0..3 {
        pair(&node(0), &node(1));
        pair(&node(1), &node(2));
        pair(&node(0), &node(2));
    }
    assert!(about(Kind::SameClassNesting, &[name]).is_empty());
    assert!(about(Kind::ClassInversion, &[name]).is_empty());
    pair(&node(2), &node(0));
    let found = about(Kind::ClassInversion, &[name]);
    assert!(!found.is_empty(), "against the levels");
    assert!(found[0].report().contains("level 2"));
}

#[test]
fn the_next_lock_of_a_keyed_class_orders_no_classes() {
    if !lockgraph::PRESENT {
        return;
    }
    // A tree of nodes and edges, locked from the root down: node, edge, node.
    for (declared, expected) in [(true, 0), (false, 1)] {
        let names = [format!("tree/node{declared}"), format!("tree/edge{declared}")];
        let node = || if declared { mutex(&names[0]).keyed() } else { mutex(&names[0]) };
        for _ in 0..2 {
            let (root, edge, leaf) = (node(), mutex(&names[1]), node());
            once(|| nested(&[&root, &edge, &leaf]));
        }
        let found = about(Kind::ClassInversion, &[&names[0], &names[1]]);
        let best: Vec<_> =
            found.iter().filter(|f| f.confidence == Some(Confidence::Feasible)).collect();
        assert_eq!(best.len(), expected, "declared: {declared}");
    }
}

#[test]
fn fields_of_a_derived_default_are_no_class() {
    if !lockgraph::PRESENT {
        return;
    }
    #[derive(Default)]
    struct Both {
        a: Mutex<u8>,
        b: Mutex<u8>,
        c: sync::Mutex<u8>,
        d: sync::Mutex<u8>,
    }
    let log = Mutex::new(()).named("derived/log");
    for _ in 0..2 {
        let both = Both::default();
        once(|| {
            let _b = both.b.lock();
            let _d = both.d.lock();
            drop(log.lock());
        });
        once(|| {
            let _log = log.lock();
            drop((both.a.lock(), both.c.lock()));
        });
    }
    assert!(about(Kind::ClassInversion, &["derived/log"]).is_empty());
    let of_default = || Both::default().a;
    let class = |lock: Mutex<u8>| {
        let _log = log.lock();
        drop(lock.lock());
        lock
    };
    let _alive = [class(of_default()), class(of_default())];
    let dump = lockgraph::dump();
    let classes: Vec<_> = dump.classes.iter().filter(|class| class.per_instance).collect();
    assert!(classes.len() >= 2);
    assert!(classes.iter().all(|class| class.per_process[0].max_live == 1));
}

#[test]
fn locks_made_somewhere_in_std_are_no_class() {
    let make = || [0u16].into_iter().map(Mutex::new).next().expect("there is one");
    let log = Mutex::new(()).named("in_std/log");
    let (a, b) = (make(), make());
    once(|| {
        let _a = a.lock();
        drop(log.lock());
    });
    once(|| {
        let _log = log.lock();
        drop(b.lock());
    });
    assert!(about(Kind::ClassInversion, &["in_std/log"]).is_empty());
}

const INNER: Rank = Rank::new("static/inner");
static OUTER: Mutex<u32> = named!("static/outer", Mutex::new(1));
static HIGH: Mutex<u32> = ranked!(INNER, Mutex::new(0));
static LOW: Mutex<u32> = nested!(1, ranked!(INNER, Mutex::new(2)));
static MIDDLE: sync::RwLock<u32> =
    nested!(2, lockgraph::named!("static/std", sync::RwLock::new(3)));
static PLAIN: sync::Mutex<u32> = nested!(3, sync::Mutex::new(4));

#[test]
fn a_static_lock_is_labelled_before_its_first_use() {
    let sum = {
        let _outer = OUTER.lock();
        let low = LOW.lock();
        let middle = MIDDLE.read().expect("nobody panicked");
        let plain = PLAIN.lock().expect("nobody panicked");
        *HIGH.lock() + *low + *middle + *plain
    };
    assert_eq!(sum, 9);
    if !lockgraph::PRESENT {
        return;
    }
    let dump = lockgraph::dump();
    let class = |name: &str| {
        let found = dump.classes.iter().find(|class| class.name.as_deref() == Some(name));
        found.unwrap_or_else(|| panic!("no class {name}"))
    };
    let outer = class("static/outer");
    assert_eq!((outer.kind.as_str(), outer.type_name.as_deref()), ("Mutex", Some("u32")));
    assert_eq!(outer.created_at.as_ref().map(|at| &*at.file), Some("tests/it/classes.rs"));
    assert_eq!(class("static/std").level, 2);
    let ranked = dump.classes.iter().filter(|class| class.name.as_deref() == Some(INNER.name()));
    assert_eq!(ranked.map(|class| class.level).collect::<Vec<_>>(), [1, 0], "in order of use");
    assert!(dump.classes.iter().any(|class| class.name.is_none() && class.level == 3));
    // Elsewhere the same name is the same class.
    let again = mutex("static/outer");
    pair(&again, &mutex("static/other"));
    let dump = lockgraph::dump();
    let named = dump.classes.iter().filter(|class| class.name.as_deref() == Some("static/outer"));
    assert_eq!(named.count(), 1, "a name is one class, whatever its locks protect");
}

#[test]
fn an_order_is_forgotten_and_a_hold_is_not() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["forgotten/a", "forgotten/b"];
    let [a, b] = names.map(mutex);
    pair(&a, &b);
    once(|| {
        let held = a.lock();
        forget_order(&a);
        // Still held, and by this thread: an order, and a hold that ends.
        drop(b.lock());
        drop(held);
        drop(b.lock());
        drop(a.lock());
    });
    pair(&b, &a);
    assert_eq!(about(Kind::OrderInversion, &names).len(), 1, "a, then b, after it was forgotten");
    let [c, d] = ["forgotten/c", "forgotten/d"].map(mutex);
    pair(&c, &d);
    forget_order(&c);
    let found = |kind| about(kind, &["forgotten/c"]);
    once(|| nested(&[&d, &c]));
    assert!(found(Kind::OrderInversion).is_empty());
    let readers = RwLock::new(()).named("forgotten/read");
    let first = readers.read();
    std::thread::scope(|s| {
        s.spawn(|| {
            let second = readers.read();
            forget_order(&readers);
            drop(second);
        });
    });
    drop(first);
    // Neither thread holds it any more: a drop is no misuse, and a write no self-deadlock.
    drop(readers.write());
    drop(readers);
    for kind in [Kind::Misuse, Kind::SelfDeadlock, Kind::OrphanedLock] {
        assert!(about(kind, &["forgotten/read"]).is_empty(), "{kind:?}");
    }
}

fn use_of<'d>(dump: &'d Dump, name: &str) -> &'d lockgraph_model::dump::ClassUse {
    let class = dump.classes.iter().find(|class| class.name.as_deref() == Some(name));
    &class.unwrap_or_else(|| panic!("no class {name}")).per_process[0]
}

#[test]
fn locks_count_whether_or_not_they_were_ever_nested() {
    if !lockgraph::PRESENT {
        return;
    }
    let name = "counted/lock";
    let first = mutex(name);
    drop(first.lock());
    for _ in 0..4 {
        drop(mutex(name).lock());
    }
    let dump = lockgraph::dump();
    let used = use_of(&dump, name);
    assert_eq!((used.made, used.max_live), (5, 2));
    assert!(dump.locks.iter().all(|lock| lock.class != 0));
}

/// (contended waits, the longest in microseconds).
fn waits_of(name: &str) -> (u64, u64) {
    let dump = lockgraph::dump();
    let used = use_of(&dump, name);
    let measured = used.contended_waits.zip(used.longest_wait_us);
    measured.expect("a process measures its waits")
}

/// Somebody asks for the lock while it is held. Returns how long it was held on after that.
fn waited(lock: &Mutex<()>, waiter: &str, ask: impl Fn() + Send) -> Duration {
    std::thread::scope(|s| {
        let held = lock.lock();
        let named = std::thread::Builder::new().name(waiter.into());
        named.spawn_scoped(s, ask).expect("a thread can start");
        while !lockgraph::snapshot().to_string().contains(waiter) {
            std::thread::yield_now();
        }
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(2) {
            std::thread::yield_now();
        }
        let waited = began.elapsed();
        drop(held);
        waited
    })
}

#[test]
fn a_class_counts_who_waited_and_how_long_the_longest_did() {
    if !lockgraph::PRESENT {
        return;
    }
    let (timed, parked) = (mutex("waits/timed"), mutex("waits/parked"));
    let least = waited(&timed, "timed waiter", || {
        drop(timed.try_lock_for(Duration::from_secs(600)).expect("it is free one day"));
    });
    let (waits, longest_us) = waits_of("waits/timed");
    assert_eq!(waits, 1);
    assert!(longest_us >= least.as_micros() as u64, "{longest_us} us, at least {least:?}");

    // Whoever is about to park attempts once more, and may be lucky.
    let rounds = (1..=1_000).find(|_| {
        waited(&parked, "parked waiter", || drop(parked.lock()));
        waits_of("waits/parked").0 > 0
    });
    assert!(rounds.is_some(), "a thousand waits, and none counts");
}

#[test]
fn tries_and_free_locks_count_as_no_waits() {
    if !lockgraph::PRESENT {
        return;
    }
    let lock = mutex("waits/never");
    for _ in 0..100 {
        let _held = lock.lock();
        std::thread::scope(|s| s.spawn(|| assert!(lock.try_lock().is_none())).join())
            .expect("nobody panics");
    }
    assert_eq!(waits_of("waits/never"), (0, 0));
}

#[test]
fn child() {
    let Ok(part) = std::env::var(PART) else { return };
    assert_eq!(part, "counts");
    let bank: Vec<_> = (0..5).map(|_| mutex("killed/bank")).collect();
    bank.iter().for_each(|lock| drop(lock.lock()));
    let mut out = std::io::stdout().lock();
    out.write_all(b"\nready\n").expect("the parent listens");
    out.flush().expect("the parent listens");
    let _ = std::io::stdin().read(&mut [0]);
    unreachable!("the parent was to kill this process");
}

#[test]
fn a_killed_process_has_said_that_more_than_one_lock_lived() {
    if !lockgraph::PRESENT {
        return;
    }
    let dir = Dir::new("killed_counts");
    let mut command = child_test("classes::child", "counts", &dir.0);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().expect("the test binary can be started again");
    let mut seen = Vec::new();
    let out = child.stdout.as_mut().expect("a pipe");
    while !String::from_utf8_lossy(&seen).contains("ready") {
        let mut byte = [0];
        out.read_exact(&mut byte).expect("the child says that it is ready");
        seen.push(byte[0]);
    }
    child.kill().expect("the child runs");
    child.wait().expect("the child was killed");
    let dump = dir.journal("a killed process");
    assert!(!dump.processes[0].complete);
    let used = use_of(&dump, "killed/bank");
    assert_eq!((used.made, used.max_live), (4, 4), "told as their number doubled");
}

#[test]
fn a_finding_names_locks_that_the_dump_describes() {
    if !lockgraph::PRESENT {
        return;
    }
    let name = "described/lock";
    let lock = mutex(name);
    let (header, policy) = lock.tracked().expect("present");
    assert!(door::assert_held(header, policy).is_err());
    let found: Vec<Finding> = about(Kind::Misuse, &[name]);
    assert_eq!(found.len(), 1);
    let dump = lockgraph::dump();
    let id = found[0].locks[0].id.0;
    let of = dump.locks.iter().find(|lock| lock.id == id).expect("it has an entry").class;
    let class = dump.classes.iter().find(|class| class.id == of).expect("its class has one too");
    assert_eq!(class.name.as_deref(), Some(name));
}
