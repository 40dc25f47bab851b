//! The recorder of `lockgraph`.
//!
//! Programs depend on `lockgraph`, not on this crate: it is the part without any third-party
//! dependency, so that it can be linked into foreign programs. Lock wrappers talk to it through
//! [`door`] alone. `docs/design.md` tells how it works.

pub mod body;
mod cache;
mod calls;
mod class;
pub mod config;
mod copies;
mod declared;
mod detector;
pub mod door;
mod event;
mod evidence;
pub mod finding;
mod graph;
mod held;
mod joins;
pub mod lock;
mod mem;
pub mod mode;
pub mod mpsc;
mod os;
mod owner;
mod parked;
mod pool;
mod primitive;
mod process;
mod recent;
mod recorder;
pub mod rule;
mod scope;
mod segment;
mod signal;
mod sink;
#[cfg(feature = "source")]
pub mod source;
mod steer;
// loom's atomics are not `const`, and the mirrors' constructors are.
mod stack;
mod stds;
#[cfg(not(lockgraph_loom))]
pub mod sync;
mod tally;
pub mod thread;
mod tls;
mod wait;

pub use calls::Calls;
pub use config::{Certain, Config, Signal, Tier};
pub use detector::{Builder, Detector, UnseenThread};
pub use finding::{
    Awaits, Confidence, Detail, Filter, Finding, Kind, Level, Misuse, Severity, Snapshot, Wait,
    Waited,
};

use std::sync::Arc;

/// Every finding reported so far in this process, once per fingerprint, in order.
///
/// Cost: O(findings), with a copy of each. For tests and for the end of a program.
///
/// In a forked child: none.
pub fn findings() -> Vec<Finding> {
    let Some(host) = copies::sought() else { return recorder::untracked(recorder::findings) };
    let mut all = Vec::new();
    (host.findings)(&mut |finding| all.push(finding.detached()));
    all
}

/// Calls `callback` with every new finding, of whatever level, once per fingerprint, from now on
/// and as long as the process lives. There may be several; they are called in the order of their
/// registration.
///
/// It runs on the thread that drew the finding, before that thread goes on: with no lock of the
/// recorder held, but with all locks that the thread holds, so it must not wait for any of those.
/// It may lock others, log, allocate and panic: what it locks is not tracked, and a panic in it is
/// caught and costs one warning.
pub fn on_finding(callback: impl Fn(&Finding) + Send + Sync + 'static) {
    let Some(host) = copies::sought() else { return sink::on_finding(callback) };
    let callback: sink::Callback = Arc::new(callback);
    let call = move |finding: &Finding| sink::call(&callback, &finding.detached());
    (host.on_finding)(Box::leak(Box::new(call)));
}

/// The lock graph of the running process as journal lines (see `docs/journal.md`): what
/// `lockgraph::dump()` is made from.
///
/// Cost: O(graph), under its lock; requests that are not known yet wait meanwhile.
///
/// In a forked child: that of a process without locks.
pub fn facts() -> String {
    let Some(host) = copies::sought() else { return recorder::untracked(recorder::facts) };
    copies::heard(|hear| (host.facts)(hear)).unwrap_or_default()
}

/// What the recorder counts of itself, by the names that the dump has for it: how large the graph is,
/// and what was left out where a limit was met.
///
/// Cost: a short visit to the graph.
///
/// In a forked child: nothing.
pub fn counters() -> Vec<(&'static str, u64)> {
    let Some(host) = copies::sought() else { return recorder::untracked(recorder::counters) };
    let mut all = Vec::new();
    (host.counters)(&mut |name, count| all.push((name, count)));
    all
}

/// What every owner of the process holds and waits for, right now.
///
/// Cost: a look at every owner, under the lock of their table. It works where every other thread is
/// stuck.
pub fn snapshot() -> Snapshot {
    let Some(host) = copies::sought() else { return recorder::untracked(recorder::snapshot) };
    let mut seen = Snapshot { sides: Vec::new(), waits: Vec::new() };
    (host.snapshot)(&mut |snapshot| seen = snapshot.detached());
    seen
}
