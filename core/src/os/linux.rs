//! Linux.
//!
//! This file holds unsafe code: foreign functions.

// Where the note and the loader's tables are known; a program that is linked statically loads nothing.
#[cfg(all(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_pointer_width = "64",
    not(any(target_feature = "crt-static", lockgraph_loom))
))]
#[path = "linux/modules.rs"]
mod modules;
#[cfg(target_pointer_width = "64")]
#[path = "linux/walk.rs"]
mod walk;

use super::{Signals, System};
use crate::config::Signal;
use std::ffi::{c_int, c_uint, c_void};
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::mem::ManuallyDrop;
use std::os::fd::{FromRawFd, IntoRawFd};
use std::os::unix::net::UnixStream;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};
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
    fn signal(signal: c_int, handler: usize) -> usize;
    fn write(fd: c_int, bytes: *const c_void, len: usize) -> isize;
    safe fn __errno_location() -> *mut c_int;
}

/// `SIG_DFL` and `SIG_ERR`.
const DEFAULT: usize = 0;
const ERROR: usize = usize::MAX;

/// The numbers of `SIGUSR1` and `SIGUSR2`, which are others on a few processors.
const USER_SIGNALS: Option<[c_int; 2]> = match () {
    _ if cfg!(any(
        target_arch = "mips",
        target_arch = "mips32r6",
        target_arch = "mips64",
        target_arch = "mips64r6",
        target_arch = "sparc",
        target_arch = "sparc64"
    )) =>
    {
        None
    }
    _ => Some([10, 12]),
};

/// Where the handler writes; -1 is nowhere.
static PIPE: AtomicI32 = AtomicI32::new(-1);

/// The handler: as little as can be, since the thread that it interrupts may hold any lock.
extern "C" fn signalled(_: c_int) {
    let pipe = PIPE.load(Ordering::Relaxed);
    if pipe >= 0 {
        let errno = __errno_location();
        // SAFETY: the place of this thread's `errno` is valid as long as the thread; `write` may be
        // called from a handler, and reads one byte of a static. The pipe is never closed, and where
        // it is full the byte is one too many: a write that would block fails.
        unsafe {
            let before = *errno;
            write(pipe, c"!".as_ptr().cast(), 1);
            *errno = before;
        }
    }
}

/// Whether a line of `/proc/self/task/*/stat` is that of a thread that sleeps. The name before the
/// state may hold anything, also parentheses.
fn sleeps(stat: &str) -> bool {
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with("S "))
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

    /// A handler that somebody has is left in place, and is no longer asked for a moment at most.
    fn signals(wanted: Signal) -> Result<Signals, &'static str> {
        let signals = USER_SIGNALS.ok_or("its number is not known on this processor")?;
        let (mut reader, writer) = UnixStream::pair().map_err(|_| "no pipe can be had")?;
        writer.set_nonblocking(true).map_err(|_| "no pipe can be had")?;
        let number = signals[wanted as usize];
        // SAFETY: the handler is a function for signals, which does what may be done in one.
        let before = unsafe { signal(number, signalled as extern "C" fn(c_int) as usize) };
        if before != DEFAULT {
            if before != ERROR {
                // SAFETY: what the system has returned for this signal.
                unsafe { signal(number, before) };
            }
            return Err("the program has another use for it");
        }
        PIPE.store(writer.into_raw_fd(), Ordering::Relaxed);
        Ok(Box::new(move || {
            let mut bytes = [0; 64];
            loop {
                match reader.read(&mut bytes) {
                    Ok(read) => return read > 0,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(_) => return false,
                }
            }
        }))
    }

    fn ignore_signal() {
        PIPE.store(-1, Ordering::Relaxed);
    }

    fn all_others_sleep(threads: usize) -> bool {
        let own = fs::read_link("/proc/thread-self").ok();
        let Some(own) = own.as_deref().and_then(|path| path.file_name()) else { return false };
        let Ok(tasks) = fs::read_dir("/proc/self/task") else { return false };
        let mut seen = 0;
        for task in tasks {
            let Ok(task) = task else { return false };
            seen += 1;
            let state = || fs::read(task.path().join("stat")).unwrap_or_default();
            if task.file_name() != own && !sleeps(&String::from_utf8_lossy(&state())) {
                return false;
            }
        }
        seen == threads
    }

    fn calls(calls: &mut [usize]) -> usize {
        #[cfg(target_pointer_width = "64")]
        return walk::calls(calls);
        #[cfg(not(target_pointer_width = "64"))]
        0
    }

    fn module(address: usize, visit: impl FnOnce(&str, usize)) {
        #[cfg(target_pointer_width = "64")]
        walk::module(address, visit);
    }

    #[cfg(all(
        any(target_arch = "x86_64", target_arch = "aarch64"),
        target_pointer_width = "64",
        not(any(target_feature = "crt-static", lockgraph_loom))
    ))]
    fn first_copy() -> super::First {
        modules::first_copy()
    }

    fn process_id() -> u32 {
        std::process::id()
    }

    fn unix_ms() -> u128 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleeper_is_told_by_its_state_whatever_its_name() {
        assert!(sleeps("7 (a) R b) S 1 2 3"));
        assert!(!sleeps("7 (S ) R 1 2 3"));
        assert!(!sleeps("7 (a) D 1"));
        assert!(!sleeps(""));
    }
}
