//! What the recorder reports: kinds, grades, and the evidence of one problem.
//!
//! A [`Finding`] is plain data, built after every internal lock is released. It knows no sink and
//! no atomics; [`text`] turns it into the report that people read.

mod declared;
mod detached;
pub(crate) mod fingerprint;
#[cfg(test)]
#[path = "../../tests/golden/mod.rs"]
mod golden;
pub(crate) mod json;
mod message;
mod misuse;
mod scenario;
mod self_deadlock;
pub(crate) mod site;
pub mod text;
mod waits;

pub(crate) use misuse::described;
pub use {site::display_path, waits::Snapshot};

use crate::calls::Calls;
use crate::lock::{Class, LockId, Site};
use crate::mode::{Mode, Want};
use crate::rule::Rule;
use std::sync::Arc;

/// The kinds of problem, each with a stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// LG001: a blocking request for a lock that the owner itself holds in a conflicting mode.
    SelfDeadlock,
    /// LG002: owners that wait for each other and can never run again.
    Deadlock,
    /// LG003: a cycle in the order graph.
    OrderInversion,
    /// LG004: a cycle among lock classes that no locks closed, or not as surely.
    ClassInversion,
    /// LG005: locks of one class nested both ways round.
    SameClassNesting,
    /// LG006: a shared re-acquisition that a queued writer would turn into a deadlock.
    ReaderRecursion,
    /// LG007: a request against the declared order.
    OrderViolation,
    /// LG008: a lock held while joining a thread that takes it, or in another wait.
    HeldAcrossWait,
    /// LG010: a wait over the threshold.
    Stall,
    /// LG011: waiting on a condition variable while holding another lock.
    CondvarNested,
    /// LG012: an owner ended while holding.
    OrphanedLock,
    /// LG013: raw unlock of a lock not held, drop while held, a failed held-assertion.
    Misuse,
}

impl Kind {
    /// All kinds, in the order of their codes.
    pub const ALL: [Kind; 12] = [
        Kind::SelfDeadlock,
        Kind::Deadlock,
        Kind::OrderInversion,
        Kind::ClassInversion,
        Kind::SameClassNesting,
        Kind::ReaderRecursion,
        Kind::OrderViolation,
        Kind::HeldAcrossWait,
        Kind::Stall,
        Kind::CondvarNested,
        Kind::OrphanedLock,
        Kind::Misuse,
    ];

    /// `LG001` ..
    pub const fn code(self) -> &'static str {
        match self {
            Kind::SelfDeadlock => "LG001",
            Kind::Deadlock => "LG002",
            Kind::OrderInversion => "LG003",
            Kind::ClassInversion => "LG004",
            Kind::SameClassNesting => "LG005",
            Kind::ReaderRecursion => "LG006",
            Kind::OrderViolation => "LG007",
            Kind::HeldAcrossWait => "LG008",
            Kind::Stall => "LG010",
            Kind::CondvarNested => "LG011",
            Kind::OrphanedLock => "LG012",
            Kind::Misuse => "LG013",
        }
    }

    /// The kind with this code or name.
    pub fn from_word(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.code() == word || kind.name() == word)
    }

    /// The name in journals, dumps and configuration: `order_inversion` ..
    pub const fn name(self) -> &'static str {
        match self {
            Kind::SelfDeadlock => "self_deadlock",
            Kind::Deadlock => "deadlock",
            Kind::OrderInversion => "order_inversion",
            Kind::ClassInversion => "class_inversion",
            Kind::SameClassNesting => "same_class_nesting",
            Kind::ReaderRecursion => "reader_recursion",
            Kind::OrderViolation => "order_violation",
            Kind::HeldAcrossWait => "held_across_wait",
            Kind::Stall => "stall",
            Kind::CondvarNested => "condvar_nested",
            Kind::OrphanedLock => "orphaned_lock",
            Kind::Misuse => "misuse",
        }
    }
}

/// How sure an inversion (or a self-deadlock) is. Ordered: the best over all witness choices
/// counts, and it only rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Confidence {
    /// LG003, LG004: every choice has a gate around two of its sides.
    Gated,
    /// LG003: every choice has two sides ordered by start or join.
    Ordered,
    /// LG003: every choice needs one owner on two sides.
    SameOwner,
    /// LG003: a lock of the cycle conflicts only behind a queued writer, and no owner outside the
    /// cycle was ever seen to want it so.
    NeedsWriter,
    /// LG003: feasible only through evidence that a cap has merged.
    Unproven,
    /// LG003: k distinct owners, no gate, no start/join order, conflicting modes.
    Feasible,
    /// LG003: a steered run made it happen.
    Reproduced,
    /// LG001: the guard cannot leave its thread, so the request can never be granted.
    Certain,
    /// LG001: the guard may be released elsewhere.
    Hazard,
}

impl Confidence {
    /// The word in journals and dumps.
    pub const fn name(self) -> &'static str {
        match self {
            Confidence::Gated => "gated",
            Confidence::Ordered => "ordered",
            Confidence::SameOwner => "same_owner",
            Confidence::NeedsWriter => "needs_writer",
            Confidence::Unproven => "unproven",
            Confidence::Feasible => "feasible",
            Confidence::Reproduced => "reproduced",
            Confidence::Certain => "certain",
            Confidence::Hazard => "hazard",
        }
    }
}

