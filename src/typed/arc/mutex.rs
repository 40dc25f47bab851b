//! The arc guards of the mutexes.

use super::super::relock;
use crate::raw::{LockPolicy, Mutex, ReentrantMutex, Tracked, cast};
use lock_api::{GetThreadId, RawMutex, RawMutexFair, RawMutexTimed};
use lockgraph_core::door;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::sync::Arc;

impl<R: RawMutex, P: LockPolicy, T: ?Sized> Mutex<R, P, T> {
    /// As [`lock`](Self::lock); the guard owns a handle to the mutex.
    ///
    /// # Panics
    /// As [`lock`](Self::lock).
    #[inline]
    #[track_caller]
    pub fn lock_arc(self: &Arc<Self>) -> ArcMutexGuard<R, P, T> {
        self.base();
        ArcMutexGuard::wrap(cast::base_arc(self).lock_arc())
    }

    /// As [`try_lock`](Self::try_lock); the guard owns a handle to the mutex.
    #[inline]
    #[track_caller]
    pub fn try_lock_arc(self: &Arc<Self>) -> Option<ArcMutexGuard<R, P, T>> {
        self.base();
        cast::base_arc(self).try_lock_arc().map(ArcMutexGuard::wrap)
    }
}

impl<R: RawMutexTimed, P: LockPolicy, T: ?Sized> Mutex<R, P, T> {
    /// As [`try_lock_for`](Self::try_lock_for); the guard owns a handle to the mutex.
    #[inline]
    #[track_caller]
    pub fn try_lock_arc_for(
        self: &Arc<Self>,
        timeout: R::Duration,
    ) -> Option<ArcMutexGuard<R, P, T>> {
        self.base();
        cast::base_arc(self).try_lock_arc_for(timeout).map(ArcMutexGuard::wrap)
    }

    /// As [`try_lock_until`](Self::try_lock_until); the guard owns a handle to the mutex.
    #[inline]
    #[track_caller]
    pub fn try_lock_arc_until(
        self: &Arc<Self>,
        timeout: R::Instant,
    ) -> Option<ArcMutexGuard<R, P, T>> {
        self.base();
        cast::base_arc(self).try_lock_arc_until(timeout).map(ArcMutexGuard::wrap)
    }
}

/// The right to the data of a [`Mutex`] that it keeps alive; unlocks when dropped.
#[clippy::has_significant_drop]
#[must_use = "if unused the Mutex will immediately unlock"]
pub struct ArcMutexGuard<R: RawMutex, P: LockPolicy, T: ?Sized>(
    lock_api::ArcMutexGuard<Tracked<R, P>, T>,
    ManuallyDrop<Arc<Mutex<R, P, T>>>,
);

impl<R: RawMutex, P: LockPolicy, T: ?Sized> ArcMutexGuard<R, P, T> {
    arc_guard!(ArcMutexGuard<Tracked<R, P>, T>, mutex -> Mutex<R, P, T>);
}

impl<R: RawMutexFair, P: LockPolicy, T: ?Sized> ArcMutexGuard<R, P, T> {
    arc_guard_fair!(ArcMutexGuard -> Mutex<R, P, T>);
}

guard_data!([R: RawMutex, P: LockPolicy, T: ?Sized] ArcMutexGuard<R, P, T>, mut);

impl<R: RawMutex, G: GetThreadId, P: LockPolicy, T: ?Sized> ReentrantMutex<R, G, P, T> {
    /// As [`make_guard_unchecked`](Self::make_guard_unchecked); the guard owns a handle.
    ///
    /// # Safety
    /// As [`make_guard_unchecked`](Self::make_guard_unchecked).
    #[inline]
    pub unsafe fn make_arc_guard_unchecked(self: &Arc<Self>) -> ArcReentrantMutexGuard<R, G, P, T> {
        // SAFETY: the contract is the same.
        ArcReentrantMutexGuard::wrap(unsafe { cast::base_arc(self).make_arc_guard_unchecked() })
    }

    /// As [`lock`](Self::lock); the guard owns a handle to the mutex.
    ///
    /// # Panics
    /// As [`lock`](Self::lock).
    #[inline]
    #[track_caller]
    pub fn lock_arc(self: &Arc<Self>) -> ArcReentrantMutexGuard<R, G, P, T> {
        self.base();
        let _hint = door::at(Location::caller(), false);
        ArcReentrantMutexGuard::wrap(cast::base_arc(self).lock_arc())
    }

    /// As [`try_lock`](Self::try_lock); the guard owns a handle to the mutex.
    ///
    /// # Panics
    /// As [`try_lock`](Self::try_lock).
    #[inline]
    #[track_caller]
    pub fn try_lock_arc(self: &Arc<Self>) -> Option<ArcReentrantMutexGuard<R, G, P, T>> {
        self.base();
        let _hint = door::at(Location::caller(), false);
        cast::base_arc(self).try_lock_arc().map(ArcReentrantMutexGuard::wrap)
    }
}

impl<R: RawMutexTimed, G: GetThreadId, P: LockPolicy, T: ?Sized> ReentrantMutex<R, G, P, T> {
    /// As [`try_lock_for`](Self::try_lock_for); the guard owns a handle to the mutex.
    ///
    /// # Panics
    /// As [`try_lock_for`](Self::try_lock_for).
    #[inline]
    #[track_caller]
    pub fn try_lock_arc_for(
        self: &Arc<Self>,
        timeout: R::Duration,
    ) -> Option<ArcReentrantMutexGuard<R, G, P, T>> {
        self.base();
        let _hint = door::at(Location::caller(), false);
        cast::base_arc(self).try_lock_arc_for(timeout).map(ArcReentrantMutexGuard::wrap)
    }

    /// As [`try_lock_until`](Self::try_lock_until); the guard owns a handle to the mutex.
    ///
    /// # Panics
    /// As [`try_lock_until`](Self::try_lock_until).
    #[inline]
    #[track_caller]
    pub fn try_lock_arc_until(
        self: &Arc<Self>,
        timeout: R::Instant,
    ) -> Option<ArcReentrantMutexGuard<R, G, P, T>> {
        self.base();
        let _hint = door::at(Location::caller(), false);
        cast::base_arc(self).try_lock_arc_until(timeout).map(ArcReentrantMutexGuard::wrap)
    }
}

/// One lock of a [`ReentrantMutex`] that it keeps alive; unlocks once when dropped.
#[clippy::has_significant_drop]
#[must_use = "if unused the ReentrantMutex will immediately unlock"]
pub struct ArcReentrantMutexGuard<R: RawMutex, G: GetThreadId, P: LockPolicy, T: ?Sized>(
    lock_api::ArcReentrantMutexGuard<Tracked<R, P>, G, T>,
    ManuallyDrop<Arc<ReentrantMutex<R, G, P, T>>>,
);

impl<R: RawMutex, G: GetThreadId, P: LockPolicy, T: ?Sized> ArcReentrantMutexGuard<R, G, P, T> {
    arc_guard!(
        ArcReentrantMutexGuard<Tracked<R, P>, G, T>, remutex -> ReentrantMutex<R, G, P, T>
    );
}

impl<R: RawMutexFair, G: GetThreadId, P: LockPolicy, T: ?Sized> ArcReentrantMutexGuard<R, G, P, T> {
    arc_guard_fair!(ArcReentrantMutexGuard -> ReentrantMutex<R, G, P, T>);
}

guard_data!(
    [R: RawMutex, G: GetThreadId, P: LockPolicy, T: ?Sized] ArcReentrantMutexGuard<R, G, P, T>
);
