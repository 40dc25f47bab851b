//! One-time initialisation that is std's own, as the recorder sees it; see `init.rs` beside, which
//! stands here where a lock has room for a header.
//!
//! What callers meet at, and what the recorder knows of it, exists as long as one of them is at work or
//! waits: see [`Stay`].

use super::header::{Hold, request};
use crate::body::Stay;
use crate::door::{self, Parked};
use crate::lock::{LockHeader, Site};
use crate::mode::{Mode, Policy, Want};
use std::any::type_name;
use std::marker::PhantomData;
use std::sync as real;

/// In the place of a header: what tells an initialisation from others while somebody is there.
pub(super) struct Place<'a> {
    address: usize,
    type_name: &'static str,
    borrowed: PhantomData<&'a ()>,
}

impl<'a> Place<'a> {
    /// That of `inner`, which initialises a `T`.
    pub(super) fn of<T: ?Sized, I>(inner: &'a I) -> Place<'a> {
        let address = std::ptr::from_ref(inner).addr();
        Place { address, type_name: type_name::<T>(), borrowed: PhantomData }
    }

    /// `None` where nothing is recorded.
    fn stay(&self, policy: &'static Policy, site: Site) -> Option<(Stay, &'static LockHeader)> {
        let stay = Stay::at(self.address).filter(|_| !door::is_off())?;
        let header = stay.body().header(policy, self.type_name, site);
        Some((stay, header))
    }
}

/// In the place of what callers meet at.
pub(super) struct Turns;

/// The right to initialise; ends when dropped. Without anything inside where nothing is recorded: std
/// alone says then who initialises.
pub(super) struct Turn<'a>(#[expect(dead_code, reason = "only dropped")] Option<Taken>, Here<'a>);

type Here<'a> = PhantomData<&'a ()>;

struct Taken {
    // In this order: the hold ends before the others pass, and what both are of comes last.
    _hold: Hold<'static>,
    _inner: real::MutexGuard<'static, ()>,
    _stay: Stay,
}

impl Turns {
    pub(super) const fn new((): ()) -> Self {
        Turns
    }

    /// Waits for the right to initialise. By then the initialisation may be complete.
    ///
    /// # Panics
    /// Where the report is set to `deny`; by default when the thread is at work in this very
    /// initialiser.
    pub(super) fn take<'a>(
        &self,
        place: Place<'a>,
        policy: &'static Policy,
        site: Site,
    ) -> Turn<'a> {
        let taken = place.stay(policy, site).map(|(stay, header)| {
            let mutex = &stay.body().mutex;
            let turn = request::<true, _, _>(
                header,
                policy,
                Mode::Exclusive,
                site,
                || mutex.try_lock(),
                || mutex.lock(),
                |hold, inner| (hold, inner),
            );
            // An initialiser that panics leaves the turn to the next: whether that is an error is
            // for std's type to say.
            let (hold, inner) = turn.unwrap_or_else(real::PoisonError::into_inner);
            Taken { _hold: hold, _inner: inner, _stay: stay }
        });
        Turn(taken, PhantomData)
    }
}

/// A wait for the initialiser by somebody who will not be it; ends when dropped. For the recorder
/// it ends with a hold that ends at once.
pub(super) struct Wait<'a>(Option<Waiting>, Here<'a>);

struct Waiting {
    header: &'static LockHeader,
    policy: &'static Policy,
    site: Site,
    parked: Option<Parked>,
    /// Last: the header is of it. Never read, only dropped.
    _stay: Stay,
}

impl<'a> Wait<'a> {
    /// The caller is about to park, also where nobody is at work yet.
    pub(super) fn new(place: Place<'a>, policy: &'static Policy, site: Site) -> Self {
        let waiting = place.stay(policy, site).map(|(stay, header)| {
            door::before(header, policy, Want::Shared, site);
            let mut parked = door::blocked(header, policy, Want::Shared, site);
            // Nobody queues here as a writer: it asks for no further attempt.
            parked.parks();
            Waiting { header, policy, site, parked: Some(parked), _stay: stay }
        });
        Wait(waiting, PhantomData)
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(waiting) = &mut self.0 {
            drop(waiting.parked.take());
            let (header, policy) = (waiting.header, waiting.policy);
            drop(Hold::new(header, policy, Mode::Shared, waiting.site));
        }
    }
}
