//! Which threads an observation sees.

use super::Observation;
use crate::door;
use std::marker::PhantomData;

/// A bounded observation: what the threads in it do belongs to it.
///
/// [`observe`] opens one; threads that are started through
/// [`lockgraph::thread`](crate::thread) in it belong to it from their start. A thread that was there
/// before, of a pool say, enters by hand:
///
/// ```
/// use lockgraph::testing::{Scope, observe};
///
/// let observation = observe(|| {
///     let scope = Scope::current();
///     std::thread::spawn(move || {
///         let _entered = scope.enter();
///         // what is locked here is observed
///     })
///     .join()
/// });
/// # lockgraph::assert_clean!(observation);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Scope(door::Scope);

impl Scope {
    /// The scope of the running thread; one that nobody looks at where there is none.
    #[must_use]
    pub fn current() -> Scope {
        Scope(door::scope_current())
    }

    /// The running thread belongs to this scope for as long as the result lives, and to its
    /// former one after that. Nothing comes of it once the observation is over.
    pub fn enter(self) -> Entered {
        Entered { before: door::scope_entered(self.0), _one_thread: PhantomData }
    }
}

/// While it lives, the running thread belongs to a [`Scope`].
#[derive(Debug)]
#[must_use = "the thread is in the scope while this lives"]
pub struct Entered {
    before: door::Scope,
    _one_thread: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        door::scope_entered(self.before);
    }
}

/// Runs `f`, and says which locks it took in which orders, and what is wrong with them.
///
/// Seen are the running thread and the threads that it starts meanwhile through
/// [`lockgraph::thread`](crate::thread), with those that they start, and those that
/// [enter](Scope::enter). What other threads of the process do at the same time is not: an inversion
/// belongs to the observation where all its sides were seen in it. An observation inside `f` keeps
/// what it sees to itself. Findings are also reported as usual.
///
/// Where the recorder is compiled out or off, nothing is seen, and every assertion about the
/// observation holds.
///
/// Cost: that of the recorder, a copy of each new order, and at the end O(what was seen).
///
/// # Panics
/// Where `f` does. A finding whose level is `deny` panics in `f`; by default a certain
/// self-deadlock does.
///
/// ```
/// use lockgraph::{Named, parking_lot::Mutex, testing::observe};
///
/// let observation = observe(|| {
///     let accounts = Mutex::new(0).named("accounts");
///     let audit = Mutex::new(0).named("audit");
///     let _accounts = accounts.lock();
///     let _audit = audit.lock();
/// });
/// lockgraph::assert_clean!(observation);
/// lockgraph::assert_order!(observation, "accounts" < "audit");
/// ```
pub fn observe<R>(f: impl FnOnce() -> R) -> Observation {
    let open = Open::new();
    open.run(f);
    open.close()
}

/// A scope that ends also where the observed code panics.
pub(super) struct Open(pub(super) door::Scope);

impl Open {
    pub(super) fn new() -> Open {
        Open(door::scope_opened())
    }

    /// Runs `f` in the scope.
    pub(super) fn run<R>(&self, f: impl FnOnce() -> R) {
        let _entered = Scope(self.0).enter();
        drop(f());
    }

    pub(super) fn close(self) -> Observation {
        let scope = self.0;
        std::mem::forget(self);
        Observation::of(door::scope_closed(scope))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        drop(door::scope_closed(self.0));
    }
}
