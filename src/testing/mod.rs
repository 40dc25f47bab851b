//! Assertions about locks, for tests: what was taken in which order, and what is wrong with it.
//!
//! [`observe`] runs a piece of code and gives an [`Observation`] of it, apart from all that other
//! tests of the process do at the same time. The macros of the crate judge it:
//!
//! | macro | holds where |
//! |---|---|
//! | [`assert_clean!`](crate::assert_clean) | nothing was found that is more than a note |
//! | [`assert_acyclic!`](crate::assert_acyclic) | the orders contradict each other nowhere |
//! | [`assert_order!`](crate::assert_order) | locks were nested in this order, and never against it |
//! | [`assert_never_nested!`](crate::assert_never_nested) | none of the locks was requested while another one was held |
//! | [`assert_finding!`](crate::assert_finding) | this was found |
//!
//! [`provoke`] runs the code once more where an inversion was seen, and makes the threads meet: what
//! was potential becomes a real, named and broken deadlock, or cannot happen, and it says why.
//!
//! A failed assertion panics with both sides of what it speaks of, as reports have them. Where
//! [`PRESENT`](crate::PRESENT) is false, or the recorder is off, nothing is known and every assertion
//! holds.

mod assert;
mod observation;
mod provoke;
mod scope;
mod subject;

pub use observation::Observation;
pub use provoke::{BOUND, Outcome, Provocation, provoke, provoke_within};
pub use scope::{Entered, Scope, observe};
pub use subject::Subject;
