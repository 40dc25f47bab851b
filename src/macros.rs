//! The macros that give locks in statics a label: a trait's method cannot be called there.
//! `macros_absent` has their twins.

/// A lock with a name, for statics; elsewhere there is [`Named::named`](crate::Named::named).
///
/// The lock is one that a constructor just made. Where the recorder is compiled out this is the
/// lock itself.
///
/// ```
/// use lockgraph::{named, parking_lot::Mutex};
///
/// static JOBS: Mutex<Vec<u32>> = named!("jobs", Mutex::new(Vec::new()));
/// JOBS.lock().push(1);
/// ```
#[macro_export]
macro_rules! named {
    ($name:expr, $lock:expr $(,)?) => {
        $crate::__labelled!($crate::door::Label::named($name), $lock)
    };
}

/// A lock with a [`Rank`](crate::Rank), for statics; elsewhere there is
/// [`Named::ranked`](crate::Named::ranked). As [`named!`](crate::named).
#[macro_export]
macro_rules! ranked {
    ($rank:expr, $lock:expr $(,)?) => {
        $crate::__labelled!($crate::__rank_label!($rank), $lock)
    };
}

/// A lock on a level of its class, for statics; elsewhere there is
/// [`Named::nested`](crate::Named::nested). Around `named!` or `ranked!`, or around the lock alone.
///
/// ```
/// use lockgraph::{named, nested, parking_lot::Mutex};
///
/// static ROOT: Mutex<u32> = named!("node", Mutex::new(0));
/// static LEAF: Mutex<u32> = nested!(1, named!("node", Mutex::new(0)));
/// let _root = ROOT.lock();
/// let _leaf = LEAF.lock();
/// ```
#[macro_export]
macro_rules! nested {
    ($level:expr, $(lockgraph::)? named!($name:expr, $lock:expr $(,)?) $(,)?) => {
        $crate::__labelled!($crate::door::Label::named($name).at_level($level), $lock)
    };
    ($level:expr, $(lockgraph::)? ranked!($rank:expr, $lock:expr $(,)?) $(,)?) => {
        $crate::__labelled!($crate::__rank_label!($rank).at_level($level), $lock)
    };
    ($level:expr, $lock:expr $(,)?) => {
        $crate::__labelled!($crate::door::Label::unnamed().at_level($level), $lock)
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __rank_label {
    ($rank:expr) => {
        $crate::door::Label::named($crate::Rank::name($rank)).in_order($crate::Rank::__order($rank))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __labelled {
    ($label:expr, $lock:expr) => {{
        static LABEL: $crate::door::Label = $label;
        $lock.__label(&LABEL)
    }};
}
