//! Names for locks.

/// Gives a lock a name, which is its class in every report from then on.
///
/// For all lock types of this crate; it works, and does nothing, where
/// [`PRESENT`](crate::PRESENT) is false.
///
/// ```
/// use lockgraph::{Named, parking_lot::Mutex};
///
/// let accounts = Mutex::new(vec![10, 20]).named("accounts");
/// assert_eq!(accounts.lock().len(), 2);
/// ```
pub trait Named: Sized {
    /// The same lock with a name.
    #[must_use = "the lock is moved through"]
    fn named(self, name: &str) -> Self;
}
