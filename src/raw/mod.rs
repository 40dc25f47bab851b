//! Tracking for any [`lock_api`] 0.5 lock.
//!
//! A raw lock becomes a tracked one by naming its [`LockPolicy`]:
//!
//! ```
//! use lock_api::GuardNoSend;
//! use std::sync::atomic::{AtomicBool, Ordering};
//!
//! struct RawSpin(AtomicBool);
//!
//! // SAFETY: the flag is taken by a compare-exchange, so one thread at a time has it.
//! unsafe impl lock_api::RawMutex for RawSpin {
//!     const INIT: RawSpin = RawSpin(AtomicBool::new(false));
//!     type Guard = GuardNoSend;
//!     fn lock(&self) -> GuardNoSend {
//!         loop {
//!             match self.try_lock() {
//!                 Some(guard) => return guard,
//!                 None => std::hint::spin_loop(),
//!             }
//!         }
//!     }
//!     fn try_lock(&self) -> Option<GuardNoSend> {
//!         let taken =
//!             self.0.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
//!         taken.is_ok().then(GuardNoSend::new)
//!     }
//!     unsafe fn unlock(&self, _: GuardNoSend) {
//!         self.0.store(false, Ordering::Release);
//!     }
//!     fn is_locked(&self) -> bool {
//!         self.0.load(Ordering::Relaxed)
//!     }
//! }
//!
//! // This one line is all it takes.
//! type Spin<T> = lockgraph::raw::Mutex<RawSpin, lockgraph::raw::Exclusive, T>;
//!
//! static JOBS: Spin<Vec<u32>> = Spin::new(Vec::new());
//! JOBS.lock().push(1);
//! assert_eq!(*JOBS.lock(), [1]);
//! ```
//!
//! # Structure
//! [`Tracked`] adds the recorder to a raw lock and implements the same traits of `lock_api`; the
//! recorder's token of an acquisition travels in the guard state, [`TrackedGuard`]. The types
//! with data ([`Mutex`], [`RwLock`], [`ReentrantMutex`], [`Condvar`]) also know where a lock was
//! created and what it protects; `lock_api`'s own types on a `Tracked` lock work too and lack
//! just that.
//!
//! # Cost
//! - **size**: 16 bytes a lock, 8 bytes a guard
//! - **lock and unlock**: three calls into the recorder; see its own costs in `docs/design.md`
//! - **compiled out** ([`PRESENT`](crate::PRESENT) is false): nothing, the types are `lock_api`'s
//!
//! The unsafe code of this package is in this folder, in `typed`'s `unsafe fn`s that only pass
//! their contract on, and nowhere else.

pub(crate) mod cast;
mod condvar;
mod mutex;
mod policy;
mod rwlock;

pub use super::typed::*;
pub use condvar::TrackedCondvar;
pub use policy::{Exclusive, LockPolicy, ReadWrite, ReadersFirst};

use lockgraph_core::door::{self, Parked, Token};
use lockgraph_core::lock::{Label, LockHeader, Site};
use lockgraph_core::mode::{Mode, Want};
use std::fmt;
use std::marker::PhantomData;
use std::mem;

/// A raw lock `R` whose use is recorded, as policy `P` says.
///
/// Implements those of `lock_api`'s traits that `R` implements. A lock made from `INIT` has no
/// creation site; [`Tracked::at`] gives it one.
pub struct Tracked<R, P> {
    header: LockHeader,
    raw: R,
    policy: PhantomData<fn() -> P>,
}

impl<R, P> Tracked<R, P> {
    /// A tracked lock created at `site`, usually `Location::caller()`.
    pub const fn at(site: Site, raw: R) -> Self {
        Tracked { header: LockHeader::new(Some(site)), raw, policy: PhantomData }
    }

    /// A tracked lock that `Default` makes at `site`, which the fields of a struct with a
    /// `derive(Default)` share: its class is its own.
    pub(crate) const fn by_default(site: Site, raw: R) -> Self {
        Tracked { header: LockHeader::by_default(site), raw, policy: PhantomData }
    }

