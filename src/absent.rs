//! Plain locks: the twin of every item of `present`, compiled to nothing.

/// Whether locks are tracked in this build.
///
/// True with `debug_assertions` of this package or `--cfg lockgraph`; false in any case with
/// `--cfg lockgraph_off` and `--cfg loom`.
pub const PRESENT: bool = false;

/// What a program asks of the recorder, which is not there: nothing is kept of it, and the
/// environment is not read.
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is asked for before `install`"]
pub struct Config(());

impl Config {
    /// Asks for nothing.
    #[inline]
    pub const fn new() -> Config {
        Config(())
    }

    /// How much is recorded.
    #[inline]
    pub const fn tier(self, tier: crate::Tier) -> Config {
        let _ = tier;
        self
    }

    /// What is done with findings of a kind.
    #[inline]
    pub fn level(self, kind: crate::Kind, level: crate::Level) -> Config {
        let _ = (kind, level);
        self
    }

    /// What becomes of a request that certainly hangs and must not panic.
    #[inline]
    pub const fn certain(self, certain: crate::Certain) -> Config {
        let _ = certain;
        self
    }

    /// Whether reports go to the standard error.
    #[inline]
    pub const fn stderr(self, on: bool) -> Config {
        let _ = on;
        self
    }

    /// The folder for the journal, which is not written.
    #[inline]
    pub fn journal_dir(self, folder: impl Into<std::path::PathBuf>) -> Config {
        drop(folder);
        self
    }

    /// Does nothing.
    #[inline]
    pub fn install(self) {}

    /// No wait is reported.
    #[inline]
    pub const fn stall(self, threshold: std::time::Duration) -> Config {
        let _ = threshold;
        self
    }
}

/// What every owner holds and waits for: nothing is known.
pub fn snapshot() -> lockgraph_core::Snapshot {
    lockgraph_core::Snapshot { sides: Vec::new(), waits: Vec::new() }
}

/// The background thread, which there is none of.
#[derive(Debug)]
pub struct Detector(());

/// What a [`Detector`] does: nothing.
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing runs before `start`"]
pub struct Builder(());

impl Detector {
    /// A detector of nothing.
    pub const fn builder() -> Builder {
        Builder(())
    }
}

impl Builder {
    /// How often it looks: never.
    pub const fn interval(self, interval: std::time::Duration) -> Builder {
        let _ = interval;
        self
    }

    /// The threshold, which is not looked at.
    pub const fn stall(self, threshold: std::time::Duration) -> Builder {
        let _ = threshold;
        self
    }

    /// Starts no thread.
    pub fn start(self) -> Detector {
        Detector(())
    }
}

/// Never calls `callback`: there are no findings.
pub fn on_finding(callback: impl Fn(&crate::Finding) + Send + Sync + 'static) {
    drop(callback);
}

/// Every finding so far: none.
pub fn findings() -> Vec<crate::Finding> {
    Vec::new()
}

pub use std::thread;

/// parking_lot itself.
pub mod parking_lot {
    pub use ::parking_lot::*;

    /// The guard state is that of the plain lock.
    pub type TrackedGuard<G> = G;
}

/// `std::sync` itself.
pub mod sync {
    pub use std::sync::*;
}

/// What is said of locks is said to nobody.
macro_rules! untracked {
    ($($name:ident $(<$($param:ident $(: $bound:tt $sized:ident)?),*>)?),*) => {
        $(
            impl $(<$($param $(: $bound $sized)?),*>)? crate::Named
                for std::sync::$name $(<$($param),*>)? {}
        )*
    };
}

untracked!(Mutex<T: ?Sized>, RwLock<T: ?Sized>, Once, OnceLock<T>, LazyLock<T, F>);

#[path = "raw/policy.rs"]
mod policy;

/// `lock_api` itself; policies are ignored.
pub mod raw {
    pub use super::policy::{Exclusive, LockPolicy, ReadWrite, ReadersFirst};

    /// `R`, whatever the policy: a type alias has to use each of its parameters.
    #[doc(hidden)]
    pub trait Ignored<R> {
        type Raw;
    }

    impl<P, R> Ignored<R> for P {
        type Raw = R;
    }

    type Plain<R, P> = <P as Ignored<R>>::Raw;

    /// The raw lock itself.
    pub type Tracked<R, P> = Plain<R, P>;
    /// The raw condition variable itself.
    pub type TrackedCondvar<C, P> = Plain<C, P>;
    /// The guard state itself.
    pub type TrackedGuard<G> = G;

