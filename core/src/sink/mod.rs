//! Where findings go: memory, stderr, the program's callback, the journal.
//!
//! Everything here runs without an internal lock of the graph held, and with the running owner
//! marked as inside the recorder, so that whatever a callback or the stderr lock touches passes
//! through untracked.

pub(crate) mod journal;
pub(crate) mod store;

use crate::config;
use crate::finding::{Confidence, Finding, Kind, Level};
use crate::os;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

type Callback = dyn Fn(&Finding) + Send + Sync;

static CALLBACK: RwLock<Option<Arc<Callback>>> = RwLock::new(None);
/// Inversions that were recorded and not printed, because a filter rules them out.
static FILTERED: AtomicU64 = AtomicU64::new(0);

/// Calls `callback` with every new finding, of whatever level, once per fingerprint. It may lock
/// and log; what it locks is not tracked. A panic in it is reported and goes no further.
pub fn on_finding(callback: impl Fn(&Finding) + Send + Sync + 'static) {
    let callback: Arc<Callback> = Arc::new(callback);
    let before = CALLBACK.write().unwrap_or_else(PoisonError::into_inner).replace(callback);
    // With the lock released: what the old callback owns may take locks where it is dropped.
    drop(before);
}

/// Hands a finding to all sinks if it is new. `silent` findings are recorded and not printed.
pub(crate) fn deliver(finding: Finding, silent: bool) {
    let level = config::level(finding.kind, finding.confidence);
    let finding = Arc::new(finding);
    if !store::add(&finding) {
        return;
    }
    journal::finding(&finding);
    if level > Level::Allow && !silent {
        print(finding.report().as_bytes());
    } else if finding.kind == Kind::OrderInversion
        && finding.confidence <= Some(Confidence::Ordered)
    {
        FILTERED.fetch_add(1, Ordering::Relaxed);
    }
    let callback = CALLBACK.read().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(callback) = callback {
        if catch_unwind(AssertUnwindSafe(|| callback(&finding))).is_err() {
            warn(format_args!("the on_finding callback panicked; the finding stands"));
        }
    }
}

/// One line of warning about the recorder itself.
pub(crate) fn warn(text: fmt::Arguments<'_>) {
    print(format!("lockgraph: warning: {text}\n").as_bytes());
}

/// What `LOCKGRAPH` may be set to.
pub(crate) fn help() {
    let mut text = String::from(
        "lockgraph: LOCKGRAPH=off|watch|full[,key=value..]\n\
         \x20 off    nothing is recorded\n\
         \x20 watch  what each thread holds and waits for: LG001, LG002, LG012\n\
         \x20 full   acquisition orders as well\n\
         \x20 certain=abort|hang  a request that certainly hangs and cannot panic\n\
         \x20 KIND=allow|warn|deny|abort, where KIND is a code or a name:\n",
    );
    for kind in Kind::ALL {
        text.push_str(&format!("         {} {}\n", kind.code(), kind.name()));
    }
    text.push_str("LOCKGRAPH_DIR=folder  every process writes its journal there\n");
    print(text.as_bytes());
}

/// Past std's handle: a report must be seen although the test harness captures output, and the
/// lock of that handle may be held by a thread that waits for a lock of the running one.
fn print(bytes: &[u8]) {
    os::print(bytes);
}

/// One line about the inversions that were not worth a report.
pub(crate) fn print_filtered() {
    let filtered = FILTERED.load(Ordering::Relaxed);
    if filtered > 0 {
        let inversions = if filtered == 1 { "inversion is" } else { "inversions are" };
        print(
            format!(
                "lockgraph: {filtered} {inversions} ruled out by a gate or by start/join order; \
                 LOCKGRAPH=full,LG003=warn shows them\n"
            )
            .as_bytes(),
        );
    }
}
