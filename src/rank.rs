//! Ranks: names declared once, for locks of several places.

/// The name of a lock class, declared as a constant.
///
/// Locks of one rank are one class, wherever they are created; a rank that is misspelt does not
/// compile. In statics the macro [`ranked!`](crate::ranked) gives it, elsewhere
/// [`Named::ranked`](crate::Named::ranked).
///
/// ```
/// use lockgraph::{Rank, parking_lot::Mutex, ranked};
///
/// const ACCOUNTS: Rank = Rank::new("accounts");
///
/// static BALANCES: Mutex<Vec<i64>> = ranked!(ACCOUNTS, Mutex::new(Vec::new()));
/// BALANCES.lock().push(10);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rank {
    name: &'static str,
}

impl Rank {
    /// The rank with this name. Two of one name are the same.
    pub const fn new(name: &'static str) -> Rank {
        Rank { name }
    }

    /// Its name, which is that of the class.
    pub const fn name(self) -> &'static str {
        self.name
    }
}