    /// [`lock_api::Mutex`].
    pub type Mutex<R, P, T> = lock_api::Mutex<Plain<R, P>, T>;
    /// [`lock_api::MutexGuard`].
    pub type MutexGuard<'a, R, P, T> = lock_api::MutexGuard<'a, Plain<R, P>, T>;
    /// [`lock_api::MappedMutexGuard`].
    pub type MappedMutexGuard<'a, R, P, T> = lock_api::MappedMutexGuard<'a, Plain<R, P>, T>;
    /// [`lock_api::RwLock`].
    pub type RwLock<R, P, T> = lock_api::RwLock<Plain<R, P>, T>;
    /// [`lock_api::RwLockReadGuard`].
    pub type RwLockReadGuard<'a, R, P, T> = lock_api::RwLockReadGuard<'a, Plain<R, P>, T>;
    /// [`lock_api::RwLockWriteGuard`].
    pub type RwLockWriteGuard<'a, R, P, T> = lock_api::RwLockWriteGuard<'a, Plain<R, P>, T>;
    /// [`lock_api::RwLockUpgradableReadGuard`].
    pub type RwLockUpgradableReadGuard<'a, R, P, T> =
        lock_api::RwLockUpgradableReadGuard<'a, Plain<R, P>, T>;
    /// [`lock_api::MappedRwLockReadGuard`].
    pub type MappedRwLockReadGuard<'a, R, P, T> =
        lock_api::MappedRwLockReadGuard<'a, Plain<R, P>, T>;
    /// [`lock_api::MappedRwLockWriteGuard`].
    pub type MappedRwLockWriteGuard<'a, R, P, T> =
        lock_api::MappedRwLockWriteGuard<'a, Plain<R, P>, T>;
    /// [`lock_api::ReentrantMutex`].
    pub type ReentrantMutex<R, G, P, T> = lock_api::ReentrantMutex<Plain<R, P>, G, T>;
    /// [`lock_api::ReentrantMutexGuard`].
    pub type ReentrantMutexGuard<'a, R, G, P, T> =
        lock_api::ReentrantMutexGuard<'a, Plain<R, P>, G, T>;
    /// [`lock_api::MappedReentrantMutexGuard`].
    pub type MappedReentrantMutexGuard<'a, R, G, P, T> =
        lock_api::MappedReentrantMutexGuard<'a, Plain<R, P>, G, T>;
    /// [`lock_api::Condvar`].
    pub type Condvar<C, P> = lock_api::Condvar<Plain<C, P>>;

    #[cfg(feature = "arc_lock")]
    mod arc {
        use super::Plain;

        /// [`lock_api::ArcMutexGuard`].
        pub type ArcMutexGuard<R, P, T> = lock_api::ArcMutexGuard<Plain<R, P>, T>;
        /// [`lock_api::ArcReentrantMutexGuard`].
        pub type ArcReentrantMutexGuard<R, G, P, T> =
            lock_api::ArcReentrantMutexGuard<Plain<R, P>, G, T>;
        /// [`lock_api::ArcRwLockReadGuard`].
        pub type ArcRwLockReadGuard<R, P, T> = lock_api::ArcRwLockReadGuard<Plain<R, P>, T>;
        /// [`lock_api::ArcRwLockWriteGuard`].
        pub type ArcRwLockWriteGuard<R, P, T> = lock_api::ArcRwLockWriteGuard<Plain<R, P>, T>;
        /// [`lock_api::ArcRwLockUpgradableReadGuard`].
        pub type ArcRwLockUpgradableReadGuard<R, P, T> =
            lock_api::ArcRwLockUpgradableReadGuard<Plain<R, P>, T>;
    }
    #[cfg(feature = "arc_lock")]
    pub use arc::*;
}

impl<R: lock_api::RawMutex, T: ?Sized> crate::Named for lock_api::Mutex<R, T> {}
impl<R: lock_api::RawRwLock, T: ?Sized> crate::Named for lock_api::RwLock<R, T> {}
impl<R: lock_api::RawMutex, G: lock_api::GetThreadId, T: ?Sized> crate::Named
    for lock_api::ReentrantMutex<R, G, T>
{
}
impl crate::Named for ::parking_lot::Once {}

crate::lock_all::takes! {
    [R: lock_api::RawMutex, T: ?Sized] lock_api::Mutex<R, T>,
        crate::lock_all::Exclusive, lock_api::MutexGuard<'a, R, T>, lock, try_lock;
    [R: lock_api::RawMutex, G: lock_api::GetThreadId, T: ?Sized] lock_api::ReentrantMutex<R, G, T>,
        crate::lock_all::Exclusive, lock_api::ReentrantMutexGuard<'a, R, G, T>, lock, try_lock;
    [R: lock_api::RawRwLock, T: ?Sized] lock_api::RwLock<R, T>,
        crate::lock_all::Exclusive, lock_api::RwLockWriteGuard<'a, R, T>, write, try_write;
    [R: lock_api::RawRwLock, T: ?Sized] lock_api::RwLock<R, T>,
        crate::lock_all::Shared, lock_api::RwLockReadGuard<'a, R, T>, read, try_read;
    [R: lock_api::RawRwLockUpgrade, T: ?Sized] lock_api::RwLock<R, T>,
        crate::lock_all::Upgradable, lock_api::RwLockUpgradableReadGuard<'a, R, T>,
        upgradable_read, try_upgradable_read;
}

