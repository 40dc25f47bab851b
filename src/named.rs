//! What a program says of its locks: names, ranks, levels, keys, and that an order is over.

use crate::Rank;
use crate::door::{self, LockHeader, Policy};

/// Tells the recorder what a lock is.
///
/// For all lock types of this crate; it works, and does nothing, where
/// [`PRESENT`](crate::PRESENT) is false. In statics there are the macros [`named!`](crate::named),
/// [`ranked!`](crate::ranked) and [`nested!`](crate::nested). Say it before the lock is used.
///
/// Nothing of this hides what happens between two locks: when threads take one pair in both
/// orders, that is reported, whatever was declared.
///
/// ```
/// use lockgraph::{Named, parking_lot::Mutex};
///
/// let accounts = Mutex::new(vec![10, 20]).named("accounts");
/// assert_eq!(accounts.lock().len(), 2);
/// ```
///
/// Cost: each call looks the class up, under a lock of the recorder.
pub trait Named {
    /// What the recorder keeps in the lock, and the lock's kind; `None` where there is nothing to
    /// keep. For locks on [`door`](crate::door): all the rest follows from it.
    fn tracked(&self) -> Option<(&LockHeader, &'static Policy)> {
        None
    }

    /// The same lock with a name, which is its class from then on.
    #[must_use = "the lock is moved through"]
    fn named(self, name: &str) -> Self
    where
        Self: Sized,
    {
        if let Some((header, policy)) = self.tracked() {
            door::name(header, policy, name);
        }
        self
    }

    /// The same lock with a rank, which is its class from then on.
    #[must_use = "the lock is moved through"]
    fn ranked(self, rank: Rank) -> Self
    where
        Self: Sized,
    {
        if let Some((header, policy)) = self.tracked() {
            door::rank(header, policy, rank.name(), rank.__order());
        }
        self
    }

    /// The same lock on a level of its class; locks are on level 0 where nobody says anything.
    ///
    /// Levels of one name, or of one creation site, count as different classes: a lock of level 1
    /// inside one of level 0 is no lock inside another of its class. As Linux lockdep's subclasses,
    /// and of the lock rather than of one acquisition. For structures with a fixed number of levels,
    /// such as a directory and its files.
    ///
    /// ```
    /// use lockgraph::{Named, parking_lot::Mutex};
    ///
    /// let node = |level| Mutex::new(0).named("node").nested(level);
    /// let (root, leaf) = (node(0), node(1));
    /// let _root = root.lock();
    /// let _leaf = leaf.lock();
    /// ```
    #[must_use = "the lock is moved through"]
    fn nested(self, level: u8) -> Self
    where
        Self: Sized,
    {
        if let Some((header, policy)) = self.tracked() {
            door::nest(header, policy, level);
        }
        self
    }

    /// The same lock, declared to be taken in the order of a key wherever locks of its class nest:
    /// an index, an id, the address.
    ///
    /// No report then says that the class is nested both ways round, and where one of them is held
    /// the next one makes no order between classes. The key itself is not looked at. For banks of
    /// accounts, shards, lists and trees that are locked hand over hand.
    ///
    /// ```
    /// use lockgraph::{Named, parking_lot::Mutex};
    ///
    /// let accounts: Vec<_> = (0..3).map(|_| Mutex::new(100).keyed()).collect();
    /// let (from, to) = (2, 0);
    /// let mut low = accounts[from.min(to)].lock();
    /// let mut high = accounts[from.max(to)].lock();
    /// (*low, *high) = (*low + 10, *high - 10);
    /// ```
    #[must_use = "the lock is moved through"]
    fn keyed(self) -> Self
    where
        Self: Sized,
    {
        if let Some((header, policy)) = self.tracked() {
            door::key(header, policy);
        }
        self
    }
}

/// Forgets every order in which `lock` was taken so far: from now on it is as good as new.
///
/// For a change of what the order of locks *means*: a rename that makes the child the parent, a
/// sort of the list whose locks follow it. Call it while the running thread holds the lock alone, or
/// while nobody uses it; whoever holds it goes on holding it. Does nothing where
/// [`PRESENT`](crate::PRESENT) is false.
///
/// Cost: as dropping a lock, and a look at every thread's held locks.
///
/// ```
/// use lockgraph::{forget_order, parking_lot::Mutex};
///
/// let (mut above, mut below) = (Mutex::new("etc"), Mutex::new("rc.d"));
/// {
///     let _above = above.lock();
///     let _below = below.lock();
///     forget_order(&above); // rc.d is to contain etc
/// }
/// (above, below) = (below, above);
/// let _above = above.lock();
/// let _below = below.lock(); // no inversion
/// ```
pub fn forget_order<L: Named + ?Sized>(lock: &L) {
    if let Some((header, _)) = lock.tracked() {
        door::forget_order(header);
    }
}
