//! `parking_lot`: what it does not do through `lock_api`, which is its `Once`, the condition variable
//! of 0.11 and 0.12, and functions that make locks and know no caller.

use super::text::Missing;
use super::{Crate, Files};

pub(super) fn transform(of: &Crate<'_>, files: &mut Files) -> Result<Vec<String>, Missing> {
    let by_lock_api = of.version.starts_with("0.13.");
    if !by_lock_api && !of.version.starts_with("0.11.") && !of.version.starts_with("0.12.") {
        return Err(files.get("lib.rs")?.missing(&format!("parking_lot {}", of.version)));
    }
    if !by_lock_api {
        let condvar = files.get("condvar.rs")?;
        condvar.replace(
            "unsafe { MutexGuard::mutex(mutex_guard).raw() }",
            "lock_api::lockgraph::gap(mutex_guard).raw()",
        )?;
        condvar.refuse("mutex_guard).raw() }")?;
        condvar.track_callers();
    }
    once(files)?;
    for name in ["mutex.rs", "fair_mutex.rs", "remutex.rs", "rwlock.rs"] {
        files.get(name)?.track_callers();
    }
    Ok(Vec::new())
}

fn once(files: &mut Files) -> Result<(), Missing> {
    let once = files.get("once.rs")?;
    once.replace(
        "pub struct Once(AtomicU8);",
        "pub struct Once(AtomicU8, lock_api::lockgraph::Once);",
    )?;
    for state in ["0", "DONE_BIT"] {
        once.replace_any(
            &format!("Once(AtomicU8::new({state}))"),
            &format!("Once(AtomicU8::new({state}), lock_api::lockgraph::Once::new())"),
        );
    }
    once.refuse("))\n")?;
    let slow = "fn call_once_slow(&self, ignore_poison: bool, f: &mut dyn FnMut(OnceState)) {\n";
    once.replace(slow, &format!("{slow}        let mut call = self.1.call();\n"))?;
    once.replace("        f(once_state);\n", "        call.during(|| f(once_state));\n")?;
    let wait = "fn wait_slow(&self, ignore_poison: bool) {\n";
    once.replace_any(wait, &format!("{wait}        let _wait = self.1.wait();\n"));
    once.track_callers();
    Ok(())
}
