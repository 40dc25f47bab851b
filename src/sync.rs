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

use crate::door::{LockHeader, Policy};

/// One `Named` per kind of lock.
macro_rules! named {
    ($($name:ident $(<$($param:ident $(: $bound:tt $sized:ident)?),*>)?),*) => {
        $(
            impl $(<$($param $(: $bound $sized)?),*>)? crate::Named for $name $(<$($param),*>)? {
                fn tracked(&self) -> Option<(&LockHeader, &'static Policy)> {
                    Some((self.header(), self.policy()))
                }
            }
        )*
    };
}

named!(Mutex<T: ?Sized>, RwLock<T: ?Sized>, Once, OnceLock<T>, LazyLock<T, F>);
