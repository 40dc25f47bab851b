//! Added to a copy of the program's own `lock_api` by `cargo lockgraph`: the raw lock of every lock
//! type becomes a [`Tracked`] one.
//!
//! Guards stay as they are, since other crates take them apart: the recorder's token of a hold that
//! excludes its own kind is kept in the lock, a shared hold is looked up when it ends. A lock whose
//! raw lock is asked for (`raw()`) may be unlocked where nobody sees it, and is not followed any more.

#[macro_use]
mod version;
mod traits;

use core::any::type_name;
use core::panic::Location;
use core::sync::atomic::{AtomicU64, Ordering};
use lockgraph_runtime::door::{self, At, Parked, Token};
use lockgraph_runtime::lock::{LockHeader, Site};
use lockgraph_runtime::mode::{Mode, Policy, Want};

const MUTEX: Policy = Policy {
    kind: "Mutex",
    read_blocks_behind_writer: false,
    guard_send: false,
    reentrant: false,
    shared: false,
    upgrade: false,
};
const RWLOCK: Policy = Policy {
    kind: "RwLock",
    read_blocks_behind_writer: true,
    shared: true,
    upgrade: true,
    ..MUTEX
};
/// By whether guards may move to another thread.
static MUTEXES: [Policy; 2] = [MUTEX, Policy { guard_send: true, ..MUTEX }];
static RWLOCKS: [Policy; 2] = [RWLOCK, Policy { guard_send: true, ..RWLOCK }];
static READERS_FIRST: [Policy; 2] = [
    Policy { read_blocks_behind_writer: false, ..RWLOCK },
    Policy { read_blocks_behind_writer: false, guard_send: true, ..RWLOCK },
];
static ONCE: Policy = Policy { kind: "Once", shared: true, ..MUTEX };

/// Whether a lock with this guard state has guards that stay on their thread. The state is all that
/// tells; of one that is unknown here the cautious thing is believed.
fn is_send<Marker>() -> bool {
    !type_name::<Marker>().ends_with("GuardNoSend")
}

/// The policy of a mutex.
fn mutex<R, Marker>() -> &'static Policy {
    &MUTEXES[is_send::<Marker>() as usize]
}

/// The policy of a reader-writer lock: spin's and dashmap's let readers pass queued writers.
fn rwlock<R, Marker>() -> &'static Policy {
    let name = type_name::<R>();
    let readers_first = name.starts_with("spin::") || name.starts_with("dashmap::");
    let kinds = if readers_first { &READERS_FIRST } else { &RWLOCKS };
    &kinds[is_send::<Marker>() as usize]
}

/// The recorder's part of a lock. Apart, so that the raw lock can be moved out of [`Tracked`].
struct Header(LockHeader);

impl Drop for Header {
    #[inline]
    fn drop(&mut self) {
        if !self.0.is_unborn() {
            door::lock_dropped(&self.0);
        }
    }
}

/// In the place of the token of a lock that is not followed any more.
const LOOSE: u64 = u64::MAX;

/// A raw lock whose use is recorded.
pub struct Tracked<R> {
    header: Header,
    /// Of the hold that excludes its own kind, else 0. Changed by its holder alone.
    token: AtomicU64,
    raw: R,
}

impl<R> Tracked<R> {
    #[track_caller]
    pub const fn new(raw: R) -> Self {
        Tracked::at(Some(Location::caller()), raw)
    }

    const fn at(site: Option<Site>, raw: R) -> Self {
        Tracked { header: Header(LockHeader::new(site)), token: AtomicU64::new(0), raw }
    }

    pub fn into_raw(self) -> R {
        self.raw
    }

    /// The raw lock for whoever asked for it: from now on this lock is not followed.
    pub fn expose(&self) -> &R {
        if self.token.swap(LOOSE, Ordering::Relaxed) != LOOSE {
            door::lock_exposed(&self.header.0);
        }
        &self.raw
    }

    #[inline]
    fn is_loose(&self) -> bool {
        self.token.load(Ordering::Relaxed) == LOOSE
    }

