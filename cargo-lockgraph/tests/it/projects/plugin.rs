//! A library that a program loads, and which asks what was found.

mod marked;

use lockgraph::door;
use lockgraph::parking_lot::Mutex;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

static ACCOUNTS: Mutex<u64> = Mutex::new(1);
static AUDIT: Mutex<u64> = Mutex::new(2);
static HEARD: AtomicUsize = AtomicUsize::new(0);

/// Copies of findings that are kept end as this library's do.
#[unsafe(no_mangle)]
pub extern "C" fn listen() {
    lockgraph::on_finding(|finding| {
        let copy = finding.clone();
        HEARD.fetch_add(1, SeqCst);
        drop(copy);
        panic!("a listener that fails");
    });
}

#[unsafe(no_mangle)]
pub extern "C" fn around(call: extern "C" fn()) {
    let _accounts = ACCOUNTS.lock();
    call();
}

/// What is known here of the whole process: by asking, by having listened.
#[unsafe(no_mangle)]
pub extern "C" fn found() -> usize {
    let findings = lockgraph::findings();
    assert_eq!(findings.len(), HEARD.load(SeqCst));
    let named = |name: &str| {
        findings.iter().flat_map(|f| &f.sides).any(|side| side.owner.name.as_deref() == Some(name))
    };
    assert!(named("of the program") && named("of the library"));
    findings.len()
}

/// Runs `call` on a thread of this library's.
#[unsafe(no_mangle)]
pub extern "C" fn elsewhere(call: extern "C" fn()) {
    let worker = lockgraph::thread::Builder::new().name("of the library".to_owned());
    lockgraph::thread::JoinHandle::join(worker.spawn(move || call()).unwrap()).unwrap();
}

#[unsafe(no_mangle)]
pub extern "C" fn claims_hold() -> bool {
    let accounts = ACCOUNTS.lock();
    lockgraph::assert_held!(ACCOUNTS);
    lockgraph::assert_not_held!(AUDIT);
    assert!(!lockgraph::snapshot().sides.is_empty());
    drop(accounts);
    let failed = catch_unwind(|| lockgraph::assert_held!(ACCOUNTS));
    let message = failed.expect_err("it is not held").downcast::<String>().unwrap();
    message.contains("src/lib.rs:")
}

/// An observation, with what one side alone had seen before.
#[unsafe(no_mangle)]
pub extern "C" fn observed() -> usize {
    let nest = |first: &'static Mutex<u64>, second: &'static Mutex<u64>| {
        let _first = first.lock();
        let _second = second.lock();
    };
    let all = door::scope_opened();
    std::thread::scope(|scope| {
        for [first, second] in [[&ACCOUNTS, &AUDIT], [&AUDIT, &ACCOUNTS]] {
            let side = scope.spawn(move || {
                let before = door::scope_entered(all);
                nest(first, second);
                door::scope_entered(before);
            });
            // One after the other, or they may hang.
            side.join().unwrap();
        }
    });
    let seen = door::scope_closed(all);
    assert!(seen.journal.contains("\"witness\""));
    seen.findings.len()
}
