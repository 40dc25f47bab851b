//! Ranks: names declared once, for locks of several places, with their order.

use crate::door::Order;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The name of a lock class, declared as a constant.
///
/// Locks of one rank are one class, wherever they are created; a rank that is misspelt does not
/// compile. In statics the macro [`ranked!`](crate::ranked) gives it, elsewhere
/// [`Named::ranked`](crate::Named::ranked). [`order!`](crate::order) makes ranks that have an order.
///
/// ```
/// use lockgraph::{Rank, parking_lot::Mutex, ranked};
///
/// const ACCOUNTS: Rank = Rank::new("accounts");
///
/// static BALANCES: Mutex<Vec<i64>> = ranked!(ACCOUNTS, Mutex::new(Vec::new()));
/// BALANCES.lock().push(10);
/// ```
#[derive(Clone, Copy)]
pub struct Rank {
    name: &'static str,
    order: Option<&'static Order>,
}

impl Rank {
    /// The rank with this name. Two of one name are the same.
    pub const fn new(name: &'static str) -> Rank {
        Rank { name, order: None }
    }

    /// Its name, which is that of the class.
    pub const fn name(self) -> &'static str {
        self.name
    }

    #[doc(hidden)]
    pub const fn __in_order(name: &'static str, order: &'static Order) -> Rank {
        Rank { name, order: Some(order) }
    }

    #[doc(hidden)]
    pub const fn __beside(self, name: &'static str) -> Rank {
        Rank { name, ..self }
    }

    #[doc(hidden)]
    pub const fn __order(self) -> Option<&'static Order> {
        self.order
    }
}

impl PartialEq for Rank {
    fn eq(&self, other: &Rank) -> bool {
        self.name == other.name
    }
}

impl Eq for Rank {}

impl Hash for Rank {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Debug for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rank").field(&self.name).finish()
    }
}
