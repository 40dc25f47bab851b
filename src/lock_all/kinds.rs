//! The locks that can be taken together, and in which modes.

use super::Place;
use super::group::Member;
use crate::Named;
use crate::sync;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{LockResult, TryLockError};

/// To be held alone.
#[derive(Clone, Copy, Debug)]
pub enum Exclusive {}
/// To be held together with other readers.
#[derive(Clone, Copy, Debug)]
pub enum Shared {}
/// To be held together with readers, and upgraded later.
#[derive(Clone, Copy, Debug)]
pub enum Upgradable {}

/// A lock that can be taken in mode `M`.
pub trait Takes<M>: Named {
    /// What its own method for that mode gives.
    type Guard<'a>
    where
        Self: 'a;

    /// Takes it, and parks the thread until that is possible.
    #[track_caller]
    fn take(&self) -> Self::Guard<'_>;

    /// Takes it if that is possible at once.
    #[track_caller]
    fn try_take(&self) -> Option<Self::Guard<'_>>;
}

/// A lock in a mode, to be taken together with others.
pub struct Take<'a, L: ?Sized, M>(&'a L, PhantomData<M>);

impl<L: ?Sized, M> Clone for Take<'_, L, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L: ?Sized, M> Copy for Take<'_, L, M> {}

impl<L: ?Sized, M> Take<'_, L, M> {
    #[doc(hidden)]
    #[must_use]
    pub fn __member(self) -> Self {
        self
    }
}

impl<L: Named + ?Sized, M> fmt::Debug for Take<'_, L, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Take").field(&Place::of(self.0)).finish()
    }
}

impl<'a, L: Takes<M> + ?Sized, M> Member for Take<'a, L, M> {
    type Guard = L::Guard<'a>;

    fn place(&self) -> Place {
        Place::of(self.0)
    }

    #[track_caller]
    fn lock(&self) -> L::Guard<'a> {
        self.0.take()
    }

    #[track_caller]
    fn try_lock(&self) -> Option<L::Guard<'a>> {
        self.0.try_take()
    }
}

/// A reference to a lock: to be taken exclusively.
impl<'a, L: Takes<Exclusive> + ?Sized> Member for &'a L {
    type Guard = L::Guard<'a>;

    fn place(&self) -> Place {
        Place::of(*self)
    }

    #[track_caller]
    fn lock(&self) -> L::Guard<'a> {
        (*self).take()
    }

    #[track_caller]
    fn try_lock(&self) -> Option<L::Guard<'a>> {
        (*self).try_take()
    }
}

/// Says in which mode a lock is to be taken together with others.
pub trait Together: Named {
    /// For reading.
    fn shared(&self) -> Take<'_, Self, Shared>
    where
        Self: Takes<Shared>,
    {
        Take(self, PhantomData)
    }

    /// For reading, and for writing later.
    fn upgradable(&self) -> Take<'_, Self, Upgradable>
    where
        Self: Takes<Upgradable>,
    {
        Take(self, PhantomData)
    }

    #[doc(hidden)]
    fn __member(&self) -> Take<'_, Self, Exclusive>
    where
        Self: Takes<Exclusive>,
    {
        Take(self, PhantomData)
    }
}

impl<L: Named + ?Sized> Together for L {}

/// One `Takes` per kind of `lock_api`'s locks and mode: where those are listed, they have different
/// types present and absent.
macro_rules! takes {
    ($([$($param:tt)*] $lock:ty, $mode:ty, $guard:ty, $take:ident, $try_take:ident;)*) => {
        $(
            impl<$($param)*> $crate::lock_all::Takes<$mode> for $lock {
                type Guard<'a> = $guard where Self: 'a;

                #[track_caller]
                fn take(&self) -> Self::Guard<'_> {
                    self.$take()
                }

                #[track_caller]
                fn try_take(&self) -> Option<Self::Guard<'_>> {
                    self.$try_take()
                }
            }
        )*
    };
}
pub(crate) use takes;

/// One `Takes` per kind of `std`'s locks and mode.
macro_rules! takes_or_poisoned {
    ($($lock:ident, $mode:ident, $guard:ident, $take:ident, $try_take:ident;)*) => {
        $(
            impl<T: ?Sized> Takes<$mode> for sync::$lock<T> {
                type Guard<'a> = LockResult<sync::$guard<'a, T>> where Self: 'a;

                #[track_caller]
                fn take(&self) -> Self::Guard<'_> {
                    self.$take()
                }

                #[track_caller]
                fn try_take(&self) -> Option<Self::Guard<'_>> {
                    match self.$try_take() {
                        Ok(guard) => Some(Ok(guard)),
                        Err(TryLockError::Poisoned(poisoned)) => Some(Err(poisoned)),
                        Err(TryLockError::WouldBlock) => None,
                    }
                }
            }
        )*
    };
}

takes_or_poisoned! {
    Mutex, Exclusive, MutexGuard, lock, try_lock;
    RwLock, Exclusive, RwLockWriteGuard, write, try_write;
    RwLock, Shared, RwLockReadGuard, read, try_read;
}