/// A filter that alone rules out every witness choice of a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Filter {
    /// A common gate.
    Gate,
    /// Start/join order.
    Order,
    /// One owner.
    Owner,
}

impl Filter {
    /// The word in journals and dumps: that of the confidence it leads to.
    pub const fn name(self) -> &'static str {
        match self {
            Filter::Gate => "gated",
            Filter::Order => "ordered",
            Filter::Owner => "same_owner",
        }
    }
}

/// How bad: decides the exit code of `cargo lockgraph check`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// A hazard.
    Warning,
    /// A deadlock that will happen one day.
    Error,
}

impl Severity {
    /// `note`, `warning`, `error`.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// What is done with a finding of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Recorded only: in `findings()`, the journal and the dump.
    Allow,
    /// Reported.
    Warn,
    /// Reported, then the request panics where a panic is possible.
    Deny,
    /// Reported, then the journal is completed and the process aborts.
    Abort,
}

impl Level {
    /// All levels.
    pub const ALL: [Level; 4] = [Level::Allow, Level::Warn, Level::Deny, Level::Abort];

    /// The word in configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Allow => "allow",
            Level::Warn => "warn",
            Level::Deny => "deny",
            Level::Abort => "abort",
        }
    }

    /// The level with this name.
    pub fn from_word(word: &str) -> Option<Level> {
        Level::ALL.into_iter().find(|level| level.name() == word)
    }
}

/// The misuses of LG013.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Misuse {
    /// A raw unlock by an owner that does not hold the lock.
    UnlockNotHeld,
    /// A raw unlock of a lock that its owner released already.
    DoubleUnlock,
    /// The lock object was dropped while held.
    DropWhileHeld,
    /// The lock was initialised again while held.
    InitWhileHeld,
    /// `assert_held` on a lock that the owner does not hold.
    AssertNotHeld,
    /// `assert_not_held` on a lock that the owner holds.
    AssertHeld,
    /// One condition variable waited on with two mutexes at once.
    CondvarTwoMutexes,
}

impl Misuse {
    /// The word in journals and dumps.
    pub const fn name(self) -> &'static str {
        match self {
            Misuse::UnlockNotHeld => "unlock_not_held",
            Misuse::DoubleUnlock => "double_unlock",
            Misuse::DropWhileHeld => "drop_while_held",
            Misuse::InitWhileHeld => "init_held",
            Misuse::AssertNotHeld => "assert_not_held",
            Misuse::AssertHeld => "assert_held",
            Misuse::CondvarTwoMutexes => "condvar_two_mutexes",
        }
    }
}

/// The wait of LG008.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Wait {
    /// A join, which is over: the thread was done with the lock in time, or was refused it.
    Over,
    /// A join, which begins: the thread has asked for the lock before, and may again.
    Ahead,
    /// For a message.
    Message,
    /// For room for a message.
    Room,
    /// For others, at a barrier.
    Barrier,
    /// In a region that the program has named.
    Region(&'static str),
}

/// What an owner waits for, beside the lock that its side names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Awaits {
    /// The lock.
    Lock,
    /// A permit, of which each hold of the lock is one.
    Permit,
    /// A notification, and then the lock: the mutex that the wait on a condition variable gave up.
    Notification,
    /// The end of this thread; `None` where it is none that the finding is about.
    Thread(Option<OwnerRef>),
    /// A message.
    Message,
    /// Room for a message.
    Room,
    /// Others, at a barrier.
    Barrier,
    /// The end of a region that the program has named.
    Region(&'static str),
    /// A lock that the recorder does not follow.
    Unseen,
}

impl Awaits {
    /// The word in journals and dumps.
    pub const fn name(&self) -> &'static str {
        match self {
            Awaits::Lock => "lock",
            Awaits::Permit => "permit",
            Awaits::Notification => "notification",
            Awaits::Thread(_) => "thread",
            Awaits::Message => "message",
            Awaits::Room => "room",
            Awaits::Barrier => "barrier",
            Awaits::Region(_) => "region",
            Awaits::Unseen => "unseen",
        }
    }
}

/// How an owner waits, at the moment of the report.
#[derive(Clone, Debug)]
pub struct Waited {
    /// For what.
    pub awaits: Awaits,
    /// Where, and for how many microseconds so far; `None` where the recorder does not follow the
    /// lock.
    pub since: Option<(Site, u64)>,
    /// The stack that it waits with, a frame a line, where stacks are kept.
    pub stack: Option<Arc<str>>,
}

/// A lock, as a finding names it.
#[derive(Clone, Copy, Debug)]
pub struct LockRef {
    /// The instance.
    pub id: LockId,
    /// Its class.
    pub class: &'static Class,
}

/// An owner, as a finding names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerRef {
    /// Counts from 1 in the process; 0 is "any of more than eight owners".
    pub id: u32,
    /// The thread's name.
    pub name: Option<Arc<str>>,
}

