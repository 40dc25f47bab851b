//! The rows of the table: what is measured, and what it may cost.

/// One work, for every contestant that can do it.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The name of the work, for [`work::of`](crate::work::of).
    pub name: &'static str,
    pub what: &'static str,
    pub unit: Unit,
    /// What lockgraph's full tier may cost.
    pub budget: Option<Budget>,
    /// How much a round may do at most: 0 is as much as fits into its time.
    pub at_most: u64,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds for each unit of the work.
    Nanoseconds,
    /// A number of times, by itself.
    Times,
}

/// What a row may cost.
#[derive(Clone, Copy, Debug)]
pub enum Budget {
    /// So many times what the plain lock takes.
    Ratio(f64),
    /// So many nanoseconds.
    Nanoseconds(f64),
}

/// All of them, in the order of the table.
pub const ROWS: [Row; 13] = [
    row("lock", "lock and unlock, nothing held", Some(Budget::Ratio(1.3))),
    row("pair", "nested pair, order known", Some(Budget::Ratio(1.6))),
    row("depth8", "eight nested, order known", Some(Budget::Ratio(1.8))),
    row("read", "read and unlock", Some(Budget::Ratio(1.3))),
    row("pairs2k", "random pairs of 2,000 known", Some(Budget::Ratio(1.5))),
    row("pairs20k", "random pairs of 20,000 known", Some(Budget::Ratio(2.5))),
    row("create", "create, lock once, drop", Some(Budget::Ratio(1.8))),
    Row {
        unit: Unit::Times,
        at_most: 100_000,
        ..row(
            "threads",
            "known pairs of private locks: two threads by one",
            Some(Budget::Ratio(1.1)),
        )
    },
    Row {
        unit: Unit::Times,
        at_most: 100_000,
        ..row("beside", "known pairs beside a thread that makes new orders, by none", None)
    },
    Row { at_most: 11_175, ..row("edge", "new order", Some(Budget::Nanoseconds(500.0))) },
    Row {
        at_most: 11_175,
        ..row("edge_journal", "new order, with a journal", Some(Budget::Nanoseconds(3000.0)))
    },
    Row {
        at_most: 1,
        ..row("deadlock", "from closing a deadlock to its report", Some(Budget::Nanoseconds(1e6)))
    },
    Row {
        at_most: 1,
        ..row(
            "deadlock_again",
            "the same for a deadlock that was reported before",
            Some(Budget::Nanoseconds(1e6)),
        )
    },
];

const fn row(name: &'static str, what: &'static str, budget: Option<Budget>) -> Row {
    Row { name, what, unit: Unit::Nanoseconds, budget, at_most: 0 }
}