/// The door between lock wrappers and the recorder: leads nowhere.
pub mod door {
    pub use lockgraph_core::door::Waiting;
    pub use lockgraph_core::lock::{Label, LockId, Site};
    pub use lockgraph_core::mode::{Mode, Policy, Want};

    /// The part of a tracked lock that the recorder owns: nothing.
    #[derive(Debug)]
    pub struct LockHeader(());

    impl LockHeader {
        /// A header for a lock created at `site`, or at a place unknown.
        #[inline]
        pub const fn new(site: Option<Site>) -> Self {
            let _ = site;
            LockHeader(())
        }

        /// A header for a lock that `Default` made at `site`.
        #[inline]
        pub const fn by_default(site: Site) -> Self {
            let _ = site;
            LockHeader(())
        }

        /// A header for a lock with a static label.
        #[inline]
        pub const fn labelled(label: &'static Label) -> Self {
            let _ = label;
            LockHeader(())
        }

        /// False: there is nothing to adopt a lock for.
        #[inline]
        pub fn is_unborn(&self) -> bool {
            false
        }

        /// `LockId(0)`.
        #[inline]
        pub fn id(&self) -> LockId {
            LockId(0)
        }
    }

    /// The hold that an acquisition made.
    #[derive(Debug, PartialEq, Eq)]
    #[must_use = "a token that is dropped leaves its hold in the held set"]
    pub struct Token(());

    impl Token {
        /// The token of an acquisition that the recorder does not follow: of each.
        pub const UNTRACKED: Token = Token(());

        /// True: nothing has to be told of any end.
        #[inline(always)]
        pub fn is_nothing(&self, lock: &LockHeader) -> bool {
            let _ = lock;
            true
        }

        /// 0: there is nothing to keep.
        #[inline]
        pub fn into_bits(self) -> u64 {
            0
        }

        /// The token that [`into_bits`](Self::into_bits) has taken apart.
        #[inline]
        pub fn from_bits(bits: u64) -> Token {
            let _ = bits;
            Token(())
        }
    }

    /// What a thread start hands to the child, and to whoever joins it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Birth(());

    impl Birth {
        /// The birth of a thread that the recorder does not follow: of each.
        pub const UNTRACKED: Birth = Birth(());
    }

    /// The threads of a scope: nobody counts them.
    #[derive(Debug)]
    pub struct Children(());

    impl Children {
        /// None.
        #[inline]
        #[expect(clippy::new_without_default, reason = "as the one that counts")]
        pub const fn new() -> Self {
            Children(())
        }

        /// A thread is about to start.
        #[inline]
        pub fn add(&self, birth: Birth) {
            let _ = birth;
        }

        /// A thread is joined by hand, or did not start.
        #[inline]
        pub fn remove(&self, birth: Birth) {
            let _ = birth;
        }

        /// The scope begins to wait for all of them.
        #[inline]
        pub fn joining(&self, site: Site) {
            let _ = site;
        }

        /// The scope has waited for all of them.
        #[inline]
        pub fn joined(&self) {}
    }

    /// The answer to a request that the real lock has granted at once: yes.
    #[derive(Debug)]
    pub struct Granted(());

    impl Granted {
        /// The hold, which nobody follows.
        #[inline(always)]
        pub fn token(self) -> Option<Token> {
            Some(Token(()))
        }
    }

    /// A wait of the running owner, while it lives.
    #[derive(Debug)]
    #[must_use = "the wait is over when this is dropped"]
    pub struct Parked(());

    impl Parked {
        /// True: the caller parks.
        #[inline(always)]
        pub fn parks(&mut self) -> bool {
            true
        }
    }

    /// A hint for the next acquisition.
    #[derive(Debug)]
    pub struct At(());

    /// A bounded observation.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Scope(());

    impl Scope {
        /// The scope of owners that nobody observes: of each.
        pub const NONE: Scope = Scope(());
    }

    /// What a scope has seen: nothing.
    #[derive(Debug, Default)]
    pub struct Observed {
        /// None.
        pub findings: Vec<crate::Finding>,
        /// Empty.
        pub journal: String,
    }

