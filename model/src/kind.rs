//! The kinds of finding, how bad each is, and what is done with it: the table of
//! `docs/findings.md`.

use crate::words::{Confidence, Severity};
use std::fmt;

/// The kinds of finding, also those that this version's recorder does not make yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// LG001: a blocking request for a lock that the owner itself holds in a conflicting mode.
    SelfDeadlock,
    /// LG002: owners that wait for each other and can never run again.
    Deadlock,
    /// LG003: a cycle among lock instances.
    OrderInversion,
    /// LG004: a cycle among lock classes that no set of instances closed.
    ClassInversion,
    /// LG005: two locks of one class nested both ways round.
    SameClassNesting,
    /// LG006: a shared re-acquisition that a queued writer would turn into a deadlock.
    ReaderRecursion,
    /// LG007: an acquisition against the declared order.
    OrderViolation,
    /// LG008: a lock held while joining a thread that takes it.
    HeldAcrossWait,
    /// LG009: a blocking lock held across an await point.
    HeldAcrossAwait,
    /// LG010: a wait over the threshold.
    Stall,
    /// LG011: waiting on a condition variable while holding another lock.
    CondvarNested,
    /// LG012: an owner ended while holding.
    OrphanedLock,
    /// LG013: raw unlock of a lock not held, drop while held, a failed held-assertion.
    Misuse,
}

/// What is done with a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Recorded only.
    Allow,
    /// Reported.
    Warn,
    /// Reported, and an error.
    Deny,
}

impl Kind {
    /// All kinds, in the order of their codes.
    pub const ALL: [Kind; 13] = [
        Kind::SelfDeadlock,
        Kind::Deadlock,
        Kind::OrderInversion,
        Kind::ClassInversion,
        Kind::SameClassNesting,
        Kind::ReaderRecursion,
        Kind::OrderViolation,
        Kind::HeldAcrossWait,
        Kind::HeldAcrossAwait,
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
            Kind::HeldAcrossAwait => "LG009",
            Kind::Stall => "LG010",
            Kind::CondvarNested => "LG011",
            Kind::OrphanedLock => "LG012",
            Kind::Misuse => "LG013",
        }
    }

    /// `self_deadlock` ..
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
            Kind::HeldAcrossAwait => "held_across_await",
            Kind::Stall => "stall",
            Kind::CondvarNested => "condvar_nested",
            Kind::OrphanedLock => "orphaned_lock",
            Kind::Misuse => "misuse",
        }
    }

    /// The kind with this code or name.
    ///
    /// ```
    /// use lockgraph_model::Kind;
    /// assert_eq!(Kind::from_word("LG003"), Some(Kind::OrderInversion));
    /// assert_eq!(Kind::from_word("order_inversion"), Some(Kind::OrderInversion));
    /// assert_eq!(Kind::from_word("LG3"), None);
    /// ```
    pub fn from_word(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.code() == word || kind.name() == word)
    }

    /// How bad a finding of this kind and confidence is.
    pub const fn severity(self, confidence: Option<Confidence>) -> Severity {
        use Confidence as C;
        match (self, confidence) {
            (Kind::SelfDeadlock, Some(C::Hazard)) => Severity::Warning,
            (Kind::SelfDeadlock | Kind::Deadlock | Kind::OrderViolation, _) => Severity::Error,
            (Kind::OrderInversion | Kind::ClassInversion, Some(C::Gated | C::Ordered)) => {
                Severity::Note
            }
            (Kind::OrderInversion, Some(C::SameOwner | C::NeedsWriter | C::Unproven)) => {
                Severity::Warning
            }
            (Kind::OrderInversion, _) => Severity::Error,
            (Kind::SameClassNesting | Kind::CondvarNested, _) => Severity::Note,
            _ => Severity::Warning,
        }
    }

    /// The level of a finding of this kind and severity where nobody chose one.
    pub const fn default_level(self, severity: Severity) -> Level {
        match (self, severity) {
            (_, Severity::Note) => Level::Allow,
            (Kind::SelfDeadlock | Kind::Deadlock | Kind::OrderViolation, Severity::Error) => {
                Level::Deny
            }
            _ => Level::Warn,
        }
    }
}

impl Level {
    /// The word in `lockgraph.toml`.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Allow => "allow",
            Level::Warn => "warn",
            Level::Deny => "deny",
        }
    }

    /// The level of this name.
    pub fn from_word(word: &str) -> Option<Level> {
        [Level::Allow, Level::Warn, Level::Deny].into_iter().find(|level| level.name() == word)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
