//! The copies of `std` in one process, and what each knows of the running thread.
//!
//! Each copy of the recorder comes with a `std` of its own (see `copies`), which alone knows the
//! panics and the names of threads that began in it. Here is asked in all of them.
//!
//! No lock is taken: what has joined stays.

use crate::mem::SysVec;
use std::sync::OnceLock;

/// Panics with a message, by the `std` of the code that is to unwind.
pub(crate) type Refuse = fn(&str) -> !;
/// Takes a text that is the caller's.
pub(crate) type Hear<'a> = &'a mut dyn FnMut(&str);

/// By this `std`.
pub(crate) fn refuse(message: &str) -> ! {
    panic!("{message}")
}

/// One of them.
pub(crate) struct Std {
    /// Whether the running thread unwinds.
    unwinds: fn() -> bool,
    /// Says the running thread's name, if it has one.
    name_thread: fn(Hear<'_>),
}

impl Std {
    /// The one that this copy of the recorder is linked with.
    pub(crate) const OWN: Std = Std {
        unwinds: std::thread::panicking,
        name_thread: |hear| std::thread::current().name().into_iter().for_each(hear),
    };
}

/// Copies beyond these are refused.
const MAX_OTHERS: usize = 256;
/// Those of the copies that have joined this one, in order.
static OTHERS: [OnceLock<&'static Std>; MAX_OTHERS] = [const { OnceLock::new() }; MAX_OTHERS];

fn others() -> impl Iterator<Item = &'static Std> {
    OTHERS.iter().map_while(|other| other.get().copied())
}

/// Asks this one as well from now on. False where there are too many.
pub(crate) fn admit(std: &'static Std) -> bool {
    OTHERS.iter().any(|other| std::ptr::eq(*other.get_or_init(|| std), std))
}

/// True where the running thread unwinds.
pub(crate) fn unwinds() -> bool {
    std::thread::panicking() || others().any(|other| (other.unwinds)())
}

/// Calls `f` with the name of the running thread, an empty one where it has none. Nothing comes from
/// the program's allocator but what `std` takes for a thread of somebody else's.
pub(crate) fn with_thread_name<R>(f: impl FnOnce(&str) -> R) -> R {
    let mut name = SysVec::new();
    for one in [&Std::OWN].into_iter().chain(others()) {
        (one.name_thread)(&mut |text| name.extend_from_slice(text.as_bytes()));
        if !name.is_empty() {
            break;
        }
    }
    f(std::str::from_utf8(&name).unwrap_or_default())
}
