//! Places for the golden reports. Their lines stand in the snapshots and in fingerprints: append
//! only, and never reformat.

use crate::lock::Site;
use std::panic::Location;

#[track_caller]
const fn here() -> Site {
    Location::caller()
}

// Where locks are made.
pub(super) const MADE_1: Site = here();
pub(super) const MADE_2: Site = here();
pub(super) const MADE_3: Site = here();
pub(super) const MADE_4: Site = here();

// Where they are taken: T1_A is the first acquisition of thread 1.
pub(super) const T1_A: Site = here();
pub(super) const T1_B: Site = here();
pub(super) const T2_A: Site = here();
pub(super) const T2_B: Site = here();
pub(super) const T3_A: Site = here();
pub(super) const T3_B: Site = here();
pub(super) const T4_A: Site = here();
pub(super) const T4_B: Site = here();
pub(super) const T5_A: Site = here();
pub(super) const T5_B: Site = here();
pub(super) const GATE: Site = here();
pub(super) const NOTICED: Site = here();

/// A place inside the standard library: it calls `here`, and not we.
#[expect(clippy::unnecessary_literal_unwrap, reason = "the call has to come from std")]
pub(super) fn in_std() -> Site {
    None.unwrap_or_else(here)
}
