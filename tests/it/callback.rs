//! The program's own sink.

use lockgraph::parking_lot::Mutex;
use lockgraph::{Finding, Kind, Named};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

/// Takes two locks in this order on a thread of its own.
fn nest(outer: &Mutex<u32>, inner: &Mutex<u32>) {
    let body = || {
        let _outer = outer.lock();
        drop(inner.lock());
    };
    thread::scope(|s| s.spawn(body).join().expect("no report stops a thread"));
}

#[test]
fn a_callback_hears_each_finding_once_and_may_lock_and_panic() {
    if !lockgraph::PRESENT {
        return;
    }
    static CALLS: AtomicU32 = AtomicU32::new(0);
    static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mine = |finding: &Finding| {
        finding.locks.iter().any(|lock| lock.class.name.is_some_and(|n| n.starts_with("callback/")))
    };
    lockgraph::on_finding(move |finding| {
        if mine(finding) {
            CALLS.fetch_add(1, Ordering::Relaxed);
            SEEN.lock().push(finding.message());
            panic!("as the test wants it");
        }
    });
    let [a, b] = ["callback/a", "callback/b"].map(|name| Mutex::new(0).named(name));
    nest(&a, &b);
    assert_eq!(CALLS.load(Ordering::Relaxed), 0, "one order is no finding");
    nest(&b, &a);
    nest(&b, &a);
    assert_eq!(CALLS.load(Ordering::Relaxed), 1);
    assert!(SEEN.lock()[0].contains("callback/a"));
    let found = lockgraph::findings().into_iter().filter(mine).collect::<Vec<_>>();
    assert_eq!(found.len(), 1, "the panic of the callback takes nothing back");
    assert_eq!(found[0].kind, Kind::OrderInversion);
}
