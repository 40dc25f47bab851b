//! The processor time of the running thread.

use std::time::Duration;

/// What the running thread has used of a processor so far.
pub fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a local that may be written.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(failed, 0, "this system has no clock of threads");
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The processor nanoseconds that `f` takes on this thread.
pub fn nanoseconds(f: impl FnOnce()) -> f64 {
    let start = thread_time();
    f();
    (thread_time() - start).as_nanos() as f64
}
