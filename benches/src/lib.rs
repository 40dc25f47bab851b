//! What lockgraph costs, beside plain locks and other tools.
//!
//! Every [contestant](contestant) does the same [works](work) in a process of its own, the
//! [worker](worker), so that each has the build and the environment that it needs. `compare` asks
//! them in turn, for one short round each, and sets the figures of one round against each other:
//! what else the machine does falls on all of them alike. Times are those of the thread's processor,
//! not of the clock.

pub mod clock;
pub mod contestant;
pub mod random;
pub mod row;
pub mod shape;
pub mod work;
pub mod worker;
