//! The life of the process: what the recorder does at its start, its end, and in a forked child.

use crate::config::{self, Tier, UNREAD};
use crate::sink::{self, journal};
use crate::{os, recorder};
use std::cell::Cell;
use std::sync::{Mutex, PoisonError};

static STARTING: Mutex<()> = Mutex::new(());

thread_local! {
    /// This thread starts the recorder right now: what it locks meanwhile passes through.
    static IS_STARTING: Cell<bool> = const { Cell::new(false) };
}

/// The tier; the first call reads the environment, and others wait for it.
#[cold]
pub(crate) fn tier_or_start() -> u8 {
    if config::tier() == UNREAD {
        if IS_STARTING.replace(true) {
            return Tier::Off as u8;
        }
        start();
        IS_STARTING.set(false);
    }
    config::tier()
}

fn start() {
    let _one = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if config::tier() != UNREAD {
        return;
    }
    os::hook(exiting, forked);
    let mut tier = Tier::standard();
    if let Some(value) = std::env::var_os("LOCKGRAPH") {
        if value == "help" {
            sink::help();
        } else if let Err(why) = config::apply(&value, &mut tier) {
            sink::warn(format_args!(
                "LOCKGRAPH is not understood: {why}; the defaults stand. Expected \
                 off|watch|full[,key=value..] with keys certain=abort|hang and KIND=allow|warn|deny|abort"
            ));
        }
    }
    if tier > Tier::Off {
        if let Some(folder) = std::env::var_os("LOCKGRAPH_DIR").filter(|dir| !dir.is_empty()) {
            journal::open(folder.as_ref());
        }
    }
    config::set_tier(tier);
}

/// The process ends by itself: says what was ruled out, and completes the journal.
extern "C" fn exiting() {
    if config::tier() > Tier::Off as u8 {
        recorder::untracked(|| {
            sink::print_filtered();
            journal::close(&recorder::tail());
        });
    }
}

/// In the child of a fork other threads are gone, maybe with locks of ours held, so nothing here
/// can be trusted any more: everything passes through from now on.
extern "C" fn forked() {
    config::set_tier(Tier::Off);
    journal::abandon();
}