/// One hold: which lock, how, since where.
#[derive(Clone, Copy, Debug)]
pub struct Hold {
    /// The lock.
    pub lock: LockRef,
    /// How it is held.
    pub mode: Mode,
    /// Where it was taken; `None` where that was not kept (a hold that is not the side's own).
    pub at: Option<Site>,
}

/// One request: which lock, how, where.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// The lock.
    pub lock: LockRef,
    /// How it is wanted.
    pub want: Want,
    /// Where.
    pub at: Site,
    /// What led there, where that is kept.
    pub calls: Option<Calls>,
}

/// What one owner did: it held `held` (and `others`) and wanted `wants`.
///
/// A cycle has one side per edge, in order: the lock that side `i` wants is the lock that side
/// `i + 1` holds.
#[derive(Clone, Debug)]
pub struct Side {
    /// Who.
    pub owner: OwnerRef,
    /// The hold that the finding is about; `None` for a misuse by an owner that holds nothing.
    pub held: Option<Hold>,
    /// The request; `None` where nothing was requested (an orphaned lock, a misuse).
    pub wants: Option<Wish>,
    /// Every other hold at that moment.
    pub others: Vec<Hold>,
}

/// What some kinds say besides their sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Nothing.
    None,
    /// LG006: whether a blocking write or upgrade of the lock was ever seen.
    WriterSeen(bool),
    /// LG013: which misuse, of a lock that is not in the sides where nobody holds it.
    Misuse(Misuse),
    /// LG008: which wait. The first side waits; of a join, the second one is waited for.
    Wait(Wait),
    /// LG002 that nobody closed: every thread of the process waits, each for one of the others.
    Standstill,
    /// LG002 among locks that the recorder does not follow; a hash of the stacks.
    Unseen(u64),
}

/// One reported problem.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// How bad.
    pub severity: Severity,
    /// How sure; `None` where the kind has no grades.
    pub confidence: Option<Confidence>,
    /// LG003: the filters that alone rule out every witness choice.
    pub filtered_by: Vec<Filter>,
    /// Stable within one build: of kind, class cycle, acquisition sites and confidence.
    pub fingerprint: u64,
    /// The locks concerned; for a cycle in acquisition order, the smallest id first.
    pub locks: Vec<LockRef>,
    /// The evidence.
    pub sides: Vec<Side>,
    /// LG002, LG010: how the sides wait, in order: of LG010 first the one too long; those beyond run.
    pub waits: Vec<Waited>,
    /// LG007: the rules that it breaks, from the class that is wanted to the one that is held.
    pub rules: Vec<Rule>,
    /// What the kind says besides.
    pub detail: Detail,
    /// Where it was noticed, for kinds without a request.
    pub at: Option<Site>,
    /// Position in the sequence of recorded events.
    pub seq: u64,
}

impl Finding {
    /// Every lock that the finding names; some stand there several times.
    pub(crate) fn mentioned(&self) -> impl Iterator<Item = LockRef> + '_ {
        let of_sides = self.sides.iter().flat_map(|side| {
            let held = side.held.map(|hold| hold.lock);
            held.into_iter().chain(side.wants.map(|wish| wish.lock))
        });
        let waits = !self.waits.is_empty();
        let others = self.sides.iter().filter(move |_| waits).flat_map(|side| &side.others);
        self.locks.iter().copied().chain(of_sides).chain(others.map(|hold| hold.lock))
    }

    /// Severity of a kind with a confidence, as the table of `docs/findings.md` says.
    pub const fn severity_of(kind: Kind, confidence: Option<Confidence>) -> Severity {
        match (kind, confidence) {
            (Kind::SelfDeadlock, Some(Confidence::Hazard)) => Severity::Warning,
            (Kind::SelfDeadlock | Kind::Deadlock | Kind::OrderViolation, _) => Severity::Error,
            (
                Kind::OrderInversion | Kind::ClassInversion,
                Some(Confidence::Gated | Confidence::Ordered),
            ) => Severity::Note,
            (
                Kind::OrderInversion,
                Some(Confidence::SameOwner | Confidence::NeedsWriter | Confidence::Unproven),
            ) => Severity::Warning,
            (Kind::OrderInversion, _) => Severity::Error,
            (Kind::SameClassNesting | Kind::CondvarNested, _) => Severity::Note,
            (
                Kind::ClassInversion
                | Kind::ReaderRecursion
                | Kind::HeldAcrossWait
                | Kind::Stall
                | Kind::OrphanedLock
                | Kind::Misuse,
                _,
            ) => Severity::Warning,
        }
    }

    /// The level that applies where the program configured none. In tier `watch` that of LG002 is
    /// `warn` all the same.
    pub const fn default_level(kind: Kind, confidence: Option<Confidence>) -> Level {
        match (kind, confidence) {
            (Kind::SelfDeadlock, Some(Confidence::Hazard)) => Level::Warn,
            (Kind::SelfDeadlock | Kind::Deadlock | Kind::OrderViolation, _) => Level::Deny,
            _ => match Self::severity_of(kind, confidence) {
                Severity::Note => Level::Allow,
                _ => Level::Warn,
            },
        }
    }
}
