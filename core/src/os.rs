//! What the recorder asks of the operating system. Linux is tested; without an operating system
//! (`--cfg lockgraph_no_os`, Miri) exits and forks go unnoticed: a journal then has no `end`.
//!
//! This file holds unsafe code: foreign functions.

pub(crate) use imp::{at_thread_end, hook, print};

#[cfg(all(target_os = "linux", not(lockgraph_no_os), not(miri)))]
mod imp {
    use std::ffi::{c_int, c_uint, c_void};
    use std::fs::File;
    use std::io::Write;
    use std::mem::ManuallyDrop;
    use std::os::fd::FromRawFd;
    use std::sync::OnceLock;

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

    /// Calls `exiting` when the process ends by itself, `forked` in every forked child.
    pub(crate) fn hook(exiting: Handler, forked: Handler) {
        // Either may fail for want of memory only; then the journal has no `end`, and a forked
        // child records nothing useful.
        atexit(exiting);
        pthread_atfork(None, None, Some(forked));
    }

    /// Writes to the standard error past std's lock of it: another thread may have that lock, in
    /// an `eprintln!` say, while it waits for a lock which this thread holds.
    pub(crate) fn print(bytes: &[u8]) {
        // SAFETY: the descriptor is used for the write alone and never closed here; where the
        // program has closed it, the write fails or goes where the program's own would.
        let mut stderr = ManuallyDrop::new(unsafe { File::from_raw_fd(2) });
        // Nobody is left to tell where stderr is closed.
        let _ = stderr.write_all(bytes);
    }

    static KEY: OnceLock<Option<c_uint>> = OnceLock::new();
    static END: OnceLock<fn()> = OnceLock::new();

    extern "C" fn ended(_: *mut c_void) {
        if let Some(end) = END.get() {
            end();
        }
    }

    /// Calls `end` on this thread when it ends. A key of pthread and not a thread-local of Rust:
    /// its destructor runs after those of all thread-locals, and not when a thread calls `exit`
    /// with locks held, which orphans nothing. False where that cannot be had.
    pub(crate) fn at_thread_end(end: fn()) -> bool {
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
}

#[cfg(not(all(target_os = "linux", not(lockgraph_no_os), not(miri))))]
mod imp {
    use std::cell::Cell;
    use std::io::Write;

    struct End(Cell<Option<fn()>>);

    impl Drop for End {
        fn drop(&mut self) {
            if let Some(end) = self.0.get() {
                end();
            }
        }
    }

    thread_local! {
        static END: End = const { End(Cell::new(None)) };
    }

    pub(crate) fn hook(_exiting: extern "C" fn(), _forked: extern "C" fn()) {}

    /// Writes to the standard error.
    pub(crate) fn print(bytes: &[u8]) {
        // Nobody is left to tell where stderr is closed.
        let _ = std::io::stderr().write_all(bytes);
    }

    /// Calls `end` on this thread when its thread-locals are destroyed; false after that.
    pub(crate) fn at_thread_end(end: fn()) -> bool {
        END.try_with(|cell| cell.0.set(Some(end))).is_ok()
    }
}
