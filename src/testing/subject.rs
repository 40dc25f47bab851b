//! What an assertion speaks of.

use crate::Named;
use lockgraph_model::Dump;
use lockgraph_model::dump::Id;

/// A lock, or the locks of one name: what the assertions of this crate take.
pub trait Subject {
    /// The locks of an observation that are meant.
    fn locks(&self, dump: &Dump) -> Vec<Id>;

    /// How a message speaks of them.
    fn label(&self) -> String;
}

/// All locks of the class with this name.
impl Subject for str {
    fn locks(&self, dump: &Dump) -> Vec<Id> {
        let named = |class: &Id| {
            dump.classes.iter().any(|c| c.id == *class && c.name.as_deref() == Some(self))
        };
        dump.locks.iter().filter(|lock| named(&lock.class)).map(|lock| lock.id).collect()
    }

    fn label(&self) -> String {
        format!("`{self}`")
    }
}

/// The lock itself.
impl<L: Named + ?Sized> Subject for L {
    fn locks(&self, dump: &Dump) -> Vec<Id> {
        let id = self.tracked().map_or(0, |(header, _)| header.id().0);
        dump.locks.iter().filter(|lock| lock.id == id).map(|lock| lock.id).collect()
    }

    fn label(&self) -> String {
        match self.tracked() {
            Some((header, _)) => format!("lock {}", header.id().0),
            None => "a lock".to_string(),
        }
    }
}

impl Subject for &str {
    fn locks(&self, dump: &Dump) -> Vec<Id> {
        (**self).locks(dump)
    }

    fn label(&self) -> String {
        (**self).label()
    }
}
