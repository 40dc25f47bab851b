//! One piece of work, so many times, for a tool that counts instructions: `count WORK KIND TIMES`.
//!
//! The start of the process is the same for every `TIMES`, so the difference of two runs is the
//! work alone. `KIND` is `plain` or `tracked`, of parking_lot's locks, or `std-plain`, `std-tracked`.

use std::hint::black_box;

/// The works on one family of locks.
macro_rules! works {
    ($mutex:ident, $rwlock:ident, $($open:ident)?) => {
        pub(super) fn work(work: &str, times: u64) -> Option<()> {
            let [a, b, c, d, e, f, g, h] = &std::array::from_fn(|i| $mutex::new(i as u64));
            let rwlock = &$rwlock::new(0_u64);
            match work {
                "lock" => (0..times).for_each(|_| *a.lock()$(.$open())? += 1),
                "pair" => (0..times).for_each(|_| {
                    let mut a = a.lock()$(.$open())?;
                    let mut b = b.lock()$(.$open())?;
                    (*a, *b) = (*a + 1, *b + 1);
                }),
                "depth8" => (0..times).for_each(|_| {
                    let _a = a.lock()$(.$open())?;
                    let _b = b.lock()$(.$open())?;
                    let _c = c.lock()$(.$open())?;
                    let _d = d.lock()$(.$open())?;
                    let _e = e.lock()$(.$open())?;
                    let _f = f.lock()$(.$open())?;
                    let _g = g.lock()$(.$open())?;
                    *h.lock()$(.$open())? += 1;
                }),
                "read" => (0..times).for_each(|_| {
                    black_box(*rwlock.read()$(.$open())?);
                }),
                "write" => (0..times).for_each(|_| *rwlock.write()$(.$open())? += 1),
                "try" => (0..times).for_each(|_| {
                    black_box(a.try_lock().is_ok_or_some());
                }),
                "create" => (0..times).for_each(|i| {
                    let lock = $mutex::new(i);
                    *black_box(&lock).lock()$(.$open())? += 1;
                }),
                "edge" => {
                    let fresh: Vec<_> = (0..times + 1).map(|i| $mutex::new(i)).collect();
                    for lock in &fresh {
                        let _outer = a.lock();
                        *lock.lock()$(.$open())? += 1;
                    }
                    // Their ends are another work.
                    std::mem::forget(fresh);
                }
                _ => return None,
            }
            Some(())
        }
    };
}

/// `Result` and `Option`, whichever `try_lock` gives.
trait Got {
    fn is_ok_or_some(&self) -> bool;
}
impl<T, E> Got for Result<T, E> {
    fn is_ok_or_some(&self) -> bool {
        self.is_ok()
    }
}
impl<T> Got for Option<T> {
    fn is_ok_or_some(&self) -> bool {
        self.is_some()
    }
}

mod plain {
    use super::*;
    use parking_lot::{Mutex, RwLock};
    works!(Mutex, RwLock,);
}
mod tracked {
    use super::*;
    use lockgraph::parking_lot::{Mutex, RwLock};
    works!(Mutex, RwLock,);
}
mod std_plain {
    use super::*;
    use std::sync::{Mutex, RwLock};
    works!(Mutex, RwLock, unwrap);
}
mod std_tracked {
    use super::*;
    use lockgraph::sync::{Mutex, RwLock};
    works!(Mutex, RwLock, unwrap);
}

fn main() {
    let mut args = std::env::args().skip(1);
    let (Some(work), Some(kind), Some(times)) = (args.next(), args.next(), args.next()) else {
        eprintln!("usage: count WORK plain|tracked|std-plain|std-tracked TIMES");
        std::process::exit(2);
    };
    let run = match &*kind {
        "plain" => plain::work,
        "tracked" => tracked::work,
        "std-plain" => std_plain::work,
        "std-tracked" => std_tracked::work,
        _ => |_: &str, _| None,
    };
    let times: u64 = times.parse().expect("TIMES is a number");
    // Growth and first use are no part of the work.
    let done = run(&work, 10).and_then(|()| run(&work, times));
    if done.is_none() {
        eprintln!("count: no work {work} of {kind}");
        std::process::exit(2);
    }
}
