//! What is said of each misuse.

use super::message;
use super::site::At;
use super::{Detail, Hold, Misuse};

/// A hold in one line: which lock, taken where.
pub(crate) fn described(hold: &Hold) -> String {
    let at = hold.at.map(|at| format!(" since {}", At(at)));
    format!("{}{}", message::described(hold.lock), at.unwrap_or_default())
}

/// What it means for the running program.
pub(super) fn misuse_meaning(detail: Detail) -> &'static str {
    match detail {
        Detail::Misuse(Misuse::UnlockNotHeld) => {
            "nothing hangs now: the lock may have been free, or it was taken from its holder"
        }
        Detail::Misuse(Misuse::DoubleUnlock) => {
            "nothing hangs now: the second unlock may have taken the lock from its next holder"
        }
        Detail::Misuse(Misuse::DropWhileHeld) => {
            "nothing hangs now: the hold ends without a release; its guard was forgotten or leaked"
        }
        Detail::Misuse(Misuse::InitWhileHeld) => {
            "nothing hangs now: the holder will release a lock that is not the one it took"
        }
        Detail::Misuse(Misuse::AssertNotHeld) => {
            "nothing hangs now: the code below may touch what the lock protects without it"
        }
        Detail::Misuse(Misuse::AssertHeld) => {
            "nothing hangs now: the code below may take the lock again, or wait for somebody who \
             needs it"
        }
        Detail::Misuse(Misuse::CondvarTwoMutexes) => {
            "nothing hangs now: two waiters of one condition variable do not exclude each other, \
             and a notification may be lost"
        }
        _ => "nothing hangs now",
    }
}

/// What to do.
pub(super) fn misuse_help(detail: Detail, lock: &str, taken: &str) -> Vec<String> {
    let Detail::Misuse(misuse) = detail else { return Vec::new() };
    vec![match misuse {
        Misuse::UnlockNotHeld => format!("unlock {lock} only where it was locked: use its guard"),
        Misuse::DoubleUnlock => format!("unlock {lock} once for each acquisition: use its guard"),
        Misuse::DropWhileHeld => {
            format!("drop the guard{taken} before the lock; do not forget or leak it")
        }
        Misuse::InitWhileHeld => {
            format!("drop the guard{taken} before the lock is initialised again")
        }
        Misuse::AssertNotHeld => format!("take {lock} before this place, in this thread"),
        Misuse::AssertHeld => format!("drop the guard{taken} before this place"),
        Misuse::CondvarTwoMutexes => {
            "use one mutex with one condition variable, or one condition variable for each"
                .to_owned()
        }
    }]
}
