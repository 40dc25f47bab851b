//! Which auto traits a concrete type has.

use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};

/// Its inherent constants win where they exist, those of [`Not`] hold elsewhere.
pub(crate) struct Probe<T: ?Sized>(PhantomData<T>);

pub(crate) trait Not {
    const SEND: bool = false;
    const SYNC: bool = false;
    const UNPIN: bool = false;
    const UNWIND: bool = false;
    const REF_UNWIND: bool = false;
}

impl<T: ?Sized> Not for Probe<T> {}

impl<T: ?Sized + Send> Probe<T> {
    pub(crate) const SEND: bool = true;
}

impl<T: ?Sized + Sync> Probe<T> {
    pub(crate) const SYNC: bool = true;
}

impl<T: ?Sized + Unpin> Probe<T> {
    pub(crate) const UNPIN: bool = true;
}

impl<T: ?Sized + UnwindSafe> Probe<T> {
    pub(crate) const UNWIND: bool = true;
}

impl<T: ?Sized + RefUnwindSafe> Probe<T> {
    pub(crate) const REF_UNWIND: bool = true;
}

/// `Send`, `Sync`, `Unpin`, `UnwindSafe` and `RefUnwindSafe`, in this order. A macro, since a
/// generic function would know no more of its type than its bounds say. [`Not`] must be in scope.
macro_rules! auto {
    ($ty:ty) => {
        [
            <$crate::auto_traits::Probe<$ty>>::SEND,
            <$crate::auto_traits::Probe<$ty>>::SYNC,
            <$crate::auto_traits::Probe<$ty>>::UNPIN,
            <$crate::auto_traits::Probe<$ty>>::UNWIND,
            <$crate::auto_traits::Probe<$ty>>::REF_UNWIND,
        ]
    };
}
pub(crate) use auto;