    /// A tracked lock with a static label.
    pub(crate) const fn labelled(label: &'static Label, raw: R) -> Self {
        Tracked { header: LockHeader::labelled(label), raw, policy: PhantomData }
    }

    const fn nowhere(raw: R) -> Self {
        Tracked { header: LockHeader::new(None), raw, policy: PhantomData }
    }

    pub(crate) const fn label(&mut self, label: &'static Label) {
        self.header = LockHeader::labelled(label);
    }

    /// What the recorder keeps in this lock, for calls into [`door`](crate::door).
    pub const fn header(&self) -> &LockHeader {
        &self.header
    }

    pub(crate) const fn inner(&self) -> &R {
        &self.raw
    }
}

impl<R, P: LockPolicy> Tracked<R, P> {
    /// A fresh blocking request for `mode`, and its grant.
    #[inline]
    fn request<G>(
        &self,
        mode: Mode,
        site: Site,
        try_lock: impl Fn(&R) -> Option<G>,
        unlock: impl Fn(&R, G),
        lock: impl FnOnce(&R) -> G,
    ) -> TrackedGuard<G> {
        if door::is_on() {
            // One call where the lock is free and nothing is new.
            if let Some(inner) = try_lock(&self.raw) {
                let granted = match (mode, P::POLICY.shared) {
                    (Mode::Exclusive, false) => door::granted_alone(&self.header, P::POLICY, site),
                    (Mode::Exclusive, true) => door::granted_writer(&self.header, P::POLICY, site),
                    (Mode::Shared, _) => door::granted_shared(&self.header, P::POLICY, site),
                    (mode, _) => door::granted(&self.header, P::POLICY, site, mode),
                };
                match granted.token() {
                    Some(token) => return TrackedGuard { inner, token },
                    None => unlock(&self.raw, inner),
                }
            }
        } else if door::is_off() {
            return TrackedGuard { inner: lock(&self.raw), token: Token::UNTRACKED };
        }
        self.careful_request(mode, site, try_lock, unlock, lock)
    }

    /// A fresh blocking request with everything that may be said of it.
    #[inline(never)]
    fn careful_request<G>(
        &self,
        mode: Mode,
        site: Site,
        try_lock: impl Fn(&R) -> Option<G>,
        unlock: impl Fn(&R, G),
        lock: impl FnOnce(&R) -> G,
    ) -> TrackedGuard<G> {
        door::before(&self.header, P::POLICY, mode.into(), site);
        let inner = loop {
            match try_lock(&self.raw) {
                Some(inner) if door::insists(&self.header) => unlock(&self.raw, inner),
                Some(inner) => break inner,
                None => break self.park(mode.into(), site, try_lock, lock),
            }
        };
        self.hold(inner, mode, site)
    }

    /// The first attempt has failed.
    #[cold]
    fn park<G>(
        &self,
        want: Want,
        site: Site,
        try_lock: impl Fn(&R) -> Option<G>,
        lock: impl FnOnce(&R) -> G,
    ) -> G {
        let mut parked = door::blocked(&self.header, P::POLICY, want, site);
        loop {
            if let Some(inner) = try_lock(&self.raw) {
                return inner;
            }
            if parked.parks() {
                return lock(&self.raw);
            }
        }
    }

    /// An acquisition that gives up after a while.
    #[inline]
    fn timed<G>(
        &self,
        want: Want,
        site: Site,
        try_lock: impl FnOnce(&R) -> Option<G>,
        timed: impl FnOnce(&R) -> Option<G>,
    ) -> Option<TrackedGuard<G>> {
        let inner = match try_lock(&self.raw) {
            Some(inner) => inner,
            None => {
                let _parked = door::timed(&self.header, P::POLICY, want, site);
                timed(&self.raw)?
            }
        };
        Some(self.hold(inner, want.mode(), site))
    }

    /// The raw lock is held: what to put into the guard.
    #[inline]
    fn hold<G>(&self, inner: G, mode: Mode, site: Site) -> TrackedGuard<G> {
        TrackedGuard { inner, token: door::acquired(&self.header, P::POLICY, mode, site) }
    }