    /// A fresh blocking request and its grant.
    #[inline]
    fn request<G>(
        &self,
        policy: &'static Policy,
        want: Want,
        site: Site,
        attempt: impl Fn(&R) -> Option<G>,
        lock: impl FnOnce(&R) -> G,
    ) -> G {
        if self.is_loose() {
            return lock(&self.raw);
        }
        door::before(&self.header.0, policy, want, site);
        let state = match attempt(&self.raw) {
            Some(state) => state,
            None => self.park(policy, want, site, attempt, lock),
        };
        self.hold(policy, want.mode(), site);
        state
    }

    /// The first attempt has failed.
    #[cold]
    fn park<G>(
        &self,
        policy: &'static Policy,
        want: Want,
        site: Site,
        attempt: impl Fn(&R) -> Option<G>,
        lock: impl FnOnce(&R) -> G,
    ) -> G {
        let mut parked = door::blocked(&self.header.0, policy, want, site);
        loop {
            if let Some(state) = attempt(&self.raw) {
                return state;
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
        policy: &'static Policy,
        want: Want,
        site: Site,
        timed: impl FnOnce(&R) -> G,
    ) -> G {
        if self.is_loose() {
            return timed(&self.raw);
        }
        let _parked = door::timed(&self.header.0, policy, want, site);
        timed(&self.raw)
    }

    /// The raw lock is held now.
    #[inline]
    fn hold(&self, policy: &'static Policy, mode: Mode, site: Site) {
        if !self.is_loose() {
            self.keep(mode, door::acquired(&self.header.0, policy, mode, site));
        }
    }

    fn keep(&self, mode: Mode, token: Token) {
        if matches!(mode, Mode::Exclusive | Mode::Upgradable) {
            self.token.store(token.into_bits(), Ordering::Relaxed);
        }
    }

    /// The token of the hold that excludes its own kind.
    fn take(&self) -> Token {
        Token::from_bits(self.token.swap(0, Ordering::Relaxed))
    }

    /// The hold ends; the caller unlocks the raw lock.
    #[inline]
    fn release(&self, mode: Mode) {
        if !self.is_loose() {
            let shared = matches!(mode, Mode::Shared | Mode::SharedRecursive);
            let token = if shared { Token::UNTRACKED } else { self.take() };
            door::released(&self.header.0, token);
        }
    }

    /// Runs `gap`, which gives the raw lock up and has it again when it returns or unwinds.
    #[inline]
    fn relock(
        &self,
        policy: &'static Policy,
        want: Want,
        site: Site,
        gap: impl FnOnce(&R),
    ) {
        let parks = || door::blocked(&self.header.0, policy, want, site);
        let _gap = Gap::new(self, policy, want, site, parks);
        gap(&self.raw);
    }

    /// The hold gets weaker: said before the raw lock lets others in.
    fn weaken(&self, mode: Mode) {
        if !self.is_loose() {
            let mut token = self.take();
            door::converted(&self.header.0, &mut token, mode);
            self.keep(mode, token);
        }
    }

    /// The upgradable hold is exclusive now.
    fn strengthen(&self) {
        if !self.is_loose() {
            let mut token = self.take();
            door::converted(&self.header.0, &mut token, Mode::Exclusive);
            self.keep(Mode::Exclusive, token);
        }
    }
}

/// A lock that is given up for a while; held again when this is dropped.
pub struct Gap<'a, R> {
    lock: &'a Tracked<R>,
    policy: &'static Policy,
    mode: Mode,
    site: Site,
    parked: Option<Parked>,
}

impl<'a, R> Gap<'a, R> {
    fn new(
        lock: &'a Tracked<R>,
        policy: &'static Policy,
        want: Want,
        site: Site,
        parks: impl FnOnce() -> Parked,
    ) -> Self {
        let mode = want.mode();
        lock.release(mode);
        let parked = (!lock.is_loose()).then(|| {
            // Before the gap, not at its end: by then the thread may hang for good.
            door::before_relock(&lock.header.0, policy, want, site);
            parks()
        });
        Gap { lock, policy, mode, site, parked }
    }

