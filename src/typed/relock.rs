//! Where `lock_api` relocks in a destructor, or in a closure, the caller's line is lost; these
//! hand it to the recorder beforehand.
//!
//! A hint stands for the *next* acquisition of the thread, so it must not be up while code of the
//! user runs. A relock never panics: `lock_api` would abort.

use lockgraph_core::door::{self, At};
use lockgraph_core::lock::Site;

/// Runs `f`, and then puts up a hint into `hint`, also when `f` unwinds. `hint` must outlive the
/// relock.
pub(super) fn after<U>(hint: &mut Option<At>, site: Site, f: impl FnOnce() -> U) -> U {
    struct PutUp<'a>(&'a mut Option<At>, Site);
    impl Drop for PutUp<'_> {
        fn drop(&mut self) {
            *self.0 = Some(door::at(self.1, true));
        }
    }
    let _put_up = PutUp(hint, site);
    f()
}

/// A condition that puts up the hint for the wait that follows it, and takes it down while it
/// runs.
pub(super) fn between<T: ?Sized>(
    site: Site,
    mut condition: impl FnMut(&mut T) -> bool,
) -> impl FnMut(&mut T) -> bool {
    let mut hint: Option<At> = None;
    move |data| {
        hint.take();
        let wait = condition(data);
        if wait {
            hint.replace(door::at(site, true));
        }
        wait
    }
}
