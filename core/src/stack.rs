//! The stacks of owners that wait, where the program asks for them (`stacks=on`).
//!
//! A stack is captured as the wait is published, in 7 to 25 us, from the program's allocator. It is
//! resolved for a report alone, which takes a tenth of a second the first time. An owner may have
//! several waits, one within the other; the innermost counts.
//!
//! One leaf mutex; nothing is captured, resolved or freed under it.

use crate::finding::site::display_path;
use crate::lock::OwnerId;
use crate::mem::SysVec;
use std::backtrace::Backtrace;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Frames of a stack that a report shows.
const MAX_FRAMES: usize = 32;

type Stack = (OwnerId, Arc<Backtrace>);

static STACKS: Mutex<SysVec<Stack>> = Mutex::new(SysVec::new());

fn stacks() -> MutexGuard<'static, SysVec<Stack>> {
    STACKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The running owner is about to wait here.
pub(crate) fn keep(owner: OwnerId) {
    let stack = Arc::new(Backtrace::force_capture());
    stacks().push((owner, stack));
}

/// The wait is over.
pub(crate) fn forget(owner: OwnerId) {
    let _freed_after = {
        let mut stacks = stacks();
        stacks.iter().rposition(|(other, _)| *other == owner).map(|at| stacks.swap_remove(at))
    };
}

/// The stack that the owner waits with, a frame a line.
pub(crate) fn of(owner: OwnerId) -> Option<Arc<str>> {
    let stack = stacks().iter().rfind(|(other, _)| *other == owner).map(|(_, s)| Arc::clone(s))?;
    Some(frames(&stack.to_string()).into())
}

/// What concerns the program of a stack as std and the crate `backtrace` print it, a frame a line:
/// without the frames of the recorder at its top and those of the thread's start at its end.
pub(crate) fn frames(text: &str) -> String {
    let mut frames: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(place) = line.strip_prefix("at ") {
            if let Some(frame) = frames.last_mut() {
                frame.push_str("  ");
                frame.push_str(&display_path(place.trim_start_matches("./")));
            }
        } else if let Some((number, symbol)) = line.split_once(": ") {
            if number.parse::<u32>().is_ok() {
                frames.push(symbol.to_owned());
            }
        }
    }
    let ours = ["lockgraph", "lock_api", "parking_lot", "std::backtrace", "backtrace::"];
    let is_ours = |frame: &&String| {
        let path = frame.trim_start_matches('<');
        ours.iter().any(|name| path.starts_with(name))
    };
    let starts = |frame: &String| frame.contains("__rust_begin_short_backtrace");
    let begin = frames.iter().take_while(is_ours).count();
    let mut end = frames.iter().position(starts).unwrap_or(frames.len());
    while end > begin && frames[end - 1].starts_with("core::ops::function::") {
        end -= 1;
    }
    let shown = frames.get(begin..end).unwrap_or_default();
    shown[..shown.len().min(MAX_FRAMES)].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_the_recorder_and_of_the_start_are_left_out() {
        let text = "   0: <std::backtrace::Backtrace>::force_capture
             at /rustc/5980/library/std/src/backtrace.rs:312:9
   1: lockgraph_core::door::wait::blocked
             at ./core/src/door/wait.rs:100:5
   2: <lockgraph::typed::mutex::Mutex<R, P, T>>::lock
   3: two_locks::main::{{closure}}
             at ./examples/two_locks.rs:44:26
   4: pool::get::<lockgraph::Named>
             at /home/me/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/pool-0.3.1/src/lib.rs:7:1
   5: core::ops::function::FnOnce::call_once
   6: std::sys::backtrace::__rust_begin_short_backtrace::<..>
   7: std::thread::spawn";
        assert_eq!(
            frames(text),
            "two_locks::main::{{closure}}  examples/two_locks.rs:44:26\n\
             pool::get::<lockgraph::Named>  pool-0.3.1/src/lib.rs:7:1"
        );
        assert_eq!(frames("disabled backtrace"), "");
        assert_eq!(frames("0: lockgraph_core::door\n1: lockgraph_core::wait"), "");
    }

    #[test]
    fn the_innermost_wait_counts_until_it_is_over() {
        let owner = OwnerId(u32::MAX);
        assert_eq!(of(owner), None);
        keep(owner);
        keep(owner);
        forget(owner);
        assert!(of(owner).is_some());
        forget(owner);
        assert_eq!(of(owner), None);
        forget(owner);
    }
}
