//! The words of journals and dumps, and which mode blocks which.
//!
//! The blocking matrix is that of the recorder (`core/src/mode.rs`), restated here for what a
//! dump knows of a lock; a test compares the two entry by entry.

use crate::dump::Class;
use serde::{Deserialize, Serialize};
use std::fmt;

impl Class {
    /// Where its locks come from: `created at src/main.rs:3:9`.
    pub fn origin(&self) -> String {
        match (&self.created_at, &self.first_locked_at) {
            (Some(at), _) => format!("created at {at}"),
            (None, Some(at)) => format!("first locked at {at}"),
            (None, None) => "created at an unknown place".to_owned(),
        }
    }
}

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Alone: a mutex, a write lock, a once-initialiser at work.
    Exclusive,
    /// Together with other readers; a new read may wait behind a queued writer.
    Shared,
    /// Together with other readers; a new recursive read never waits for a queued writer.
    SharedRecursive,
    /// Together with readers, apart from writers and other upgradable holds.
    Upgradable,
}

/// How a lock is wanted: the modes of a hold, and the upgrade of one's own upgradable hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Want {
    /// To be held [`Mode::Exclusive`].
    Exclusive,
    /// To be held [`Mode::Shared`].
    Shared,
    /// To be held [`Mode::SharedRecursive`].
    SharedRecursive,
    /// To be held [`Mode::Upgradable`].
    Upgradable,
    /// To turn the owner's own upgradable hold into an exclusive one.
    Upgrade,
}

/// Whether a hold blocks a request for the same lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Conflict {
    /// Never.
    Never,
    /// Only while a writer queues for the lock.
    BehindWriter,
    /// Always.
    Always,
}

/// Who holds and waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OwnerKind {
    /// A thread.
    Thread,
    /// An async task.
    Task,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// A hazard.
    Warning,
    /// A deadlock that will happen one day.
    Error,
}

/// How sure a finding is. Ordered: the best over all witness choices counts, and it only rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// LG003: every choice has a gate around two of its sides.
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
    /// LG003: distinct owners, no gate, no start/join order, conflicting modes.
    Feasible,
    /// LG003: a steered run made it happen.
    Reproduced,
    /// LG001: the guard cannot leave its thread, so the request can never be granted.
    Certain,
    /// LG001: the guard may be released elsewhere.
    Hazard,
}

impl Mode {
    /// All modes.
    pub const ALL: [Mode; 4] =
        [Mode::Exclusive, Mode::Shared, Mode::SharedRecursive, Mode::Upgradable];

    /// The word in journals and dumps.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Exclusive => "exclusive",
            Mode::Shared => "shared",
            Mode::SharedRecursive => "shared_recursive",
            Mode::Upgradable => "upgradable",
        }
    }

    /// Whether two owners cannot hold one lock at once, one so and the other as `other`.
    pub const fn excludes(self, other: Mode) -> bool {
        use Mode::{Exclusive, Upgradable};
        matches!((self, other), (Exclusive, _) | (_, Exclusive) | (Upgradable, Upgradable))
    }
}

impl Want {
    /// All requests.
    pub const ALL: [Want; 5] =
        [Want::Exclusive, Want::Shared, Want::SharedRecursive, Want::Upgradable, Want::Upgrade];

    /// The word in journals and dumps.
    pub const fn name(self) -> &'static str {
        match self {
            Want::Exclusive => "exclusive",
            Want::Shared => "shared",
            Want::SharedRecursive => "shared_recursive",
            Want::Upgradable => "upgradable",
            Want::Upgrade => "upgrade",
        }
    }

    /// Whether `hold` of one owner blocks this request of another, on a lock whose new readers
    /// wait behind a queued writer (`read_blocks_behind_writer`) or do not.
    ///
    /// ```
    /// use lockgraph_model::words::{Conflict, Mode, Want};
    /// assert_eq!(Want::Shared.conflict(Mode::Shared, true), Conflict::BehindWriter);
    /// assert_eq!(Want::Shared.conflict(Mode::Shared, false), Conflict::Never);
    /// assert_eq!(Want::Exclusive.conflict(Mode::Shared, false), Conflict::Always);
    /// ```
    pub const fn conflict(self, hold: Mode, read_blocks_behind_writer: bool) -> Conflict {
        use Mode as M;
        let behind_writer =
            if read_blocks_behind_writer { Conflict::BehindWriter } else { Conflict::Never };
        match (self, hold) {
            (Want::Exclusive, _) | (_, M::Exclusive) => Conflict::Always,
            (Want::Shared, M::Shared | M::SharedRecursive) => behind_writer,
            (Want::Shared | Want::SharedRecursive, M::Upgradable) => Conflict::Never,
            (Want::SharedRecursive, M::Shared | M::SharedRecursive) => Conflict::Never,
            (Want::Upgradable, M::Upgradable) => Conflict::Always,
            (Want::Upgradable, M::Shared | M::SharedRecursive) => behind_writer,
            (Want::Upgrade, M::Shared | M::SharedRecursive) => Conflict::Always,
            // Nobody else can hold it upgradable: the upgrading owner does.
            (Want::Upgrade, M::Upgradable) => Conflict::Never,
        }
    }
}

impl OwnerKind {
    /// The word in journals and dumps.
    pub const fn name(self) -> &'static str {
        match self {
            OwnerKind::Thread => "thread",
            OwnerKind::Task => "task",
        }
    }
}

impl Severity {
    /// The word in journals and dumps.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
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

macro_rules! display_the_name {
    ($($word:ty),*) => {$(
        impl fmt::Display for $word {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }
    )*};
}
display_the_name!(Mode, Want, OwnerKind, Severity, Confidence);
