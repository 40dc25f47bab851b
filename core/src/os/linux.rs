//! Linux.
//!
//! This file holds unsafe code: foreign functions.

use super::System;
use std::ffi::{c_int, c_uint, c_void};
use std::fs::File;
use std::io::Write;
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

type Handler = extern "C" fn();

unsafe extern "C" {
    safe fn atexit(handler: Handler) -> c_int;
    safe fn pthread_atfork(
        prepare: Option<Handler>,
        parent: Option<Handler>,
        child: Option<Handler>,
    ) -> c_int;
    fn pthread_key_create(key: *mut c_uint, end: extern "C" fn(*mut c_void)) -> c_int;
    fn pthread_setspecific(key: c_uint, value: *const c_void) -> c_int;
}

static KEY: OnceLock<Option<c_uint>> = OnceLock::new();
static END: OnceLock<fn()> = OnceLock::new();

extern "C" fn ended(_: *mut c_void) {
    if let Some(end) = END.get() {
        end();
    }
}

/// The C library of Linux, and its standard error.
pub(crate) struct Os;

impl System for Os {
    fn hook(exiting: Handler, forked: Handler) {
        // Either fails for want of memory only.
        atexit(exiting);
        pthread_atfork(None, None, Some(forked));
    }

    fn print(bytes: &[u8]) {
        // SAFETY: the descriptor is used for the write alone and never closed here; where the
        // program has closed it, the write fails or goes where the program's own would.
        let mut stderr = ManuallyDrop::new(unsafe { File::from_raw_fd(2) });
        // Nobody is left to tell where stderr is closed.
        let _ = stderr.write_all(bytes);
    }

    /// A key of pthread and not a thread-local of Rust: its destructor runs after those of all
    /// thread-locals, and not when a thread calls `exit` with locks held, which orphans nothing.
    fn at_thread_end(end: fn()) -> bool {
        END.get_or_init(|| end);
        let key = KEY.get_or_init(|| {
            let mut key = 0;
            // SAFETY: `key` is valid for the write, and `ended` is safe to call on any thread.
            let made = unsafe { pthread_key_create(&raw mut key, ended) } == 0;
            made.then_some(key)
        });
        match key {
            // SAFETY: the key was created; the value is only compared with null by the system.
            Some(key) => unsafe { pthread_setspecific(*key, (&raw const KEY).cast()) == 0 },
            None => false,
        }
    }

    fn process_id() -> u32 {
        std::process::id()
    }

    fn unix_ms() -> u128 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis())
    }
}
