//! LG013: what a lock was used against.

use super::{Inside, graph, note, owner_name};
use crate::evidence;
use crate::finding::{Misuse, OwnerRef};
use crate::lock::{Class, LockHeader, Origin, Site};
use crate::owner::{self, OwnerBlock};

/// LG013 about a lock; gives its message.
pub(crate) fn misuse(
    block: &'static OwnerBlock,
    lock: &LockHeader,
    what: Misuse,
    at: Option<Site>,
) -> Option<String> {
    let Origin::Class(class) = lock.origin() else { return None };
    misuse_of(block, (lock.id().0, class), what, at)
}

/// As [`misuse`], about the lock with this id and class.
pub(crate) fn misuse_of(
    block: &'static OwnerBlock,
    (id, class): (u64, &'static Class),
    what: Misuse,
    at: Option<Site>,
) -> Option<String> {
    let _inside = Inside::enter(block)?;
    let holder = owner::find(|other| other.held.holds(id)).map(|other| {
        let running = std::ptr::eq(other, block);
        let own = running.then(|| block.holds().find(|hold| hold.id == id)).flatten();
        let name = match running {
            true => evidence::thread_name(),
            false => owner_name(other.id()),
        };
        (OwnerRef { id: other.id().0, name }, own)
    });
    let holder = match what {
        // Who does it matters here, not who holds.
        Misuse::DoubleUnlock | Misuse::AssertNotHeld => Some((evidence::running(block), None)),
        Misuse::AssertHeld => {
            Some((evidence::running(block), block.holds().find(|hold| hold.id == id)))
        }
        _ => holder,
    };
    let seq = graph().next_seq();
    let finding = evidence::misuse(what, (id, class), holder, at, seq);
    let message = finding.message();
    note(finding);
    Some(message)
}

/// The message of a failed claim that a lock with this name is held: there is no lock to report.
pub(crate) fn not_held(block: &OwnerBlock, name: &str) -> String {
    let holds: Vec<String> = block.holds().map(|hold| evidence::describe(&hold)).collect();
    let held = if holds.is_empty() { "nothing".to_owned() } else { holds.join("; ") };
    let who = match evidence::thread_name() {
        Some(thread) => format!("thread `{thread}`"),
        None => "this thread".to_owned(),
    };
    format!("failed assertion: {who} holds no lock called `{name}`; it holds {held}")
}
