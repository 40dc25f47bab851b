//! What the recorder asks of the operating system. Linux is tested; without an operating system
//! (`--cfg lockgraph_no_os`, Miri) exits and forks go unnoticed: a journal then has no `end`.
//!
//! This file holds unsafe code: two foreign functions.

#[cfg(all(unix, not(lockgraph_no_os), not(miri)))]
mod imp {
    use std::sync::atomic::{AtomicU32, Ordering};

    unsafe extern "C" {
        safe fn atexit(handler: extern "C" fn()) -> i32;
        safe fn pthread_atfork(
            prepare: Option<extern "C" fn()>,
            parent: Option<extern "C" fn()>,
            child: Option<extern "C" fn()>,
        ) -> i32;
    }

    extern "C" fn exiting() {
        crate::sink::process_ends();
    }

    extern "C" fn forked() {
        crate::config::abandon();
    }

    static HOOKED: AtomicU32 = AtomicU32::new(0);

    pub(crate) fn hook() {
        if HOOKED.swap(1, Ordering::Relaxed) == 0 {
            atexit(exiting);
            pthread_atfork(None, None, Some(forked));
        }
    }
}

#[cfg(not(all(unix, not(lockgraph_no_os), not(miri))))]
mod imp {
    pub(crate) fn hook() {}
}

/// Asks for a word at the end of the process and in the child of a fork. Once.
pub(crate) use imp::hook;
