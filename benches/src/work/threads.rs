//! Two threads that share no lock. Whether they share a cache line that one of them writes shows in
//! how much longer each takes than alone.

use super::{Work, mutexes, pair};
use crate::clock::nanoseconds;
use crate::contestant::Contestant;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, mpsc};

/// A thread that runs known pairs of its own locks when told to.
struct Runner {
    tell: mpsc::Sender<u64>,
    hear: mpsc::Receiver<f64>,
}

impl Runner {
    fn new<C: Contestant>(start: Arc<Barrier>) -> Runner {
        let (tell, told) = mpsc::channel();
        let (said, hear) = mpsc::channel();
        std::thread::spawn(move || {
            let [a, b] = mutexes::<C, 2>();
            pair::<C>(&a, &b);
            while let Ok(count) = told.recv() {
                start.wait();
                let time = nanoseconds(|| (0..count).for_each(|_| pair::<C>(&a, &b)));
                if said.send(time / count as f64).is_err() {
                    return;
                }
            }
        });
        Runner { tell, hear }
    }

    fn start(&self, count: u64) {
        self.tell.send(count).expect("the thread runs");
    }

    fn result(&self) -> f64 {
        self.hear.recv().expect("the thread runs")
    }
}

/// What a pair takes while another thread does the same, by what it takes alone.
pub(super) fn two_by_one<C: Contestant>() -> Work {
    let (one, two) = (Arc::new(Barrier::new(1)), Arc::new(Barrier::new(2)));
    let alone = Runner::new::<C>(one);
    let both = [two.clone(), two].map(Runner::new::<C>);
    Box::new(move |count| {
        alone.start(count);
        let alone = alone.result();
        both.iter().for_each(|runner| runner.start(count));
        let both: f64 = both.iter().map(Runner::result).sum();
        both / 2.0 / alone
    })
}

/// What a pair takes while another thread makes new orders, by what it takes alone.
pub(super) fn beside_new_orders<C: Contestant>() -> Work {
    let one = Arc::new(Barrier::new(1));
    let runner = Runner::new::<C>(one);
    Box::new(move |count| {
        runner.start(count);
        let alone = runner.result();
        let stop = AtomicBool::new(false);
        let beside = std::thread::scope(|scope| {
            let (ready, is_ready) = mpsc::channel::<()>();
            let stop = &stop;
            scope.spawn(move || {
                let mut ready = Some(ready);
                while !stop.load(Ordering::Relaxed) {
                    let locks: Vec<_> = (0..60).map(C::mutex).collect();
                    for (b, inner) in locks.iter().enumerate() {
                        locks[..b].iter().for_each(|outer| pair::<C>(outer, inner));
                    }
                    // It runs, and will until it is told.
                    drop(ready.take());
                }
            });
            let _ = is_ready.recv();
            runner.start(count);
            let time = runner.result();
            stop.store(true, Ordering::Relaxed);
            time
        });
        beside / alone
    })
}
