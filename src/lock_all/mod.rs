//! Several locks at once, in one order for the whole program.
//!
//! [`lock_all!`](crate::lock_all!) takes any mix of locks and modes, always in the order of their
//! places, so that no two callers wait for each other in a circle:
//!
//! ```
//! use lockgraph::parking_lot::{Mutex, RwLock};
//!
//! let (from, to, rates) = (Mutex::new(100), Mutex::new(0), RwLock::new(3));
//! {
//!     let (mut from, mut to, rate) = lockgraph::lock_all!(from, to, rates.shared());
//!     *from -= 10 * *rate;
//!     *to += 10 * *rate;
//! }
//! assert_eq!(*lockgraph::lock_all!(to).0, 30);
//! ```
//!
//! # The order
//! A lock's place is that of its class, and then its id. Classes get their places where one is needed
//! first: those of a [declared order](crate::order) in that order, each other one the next. Neither
//! a place nor an id is ever given again, so they are one total order of all locks, fixed while the
//! program runs. A rule that is declared later is kept as far as it does not contradict places that were
//! given. Exceptions are a lock whose order is [forgotten](crate::forget_order), and one that is named
//! after its first use.
//!
//! Where [`PRESENT`](crate::PRESENT) is false a lock's place is its address: it cannot move while
//! a guard or a reference exists.
//!
//! What it does not see: locks that the caller holds already, and those of other ways to lock. A
//! program whose every nesting goes through here cannot invert an order.

mod group;
mod kinds;
mod place;

pub use group::{Group, Member, lock_all, try_lock_all};
pub(crate) use kinds::takes;
pub use kinds::{Exclusive, Shared, Take, Takes, Together, Upgradable};
pub use place::Place;

/// Takes locks together: a tuple of their guards, in the order in which the locks are named.
///
/// A plain lock is taken exclusively (an `RwLock` for writing); [`shared()`](crate::lock_all::Together::shared)
/// and [`upgradable()`](crate::lock_all::Together::upgradable) say otherwise. Arguments are locks, references to them or
/// `Arc`s of them, up to eight. For locks of one type in a slice there is
/// [`lock_all()`](crate::lock_all::lock_all).
///
/// See [the module](mod@crate::lock_all) for the order in which they are taken. A guard is what the
/// lock's own method gives: `std`'s locks give a `LockResult`.
///
/// # Panics
/// Where a lock is named twice, before any of them is taken; and where taking one of them panics:
/// those that were taken are released then.
///
/// Cost: a sort of the places, and the locks' own.
#[macro_export]
macro_rules! lock_all {
    ($($lock:expr),+ $(,)?) => {{
        #[allow(unused_imports, reason = "needed for locks, not for those that come with a mode")]
        use $crate::lock_all::Together as _;
        $crate::lock_all::Group::lock(($($lock.__member(),)+))
    }};
}

/// As [`lock_all!`](crate::lock_all!), but gives `None`, with nothing taken, where one of the locks
/// is not free at once.
///
/// ```
/// use lockgraph::parking_lot::Mutex;
///
/// let (a, b) = (Mutex::new(1), Mutex::new(2));
/// {
///     let _busy = b.lock();
///     assert!(lockgraph::try_lock_all!(a, b).is_none());
/// }
/// assert!(lockgraph::try_lock_all!(a, b).is_some());
/// ```
///
/// # Panics
/// Where a lock is named twice.
#[macro_export]
macro_rules! try_lock_all {
    ($($lock:expr),+ $(,)?) => {{
        #[allow(unused_imports, reason = "needed for locks, not for those that come with a mode")]
        use $crate::lock_all::Together as _;
        $crate::lock_all::Group::try_lock(($($lock.__member(),)+))
    }};
}
