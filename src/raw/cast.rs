//! From `lock_api`'s lock types to ours and back, by reference and in an [`Arc`].
//!
//! Ours are `repr(transparent)` around `lock_api`'s, so a pointer to the one is a pointer to the
//! other.

use super::{Mutex, ReentrantMutex, RwLock, Tracked};
use lock_api::{GetThreadId, RawMutex, RawRwLock};
use lockgraph_core::lock::LockHeader;
#[cfg(feature = "arc_lock")]
use std::{mem::ManuallyDrop, sync::Arc};

/// A type that is `repr(transparent)` around `Base`.
///
/// # Safety
/// It is, and [`ours`](Transparent::ours) and [`base`](Transparent::base) are casts that keep
/// address and metadata.
pub(crate) unsafe trait Transparent {
    type Base: ?Sized;
    fn ours(base: *const Self::Base) -> *const Self;
    #[cfg_attr(not(feature = "arc_lock"), expect(dead_code, reason = "only an `Arc` needs it"))]
    fn base(ours: *const Self) -> *const Self::Base;
}

// SAFETY: `Mutex` is `repr(transparent)` around its base.
unsafe impl<R, P, T: ?Sized> Transparent for Mutex<R, P, T> {
    type Base = lock_api::Mutex<Tracked<R, P>, T>;
    fn ours(base: *const Self::Base) -> *const Self {
        base as *const Self
    }
    fn base(ours: *const Self) -> *const Self::Base {
        ours as *const Self::Base
    }
}

// SAFETY: `RwLock` is `repr(transparent)` around its base.
unsafe impl<R, P, T: ?Sized> Transparent for RwLock<R, P, T> {
    type Base = lock_api::RwLock<Tracked<R, P>, T>;
    fn ours(base: *const Self::Base) -> *const Self {
        base as *const Self
    }
    fn base(ours: *const Self) -> *const Self::Base {
        ours as *const Self::Base
    }
}

// SAFETY: `ReentrantMutex` is `repr(transparent)` around its base.
unsafe impl<R: RawMutex, G, P: super::LockPolicy, T: ?Sized> Transparent
    for ReentrantMutex<R, G, P, T>
{
    type Base = lock_api::ReentrantMutex<Tracked<R, P>, G, T>;
    fn ours(base: *const Self::Base) -> *const Self {
        base as *const Self
    }
    fn base(ours: *const Self) -> *const Self::Base {
        ours as *const Self::Base
    }
}

/// The lock of which a `lock_api` guard gave `base`.
#[inline]
pub(crate) fn ours<T: Transparent + ?Sized>(base: &T::Base) -> &T {
    // SAFETY: `T` is `repr(transparent)` around `T::Base`, and the cast keeps the metadata.
    unsafe { &*T::ours(base) }
}

/// Another handle to `lock` that owns no reference count: it must not be dropped, nor outlive
/// every other handle.
#[cfg(feature = "arc_lock")]
#[inline]
pub(crate) fn base_arc<T: Transparent + ?Sized>(lock: &Arc<T>) -> ManuallyDrop<Arc<T::Base>> {
    // SAFETY: the pointer is that of an `Arc` of a type that is `repr(transparent)` around
    // `T::Base`; the count that `from_raw` assumes is never given back, being never dropped.
    ManuallyDrop::new(unsafe { Arc::from_raw(T::base(Arc::as_ptr(lock))) })
}

/// As [`base_arc`], the other way round.
#[cfg(feature = "arc_lock")]
#[inline]
pub(crate) fn ours_arc<T: Transparent + ?Sized>(lock: &Arc<T::Base>) -> ManuallyDrop<Arc<T>> {
    // SAFETY: as in `base_arc`.
    ManuallyDrop::new(unsafe { Arc::from_raw(T::ours(Arc::as_ptr(lock))) })
}

/// The same handle, count and all.
#[cfg(feature = "arc_lock")]
#[inline]
pub(crate) fn into_ours_arc<T: Transparent + ?Sized>(lock: Arc<T::Base>) -> Arc<T> {
    // SAFETY: the pointer is that of an `Arc` of what `T` is `repr(transparent)` around, and its
    // count moves along.
    unsafe { Arc::from_raw(T::ours(Arc::into_raw(lock))) }
}

/// The recorder's part of a mutex.
#[inline]
pub(crate) fn mutex_header<R: RawMutex, P: super::LockPolicy, T: ?Sized>(
    lock: &lock_api::Mutex<Tracked<R, P>, T>,
) -> &LockHeader {
    // SAFETY: the raw lock is neither locked nor unlocked through this reference.
    unsafe { lock.raw() }.header()
}

/// The recorder's part of a reader-writer lock.
#[inline]
pub(crate) fn rwlock_header<R: RawRwLock, P: super::LockPolicy, T: ?Sized>(
    lock: &lock_api::RwLock<Tracked<R, P>, T>,
) -> &LockHeader {
    // SAFETY: the raw lock is neither locked nor unlocked through this reference.
    unsafe { lock.raw() }.header()
}

/// The recorder's part of a reentrant mutex.
#[inline]
pub(crate) fn remutex_header<R: RawMutex, G: GetThreadId, P: super::LockPolicy, T: ?Sized>(
    lock: &lock_api::ReentrantMutex<Tracked<R, P>, G, T>,
) -> &LockHeader {
    // SAFETY: the raw lock is neither locked nor unlocked through this reference.
    unsafe { lock.raw() }.header()
}
