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
    pub fn tier(self, tier: crate::Tier) -> Config {
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
    pub fn certain(self, certain: crate::Certain) -> Config {
        let _ = certain;
        self
    }

    /// Whether reports go to the standard error.
    #[inline]
    pub fn stderr(self, on: bool) -> Config {
        let _ = on;
        self
    }

    /// The folder for the journal, which is not written.
    #[inline]
    pub fn journal_dir(self, folder: impl Into<std::path::PathBuf>) -> Config {
        drop(folder);
        self
    }

    /// An order that nobody looks at.
    #[inline]
    pub fn order(self, before: &str, after: &str) -> Config {
        let _ = (before, after);
        self
    }

    /// The file is not read.
    ///
    /// # Errors
    /// None.
    #[cfg(feature = "dump")]
    #[inline]
    pub fn order_file(
        self,
        path: impl AsRef<std::path::Path>,
    ) -> Result<Config, lockgraph_model::Error> {
        drop(path);
        Ok(self)
    }

    /// Does nothing.
    #[inline]
    pub fn install(self) {}

    /// No stack is kept.
    #[inline]
    pub fn stacks(self, on: bool) -> Config {
        let _ = on;
        self
    }

    /// No calls are kept.
    #[inline]
    pub fn callers(self, on: bool) -> Config {
        let _ = on;
        self
    }

    /// The signal keeps its meaning.
    #[inline]
    pub fn snapshot_signal(self, signal: crate::Signal) -> Config {
        let _ = signal;
        self
    }

    /// No wait is reported.
    #[inline]
    pub fn stall(self, threshold: std::time::Duration) -> Config {
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
#[derive(Clone, Debug)]
#[must_use = "nothing runs before `start`"]
pub struct DetectorBuilder(());

impl Detector {
    /// A detector of nothing. parking_lot's own is not asked either.
    pub fn builder() -> DetectorBuilder {
        DetectorBuilder(())
    }
}

impl DetectorBuilder {
    /// How often it looks: never.
    pub fn interval(self, interval: std::time::Duration) -> DetectorBuilder {
        let _ = interval;
        self
    }

    /// The threshold, which is not looked at.
    pub fn stall(self, threshold: std::time::Duration) -> DetectorBuilder {
        let _ = threshold;
        self
    }

    /// Never calls `callback`: nothing is found.
    pub fn on_finding(
        self,
        callback: impl Fn(&crate::Finding) + Send + Sync + 'static,
    ) -> DetectorBuilder {
        drop(callback);
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

#[path = "absent/door.rs"]
pub mod door;
