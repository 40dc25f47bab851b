//! How a lock is held, how it is wanted, and which of the two block each other.
//!
//! This file is the one blocking matrix of the project. It says nothing about threads: the
//! caller knows whose hold and whose request it compares.

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Mode {
    /// Alone: a mutex, a write lock, a once-initialiser at work.
    Exclusive = 0,
    /// Together with other readers; a new read may wait behind a queued writer.
    Shared = 1,
    /// Together with other readers; a new recursive read never waits for a queued writer.
    SharedRecursive = 2,
    /// Together with readers, apart from writers and other upgradable holds.
    Upgradable = 3,
}

/// How a lock is wanted: the modes of a hold, and the upgrade of one's own upgradable hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Want {
    /// To be held [`Mode::Exclusive`].
    Exclusive = 0,
    /// To be held [`Mode::Shared`].
    Shared = 1,
    /// To be held [`Mode::SharedRecursive`].
    SharedRecursive = 2,
    /// To be held [`Mode::Upgradable`].
    Upgradable = 3,
    /// To turn the owner's own upgradable hold into an exclusive one.
    Upgrade = 4,
}

impl Mode {
    /// The word used in journals and dumps.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Exclusive => "exclusive",
            Mode::Shared => "shared",
            Mode::SharedRecursive => "shared_recursive",
            Mode::Upgradable => "upgradable",
        }
    }

    /// True where two holds of one lock in these modes cannot exist at once: such a lock, held
    /// around both sides of a cycle, is a gate.
    pub const fn excludes(self, other: Mode) -> bool {
        use Mode::{Exclusive, Upgradable};
        matches!((self, other), (Exclusive, _) | (_, Exclusive) | (Upgradable, Upgradable))
    }

    /// True where one owner alone holds a lock in this mode: it stands in the lock's header.
    pub(crate) const fn is_owned(self) -> bool {
        matches!(self, Mode::Exclusive | Mode::Upgradable)
    }

    pub(crate) const fn from_bits(bits: u8) -> Mode {
        match bits & 3 {
            0 => Mode::Exclusive,
            1 => Mode::Shared,
            2 => Mode::SharedRecursive,
            _ => Mode::Upgradable,
        }
    }
}

/// The wish for a hold of this mode. The two have the same numbers.
impl From<Mode> for Want {
    #[inline(always)]
    fn from(mode: Mode) -> Want {
        match mode {
            Mode::Exclusive => Want::Exclusive,
            Mode::Shared => Want::Shared,
            Mode::SharedRecursive => Want::SharedRecursive,
            Mode::Upgradable => Want::Upgradable,
        }
    }
}

impl Want {
    /// The word used in journals and dumps.
    pub const fn name(self) -> &'static str {
        match self {
            Want::Upgrade => "upgrade",
            want => want.mode().name(),
        }
    }

    /// The mode of the hold that this request ends in.
    pub const fn mode(self) -> Mode {
        match self {
            Want::Exclusive | Want::Upgrade => Mode::Exclusive,
            Want::Shared => Mode::Shared,
            Want::SharedRecursive => Mode::SharedRecursive,
            Want::Upgradable => Mode::Upgradable,
        }
    }

    pub(crate) const fn from_bits(bits: u8) -> Want {
        match bits {
            0 => Want::Exclusive,
            1 => Want::Shared,
            2 => Want::SharedRecursive,
            3 => Want::Upgradable,
            _ => Want::Upgrade,
        }
    }

    /// True for the requests that make later readers wait while they queue.
    pub const fn is_writer(self) -> bool {
        matches!(self, Want::Exclusive | Want::Upgrade)
    }
}

/// Whether a hold blocks a request for the same lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Conflict {
    /// Never.
    Never,
    /// Only while a writer queues for the lock.
    BehindWriter,
    /// Always.
    Always,
}

/// What the recorder must know of a kind of lock. One static value per kind.
#[derive(Debug, PartialEq, Eq)]
pub struct Policy {
    /// The word that reports use: `Mutex`, `RwLock`, ..
    pub kind: &'static str,
    /// A new [`Want::Shared`] request waits while a writer queues.
    pub read_blocks_behind_writer: bool,
    /// A guard may be released on another thread than it was taken on.
    pub guard_send: bool,
    /// The owner may take the lock again while holding it.
    pub reentrant: bool,
    /// The lock knows shared holds, so that writers and readers differ.
    pub shared: bool,
    /// The lock knows upgradable holds.
    pub upgrade: bool,
}

impl Policy {
    /// That of a kind of one-time initialisation, which the initialiser has alone. Whoever only waits for
    /// it reads, and nobody queues in between.
    pub const fn once(kind: &'static str) -> Policy {
        Policy {
            kind,
            read_blocks_behind_writer: false,
            guard_send: false,
            reentrant: false,
            shared: true,
            upgrade: false,
        }
    }

    /// Whether `hold` of one owner blocks `want` of another.
    ///
    /// ```
    /// # use lockgraph_core::mode::{Conflict, Mode, Policy, Want};
    /// const RW: Policy = Policy {
    ///     kind: "RwLock", read_blocks_behind_writer: true, guard_send: false,
    ///     reentrant: false, shared: true, upgrade: true,
    /// };
    /// assert_eq!(RW.conflict(Want::Shared, Mode::Shared), Conflict::BehindWriter);
    /// assert_eq!(RW.conflict(Want::Shared, Mode::Upgradable), Conflict::Never);
    /// ```
    pub const fn conflict(&self, want: Want, hold: Mode) -> Conflict {
        use Mode as M;
        let behind_writer =
            if self.read_blocks_behind_writer { Conflict::BehindWriter } else { Conflict::Never };
        match (want, hold) {
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
