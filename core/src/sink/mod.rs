//! Where findings go: memory, stderr, the program's callback, the journal.
//!
//! Everything here runs without an internal lock of the graph held, and with the running owner
//! marked as inside the recorder, so that whatever a callback or the stderr lock touches passes
//! through untracked.

pub(crate) mod journal;
pub(crate) mod store;

use crate::config::{self, Tier};
use crate::finding::{Confidence, Finding, Kind, Level, Snapshot};
use crate::mem::SysVec;
use crate::os::{Os, System};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

pub(crate) type Callback = Arc<dyn Fn(&Finding) + Send + Sync>;

static CALLBACKS: RwLock<SysVec<Callback>> = RwLock::new(SysVec::new());
/// Inversions that were recorded and not printed, because a filter rules them out.
static FILTERED: AtomicU64 = AtomicU64::new(0);

/// See [`on_finding`](crate::on_finding).
pub(crate) fn on_finding(callback: impl Fn(&Finding) + Send + Sync + 'static) {
    // Allocated before the lock is taken.
    let callback: Callback = Arc::new(callback);
    CALLBACKS.write().unwrap_or_else(PoisonError::into_inner).push(callback);
}

/// Hands a finding to all sinks if it is new. `silent` findings are recorded and not printed.
pub(crate) fn deliver(finding: &Arc<Finding>, silent: bool) {
    let level = config::level(finding.kind, finding.confidence);
    let Some(journaled) = store::add(finding) else { return };
    if journaled {
        journal::finding(finding);
    }
    if level > Level::Allow && !silent {
        if config::prints() {
            print(finding.report().as_bytes());
        }
    } else if matches!(finding.kind, Kind::OrderInversion | Kind::ClassInversion)
        && finding.confidence <= Some(Confidence::Ordered)
    {
        FILTERED.fetch_add(1, Ordering::Relaxed);
    }
    let callbacks = CALLBACKS.read().unwrap_or_else(PoisonError::into_inner).clone();
    callbacks.iter().for_each(|callback| call(callback, finding));
}

/// Calls a callback of the program.
pub(crate) fn call(callback: &Callback, finding: &Finding) {
    if catch_unwind(AssertUnwindSafe(|| callback(finding))).is_err() {
        warn(format_args!("an on_finding callback panicked; the finding stands"));
    }
}

/// Prints what was asked for by a signal, wherever reports go besides, and writes it to the journal.
pub(crate) fn snapshot(snapshot: &Snapshot, seq: u64) {
    journal::snapshot(snapshot, seq);
    print(snapshot.to_string().as_bytes());
}

/// One line of warning about the recorder itself.
pub(crate) fn warn(text: fmt::Arguments<'_>) {
    print(format!("lockgraph: warning: {text}\n").as_bytes());
}

/// What `LOCKGRAPH` may be set to.
pub(crate) fn help() {
    let standard = |tier| if tier == Tier::standard() { "  (default in this build)" } else { "" };
    let mut text = format!(
        "lockgraph: LOCKGRAPH=off|watch|full[,key=value..]\n\
         \x20 off    nothing is recorded\n\
         \x20 watch  what each thread holds and waits for, and what that shows by itself{}\n\
         \x20 full   acquisition orders as well{}\n\
         keys, with their values:\n",
        standard(Tier::Watch),
        standard(Tier::Full),
    );
    for (key, values, meaning) in config::KEYS {
        text.push_str(&format!("  {key}={values}  {meaning}\n"));
    }
    let levels = Level::ALL.map(Level::name).join("|");
    text.push_str(&format!("  KIND={levels}, where KIND is a code or a name:\n"));
    for kind in Kind::ALL {
        let level = match kind {
            Kind::OrderInversion | Kind::ClassInversion => "by its confidence",
            _ => Finding::default_level(kind, None).name(),
        };
        text.push_str(&format!("    {} {:<18} default: {level}\n", kind.code(), kind.name()));
    }
    text.push_str(
        "LOCKGRAPH_DIR=folder  every process writes its journal there\n\
         LOCKGRAPH_ORDER=a<b<c,d<c  declares in which order classes are taken\n\
         What is set here wins over what the program asks for.\n",
    );
    print(text.as_bytes());
}

/// Past std's handle: a report must be seen although the test harness captures output, and the
/// lock of that handle may be held by a thread that waits for a lock of the running one.
fn print(bytes: &[u8]) {
    Os::print(bytes);
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
