//! `std::sync`, tracked: [`lockgraph_core::sync`], with [`Named`](crate::Named) for every lock.
//!
//! Drop-in: the same names, methods, poisoning and texts as `std`'s.
//!
//! ```
//! use lockgraph::sync::{Arc, Condvar, Mutex};
//! use std::thread;
//!
//! let jobs = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
//! let worker = thread::spawn({
//!     let jobs = Arc::clone(&jobs);
//!     move || {
//!         let (queue, more) = &*jobs;
//!         let mut queue = more.wait_while(queue.lock().unwrap(), |jobs| jobs.is_empty()).unwrap();
//!         queue.pop()
//!     }
//! });
//! jobs.0.lock().unwrap().push("sweep");
//! jobs.1.notify_one();
//! assert_eq!(worker.join().unwrap(), Some("sweep"));
//! ```

pub use lockgraph_core::sync::*;

use lockgraph_core::door;

/// One `Named` per kind of lock.
macro_rules! named {
    ($($name:ident $(<$($param:ident),*>)?),*) => {
        $(
            impl $(<$($param),*>)? crate::Named for $name $(<$($param),*>)? {
                fn named(self, name: &str) -> Self {
                    door::name(self.header(), self.policy(), name);
                    self
                }
            }
        )*
    };
}

named!(Mutex<T>, RwLock<T>, Once, OnceLock<T>, LazyLock<T, F>);
