//! A real deadlock of two threads, by the clock: from the call that closes it to its report.

use super::Work;
use lockgraph::parking_lot::Mutex;
use lockgraph::{Kind, Named};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Barrier, Once};
use std::time::{Duration, Instant};

thread_local! {
    static REPORTED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The report, or where it was made before the panic alone, is there.
fn reported() {
    REPORTED.set(REPORTED.get().or_else(|| Some(Instant::now())));
}

fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        lockgraph::Config::new().stderr(false).install();
        lockgraph::on_finding(|finding| {
            if finding.kind == Kind::Deadlock {
                reported();
            }
        });
        std::panic::set_hook(Box::new(|_| reported()));
    });
}

/// Where `fresh`, a deadlock among classes of its own, which no report has named.
pub(super) fn from_closing_to_report(fresh: bool) -> Work {
    listen();
    let mut round = 0_u64;
    Box::new(move |_| {
        round += 1;
        let [a, b] = ["a", "b"].map(|name| {
            let lock = Mutex::new(0_u64);
            if fresh { lock.named(&format!("{name}{round}")) } else { lock }
        });
        let barrier = Barrier::new(2);
        let hang = |first: &Mutex<u64>, second: &Mutex<u64>| -> Option<Duration> {
            let _first = first.lock();
            barrier.wait();
            let start = Instant::now();
            let got = catch_unwind(AssertUnwindSafe(|| *second.lock()));
            got.is_err().then(|| REPORTED.get().expect("who panics was told why") - start)
        };
        let times = std::thread::scope(|scope| {
            let threads = [scope.spawn(|| hang(&a, &b)), scope.spawn(|| hang(&b, &a))];
            threads.map(|thread| thread.join().expect("its panic was caught"))
        });
        let time = times.into_iter().flatten().next().expect("one of the two was broken");
        time.as_nanos() as f64
    })
}
