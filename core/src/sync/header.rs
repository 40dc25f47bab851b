//! What a lock and its guards keep for the recorder.

use super::result::map;
use crate::door::{self, Token};
use crate::lock::{Label, LockHeader, Site};
use crate::mode::{Mode, Policy, Want};
#[cfg(not(lockgraph_neutral))]
use std::any::type_name;
use std::mem;
use std::sync as real;

/// A lock of this module, for what `std` does not have: names, and calls into
/// [`door`](crate::door).
pub trait Tracked {
    /// What the recorder keeps in the lock. Its type is known by then.
    fn header(&self) -> &LockHeader;
    /// What kind of lock it is.
    fn policy(&self) -> &'static Policy;
}

/// A lock's header, which tells the recorder when the lock is gone.
///
/// The `Drop` is here and not with the lock, so that the data can be moved out of the lock.
#[cfg(not(lockgraph_neutral))]
pub(super) struct Header(LockHeader);

/// Of a lock of std's size: nothing. See [`real`](super::real) for what the recorder keeps.
#[cfg(lockgraph_neutral)]
pub(super) struct Header;

#[cfg(lockgraph_neutral)]
impl Header {
    pub(super) const fn new(_: Site) -> Self {
        Header
    }

    pub(super) const fn derived(&mut self, _: Site) {}

    pub(super) const fn label(&mut self, _: &'static Label) {}

    pub(super) const fn nowhere() -> Self {
        Header
    }
}

#[cfg(not(lockgraph_neutral))]
impl Header {
    pub(super) const fn new(site: Site) -> Self {
        Header(LockHeader::new(Some(site)))
    }

    /// For a new lock that `Default` or `Clone` makes at `site`, which the fields of a struct with
    /// a derive share.
    pub(super) const fn derived(&mut self, site: Site) {
        self.0 = LockHeader::by_default(site);
    }

    /// For a new lock in a static.
    pub(super) const fn label(&mut self, label: &'static Label) {
        self.0 = LockHeader::labelled(label);
    }

    /// Of a lock from a constant: whoever uses that creates another lock each time.
    pub(super) const fn nowhere() -> Self {
        Header(LockHeader::new(None))
    }

    /// The header of a lock that protects `T`.
    #[inline]
    pub(super) fn of<T: ?Sized>(&self, policy: &'static Policy) -> &LockHeader {
        if self.0.is_unborn() {
            door::adopt(&self.0, policy, type_name::<T>());
        }
        &self.0
    }
}

#[cfg(not(lockgraph_neutral))]
impl Drop for Header {
    #[inline]
    fn drop(&mut self) {
        if !self.0.is_unborn() {
            door::lock_dropped(&self.0);
        }
    }
}

/// A hold; ends when dropped. A guard's first field, so that it ends before the real unlock.
pub(super) struct Hold<'a> {
    header: &'a LockHeader,
    token: Token,
}

impl<'a> Hold<'a> {
    /// The real lock is held now.
    #[inline]
    pub(super) fn new(
        header: &'a LockHeader,
        policy: &'static Policy,
        mode: Mode,
        site: Site,
    ) -> Self {
        Hold { header, token: door::acquired(header, policy, mode, site) }
    }

    pub(super) fn header(&self) -> &'a LockHeader {
        self.header
    }

    /// The real lock was converted in place.
    #[cfg(lockgraph_std = "1.92")]
    pub(super) fn convert(&mut self, mode: Mode) {
        door::converted(self.header, &mut self.token, mode);
    }
}

impl Drop for Hold<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.token.is_nothing(self.header) {
            door::released(self.header, mem::replace(&mut self.token, Token::UNTRACKED));
        }
    }
}

/// A fresh blocking request for `mode` and its grant, of a lock that has readers where `SHARED`;
/// `guard` makes ours of the hold and of the guard of the real lock.
///
/// The short way has the one outcome that is usual, so that no result is taken apart and put
/// together again: not even a poisoned lock goes by it.
#[inline(always)]
pub(super) fn request<'a, const SHARED: bool, G, H>(
    header: &'a LockHeader,
    policy: &'static Policy,
    mode: Mode,
    site: Site,
    try_lock: impl Fn() -> real::TryLockResult<G>,
    lock: impl FnOnce() -> real::LockResult<G>,
    guard: impl FnOnce(Hold<'a>, G) -> H,
) -> real::LockResult<H> {
    if door::is_on() {
        if let Ok(inner) = try_lock() {
            let granted = match (mode, SHARED) {
                (Mode::Exclusive, false) => door::granted_alone(header, policy, site),
                (Mode::Exclusive, true) => door::granted_writer(header, policy, site),
                (Mode::Shared, _) => door::granted_shared(header, policy, site),
                (mode, _) => door::granted(header, policy, site, mode),
            };
            if let Some(token) = granted.token() {
                return Ok(guard(Hold { header, token }, inner));
            }
        }
    }
    careful_request(header, policy, mode, site, try_lock, lock, guard)
}

/// A fresh blocking request with everything that may be said of it.
#[inline(never)]
fn careful_request<'a, G, H>(
    header: &'a LockHeader,
    policy: &'static Policy,
    mode: Mode,
    site: Site,
    try_lock: impl Fn() -> real::TryLockResult<G>,
    lock: impl FnOnce() -> real::LockResult<G>,
    guard: impl FnOnce(Hold<'a>, G) -> H,
) -> real::LockResult<H> {
    if door::is_off() {
        return map(lock(), |inner| guard(Hold { header, token: Token::UNTRACKED }, inner));
    }
    door::before(header, policy, mode.into(), site);
    let inner = loop {
        match at_once(try_lock()) {
            Some(inner) if door::insists(header) => drop(inner),
            Some(inner) => break inner,
            None => break park(header, policy, mode.into(), site, try_lock, lock),
        }
    };
    map(inner, |inner| guard(Hold::new(header, policy, mode, site), inner))
}

/// The first attempt has failed.
#[cold]
fn park<G>(
    header: &LockHeader,
    policy: &'static Policy,
    want: Want,
    site: Site,
    try_lock: impl Fn() -> real::TryLockResult<G>,
    lock: impl FnOnce() -> real::LockResult<G>,
) -> real::LockResult<G> {
    let mut parked = door::blocked(header, policy, want, site);
    loop {
        if let Some(inner) = at_once(try_lock()) {
            return inner;
        }
        if parked.parks() {
            return lock();
        }
    }
}

/// What a try has got.
#[inline]
fn at_once<G>(attempt: real::TryLockResult<G>) -> Option<real::LockResult<G>> {
    match attempt {
        Ok(inner) => Some(Ok(inner)),
        Err(real::TryLockError::Poisoned(poisoned)) => Some(Err(poisoned)),
        Err(real::TryLockError::WouldBlock) => None,
    }
}
