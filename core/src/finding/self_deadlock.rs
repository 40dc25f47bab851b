//! What to do about a lock that its owner wants again.

use super::message::held_word;
use super::{Confidence, Finding};
use crate::mode::{Mode, Want};

/// The advice, by the modes of the hold and of the request.
pub(super) fn self_deadlock_help(finding: &Finding, taken: &str) -> Vec<String> {
    let Some(side) = finding.sides.first() else { return Vec::new() };
    let modes = side.held.map(|hold| hold.mode).zip(side.wants.map(|wish| wish.want));
    let initialises =
        side.held.is_some_and(|hold| matches!(held_word(hold.lock, hold.mode), "initialising"));
    if initialises {
        return vec!["the initialiser must not ask for the value that it makes".to_owned()];
    }
    let mut help = vec![
        format!("drop the guard{taken} first, or pass it down instead of locking again"),
        "a guard in the head of a `match`, `if let`, `while let` or `for` lives to the end of the \
         whole statement: bind the value with `let` before it"
            .to_owned(),
    ];
    match modes {
        Some((Mode::Shared | Mode::SharedRecursive, Want::Exclusive | Want::Upgrade)) => {
            help.push("or begin with an upgradable read, or with the write".to_owned());
        }
        Some((Mode::Upgradable, Want::Exclusive)) => {
            help.push("or upgrade the guard, instead of asking for a second one".to_owned());
        }
        _ => {}
    }
    if finding.confidence == Some(Confidence::Hazard) {
        help.push(
            "where another thread does release it, allow this finding with that reason".to_owned(),
        );
    }
    help
}