    /// Runs `gap`, which gives the raw lock up and has it again when it returns or unwinds. `parks`
    /// tells of the wait in it.
    #[inline]
    fn relock<G, U>(
        &self,
        guard: &mut TrackedGuard<G>,
        want: Want,
        site: Site,
        parks: impl FnOnce() -> Parked,
        gap: impl FnOnce(&R, &mut G) -> U,
    ) -> U {
        struct Again<'a, R, P: LockPolicy> {
            lock: &'a Tracked<R, P>,
            token: &'a mut Token,
            mode: Mode,
            site: Site,
            parked: Option<Parked>,
        }
        impl<R, P: LockPolicy> Drop for Again<'_, R, P> {
            fn drop(&mut self) {
                drop(self.parked.take());
                *self.token = door::acquired(&self.lock.header, P::POLICY, self.mode, self.site);
            }
        }

        let TrackedGuard { inner, token } = guard;
        door::released(&self.header, mem::replace(token, Token::UNTRACKED));
        // Before the gap, not at its end: by then the thread may hang for good.
        door::before_relock(&self.header, P::POLICY, want, site);
        let parked = Some(parks());
        let _again = Again { lock: self, token, mode: want.mode(), site, parked };
        gap(&self.raw, inner)
    }

    /// As [`relock`](Self::relock), where the gap lasts as long as others want the lock.
    #[inline]
    fn bump<G>(
        &self,
        guard: &mut TrackedGuard<G>,
        want: Want,
        site: Site,
        gap: impl FnOnce(&R, &mut G),
    ) {
        let parks = || door::blocked(&self.header, P::POLICY, want, site);
        self.relock(guard, want, site, parks, gap);
    }

    /// The hold ends; the caller unlocks the raw lock with what is returned.
    #[inline]
    fn release<G>(&self, guard: TrackedGuard<G>) -> G {
        if !guard.token.is_nothing(&self.header) {
            door::released(&self.header, guard.token);
        }
        guard.inner
    }

    /// Splits a guard so that the hold ends should the raw lock unwind, which gives the lock up.
    #[inline]
    fn open<G>(&self, guard: TrackedGuard<G>) -> (Held<'_>, G) {
        (Held { header: &self.header, token: guard.token }, guard.inner)
    }
}

impl<R, P> Drop for Tracked<R, P> {
    #[inline]
    fn drop(&mut self) {
        if !self.header.is_unborn() {
            door::lock_dropped(&self.header);
        }
    }
}

impl<R, P> fmt::Debug for Tracked<R, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracked").field("header", &self.header).finish_non_exhaustive()
    }
}

/// The guard state of a [`Tracked`] lock: that of the raw lock, and the recorder's token.
///
/// It is made by locking. [`From`] makes one from the bare state of the raw lock, for a
/// `force_unlock` whose guard was forgotten; `.into()` compiles with the untracked types as well.
pub struct TrackedGuard<G> {
    inner: G,
    token: Token,
}

impl<G> From<G> for TrackedGuard<G> {
    fn from(inner: G) -> Self {
        TrackedGuard { inner, token: Token::UNTRACKED }
    }
}

impl<G> fmt::Debug for TrackedGuard<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrackedGuard").field("token", &self.token).finish_non_exhaustive()
    }
}

/// A hold whose guard state is with the raw lock at the moment; ends on unwind.
struct Held<'a> {
    header: &'a LockHeader,
    token: Token,
}

impl Held<'_> {
    fn converted(&mut self, mode: Mode) {
        door::converted(self.header, &mut self.token, mode);
    }

    /// The raw lock has answered.
    fn close<G>(mut self, inner: G) -> TrackedGuard<G> {
        let token = mem::replace(&mut self.token, Token::UNTRACKED);
        mem::forget(self);
        TrackedGuard { inner, token }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        door::released(self.header, mem::replace(&mut self.token, Token::UNTRACKED));
    }
}