    /// The raw lock, for the wait in this gap.
    pub fn raw(&self) -> &'a R {
        &self.lock.raw
    }
}

impl<R> Drop for Gap<'_, R> {
    fn drop(&mut self) {
        drop(self.parked.take());
        self.lock.hold(self.policy, self.mode, self.site);
    }
}

/// The wait of a condition variable, which gives the guard's mutex up and has it again at its end.
#[track_caller]
pub fn gap<'a, R: crate::RawMutex, T: ?Sized>(
    guard: &crate::MutexGuard<'a, R, T>,
) -> Gap<'a, R> {
    let lock = &crate::MutexGuard::mutex(guard).raw;
    let (policy, site) = (traits::policy_of_mutex::<R>(), Location::caller());
    if R::LOCKGRAPH_TRACKED {
        // The raw lock tells the recorder by itself.
        lock.token.store(LOOSE, Ordering::Relaxed);
    } else if !lock.is_loose() {
        door::condvar_wait(&lock.header.0, site);
    }
    let parks = || door::sleeps(&lock.header.0, policy, site);
    Gap::new(lock, policy, Want::Exclusive, site, parks)
}

/// Where a guard is given up for a closure, and taken again at its end.
#[track_caller]
pub fn caller() -> Site {
    Location::caller()
}

/// While it lives, what is locked counts as locked at `site`.
pub fn called(site: Site) -> At {
    door::at(site, false)
}

/// While it lives, what is locked counts as locked again at `site`: it must not panic.
pub fn again(site: Site) -> At {
    door::at(site, true)
}

/// The recorder's part of parking_lot's `Once`: a lock that the initialiser holds.
pub struct Once(Header);

impl Once {
    #[track_caller]
    pub const fn new() -> Self {
        Once(Header(LockHeader::new(Some(Location::caller()))))
    }

    /// A call that may turn out to be the one that initialises.
    #[track_caller]
    pub fn call(&self) -> Call<'_> {
        Call { once: self, passing: Some(self.ask(Want::Exclusive)) }
    }

    /// A wait for an initialiser elsewhere.
    #[track_caller]
    pub fn wait(&self) -> Passing<'_> {
        self.ask(Want::Shared)
    }

    #[track_caller]
    fn ask(&self, want: Want) -> Passing<'_> {
        let site = Location::caller();
        door::before(&(self.0).0, &ONCE, want, site);
        let mut parked = door::blocked(&(self.0).0, &ONCE, want, site);
        // Nobody queues here as a writer: it asks for no further attempt.
        parked.parks();
        Passing { once: self, site, parked: Some(parked) }
    }
}

/// A wait that ends without a hold: for the recorder, with one that ends at once.
pub struct Passing<'a> {
    once: &'a Once,
    site: Site,
    parked: Option<Parked>,
}

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        drop(self.parked.take());
        let header = &(self.once.0).0;
        door::released(header, door::acquired(header, &ONCE, Mode::Shared, self.site));
    }
}

/// See [`Once::call`].
pub struct Call<'a> {
    once: &'a Once,
    passing: Option<Passing<'a>>,
}

impl Call<'_> {
    /// Runs the initialiser, which holds the lock meanwhile.
    pub fn during(&mut self, f: impl FnOnce()) {
        struct Hold<'a>(&'a LockHeader, Option<Token>);
        impl Drop for Hold<'_> {
            fn drop(&mut self) {
                if let Some(token) = self.1.take() {
                    door::released(self.0, token);
                }
            }
        }

        let header = &(self.once.0).0;
        let _hold = self.passing.take().map(|mut passing| {
            let site = passing.site;
            drop(passing.parked.take());
            core::mem::forget(passing);
            Hold(header, Some(door::acquired(header, &ONCE, Mode::Exclusive, site)))
        });
        f();
    }
}