    /// One no-op per function of the door.
    macro_rules! nothing {
        ($($(#[$attr:meta])* $name:ident($($arg:ident: $ty:ty),*) $(-> $ret:ty = $value:expr)?;)*) => {
            $(
                $(#[$attr])*
                #[inline(always)]
                pub fn $name($($arg: $ty),*) $(-> $ret)? {
                    let _ = ($($arg,)*);
                    $($value)?
                }
            )*
        };
    }

    nothing! {
        /// A fresh blocking request.
        before(lock: &LockHeader, policy: &'static Policy, want: Want, site: Site);
        /// A blocking re-acquisition.
        before_relock(lock: &LockHeader, policy: &'static Policy, want: Want, site: Site);
        /// The caller is about to park.
        blocked(lock: &LockHeader, policy: &'static Policy, want: Want, site: Site)
            -> Parked = Parked(());
        /// The caller is about to park for a while.
        timed(lock: &LockHeader, policy: &'static Policy, want: Want, site: Site)
            -> Parked = Parked(());
        /// The caller is about to sleep, and to take the mutex again.
        sleeps(lock: &LockHeader, policy: &'static Policy, site: Site) -> Parked = Parked(());
        /// The caller is about to wait for a permit.
        permit(lock: &LockHeader, policy: &'static Policy, permits: u32, site: Site)
            -> Parked = Parked(());
        /// The real lock is held now.
        acquired(lock: &LockHeader, policy: &'static Policy, mode: Mode, site: Site)
            -> Token = Token::UNTRACKED;
        /// The hold ends.
        released(lock: &LockHeader, token: Token);
        /// The newest hold of `lock` by the running owner ends; true.
        released_by_lock(lock: &LockHeader) -> bool = true;
        /// A fresh blocking request that the real lock has granted at once.
        granted(lock: &LockHeader, policy: &'static Policy, site: Site, mode: Mode) -> Granted = Granted(());
        /// As [`granted`], shared.
        granted_shared(lock: &LockHeader, policy: &'static Policy, site: Site) -> Granted = Granted(());
        /// As [`granted`], exclusively, of a lock without readers.
        granted_alone(lock: &LockHeader, policy: &'static Policy, site: Site) -> Granted = Granted(());
        /// As [`granted`], exclusively, of a lock with readers.
        granted_writer(lock: &LockHeader, policy: &'static Policy, site: Site) -> Granted = Granted(());
        /// True: nothing is recorded.
        is_off() -> bool = true;
        /// False: nothing is recorded.
        is_on() -> bool = false;
        /// The hold changes its mode in place.
        converted(lock: &LockHeader, token: &mut Token, mode: Mode);
        /// From now on the lock is used past the recorder.
        lock_exposed(lock: &LockHeader);
        /// The lock object is gone.
        lock_dropped(lock: &LockHeader);
        /// The lock object was initialised anew in place.
        lock_reinitialised(lock: &LockHeader);
        /// Gives a lock the type that it protects.
        adopt(lock: &LockHeader, policy: &'static Policy, type_name: &'static str);
        /// Names a lock.
        name(lock: &LockHeader, policy: &'static Policy, name: &str);
        /// Puts a lock on a level of its class.
        nest(lock: &LockHeader, policy: &'static Policy, level: u8);
        /// Declares that locks of this class nest in the order of a key.
        key(lock: &LockHeader, policy: &'static Policy);
        /// The place of a lock in one order of all locks: none.
        place(lock: &LockHeader, policy: &'static Policy) -> (u32, u64) = (0, 0);
        /// Forgets every order in which the lock was taken.
        forget_order(lock: &LockHeader);
        /// Whether the running owner holds `lock`: taken on trust.
        assert_held(lock: &LockHeader, policy: &'static Policy) -> bool = true;
        /// The running owner is about to wait on a condition variable.
        condvar_wait(lock: &LockHeader, site: Site);
        /// Somebody waits on the same condition variable with another mutex.
        condvar_two_mutexes(lock: &LockHeader, site: Site);
        /// A hint for the next acquisition.
        at(site: Site, relock: bool) -> At = At(());
        /// The running owner is about to start a thread.
        thread_starting() -> Birth = Birth(());
        /// Called first on the started thread.
        thread_started(birth: Birth);
        /// The closure of the started thread has ended.
        closure_ended(birth: Birth);
        /// The running owner is about to wait for the thread.
        thread_joining(birth: Birth, site: Site) -> Parked = Parked(());
        /// The running owner has joined the thread.
        thread_joined(birth: Birth);
        /// Nobody will wait for the thread.
        thread_detached(birth: Birth);
        /// The running owner is about to block, and for no lock.
        waiting(what: Waiting, site: Site) -> Parked = Parked(());
        /// Whether the running owner holds nothing: taken on trust.
        no_locks_held(name: &'static str, site: Site) -> bool = true;
        /// Opens a scope.
        scope_opened() -> Scope = Scope::NONE;
        /// The scope of the running owner.
        scope_current() -> Scope = Scope::NONE;
        /// The running owner belongs to `scope` from now on.
        scope_entered(scope: Scope) -> Scope = Scope::NONE;
        /// Ends a scope.
        scope_closed(scope: Scope) -> Observed = Observed::default();
    }
}
