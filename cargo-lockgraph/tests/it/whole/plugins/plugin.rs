//! A library that a program loads: one lock, and calls back with it held.

mod marked;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

type Call = extern "C" fn();

static PLUGIN: Mutex<u8> = Mutex::new(0);

fn lock() -> MutexGuard<'static, u8> {
    PLUGIN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// False where it panicked; no panic leaves the library.
fn goes_well(run: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(run)).is_ok()
}

#[no_mangle]
pub extern "C" fn alone() -> bool {
    goes_well(|| drop(lock()))
}

#[no_mangle]
pub extern "C" fn around(call: Call) -> bool {
    goes_well(|| {
        let _held = lock();
        call();
    })
}

#[no_mangle]
pub extern "C" fn twice() -> bool {
    goes_well(|| {
        let _first = lock();
        let _second = lock();
    })
}

/// On a thread of the library's own, which it forgets or joins.
#[no_mangle]
pub extern "C" fn elsewhere(call: Call, joins: bool) {
    let worker = thread::Builder::new().name("the plugin's own".to_owned());
    let worker = worker.spawn(move || around(call)).unwrap();
    if joins {
        assert!(worker.join().unwrap());
    }
}
