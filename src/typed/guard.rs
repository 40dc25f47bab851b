//! What the guards have in common. Each is a newtype whose field 0 is `lock_api`'s guard.

/// `Deref`, `Debug` and `Display`, as the data has them.
macro_rules! guard_data {
    ([$($param:tt)*] $guard:ty) => {
        impl<$($param)*> Deref for $guard {
            type Target = T;
            #[inline]
            fn deref(&self) -> &T {
                &self.0
            }
        }

        impl<$($param)*> fmt::Debug for $guard
        where
            T: fmt::Debug,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&**self, f)
            }
        }

        impl<$($param)*> fmt::Display for $guard
        where
            T: fmt::Display,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&**self, f)
            }
        }
    };
    ([$($param:tt)*] $guard:ty, mut) => {
        guard_data!([$($param)*] $guard);

        impl<$($param)*> DerefMut for $guard {
            #[inline]
            fn deref_mut(&mut self) -> &mut T {
                &mut self.0
            }
        }
    };
}

/// `map`, `try_map`, `try_map_or_err`.
macro_rules! guard_map {
    ($base:ident => $mapped:ty $(, $mutable:tt)?) => {
        /// Narrows the guard to a component of the data.
        ///
        /// An associated function, as methods of the data may have this name.
        ///
        /// # Panics
        /// Where `f` does; the lock is released then.
        #[inline]
        pub fn map<U: ?Sized, F>(s: Self, f: F) -> $mapped
        where
            F: FnOnce(&$($mutable)? T) -> &$($mutable)? U,
        {
            lock_api::$base::map(s.0, f)
        }

        /// Narrows the guard to a component of the data, if `f` finds one.
        ///
        /// # Errors
        /// The guard as it was, where `f` returns `None`.
        ///
        /// # Panics
        /// Where `f` does; the lock is released then.
        #[inline]
        pub fn try_map<U: ?Sized, F>(s: Self, f: F) -> Result<$mapped, Self>
        where
            F: FnOnce(&$($mutable)? T) -> Option<&$($mutable)? U>,
        {
            lock_api::$base::try_map(s.0, f).map_err(Self)
        }

        /// Narrows the guard to a component of the data, if `f` finds one.
        ///
        /// # Errors
        /// The guard as it was and the error of `f`.
        ///
        /// # Panics
        /// Where `f` does; the lock is released then.
        #[inline]
        pub fn try_map_or_err<U: ?Sized, F, E>(s: Self, f: F) -> Result<$mapped, (Self, E)>
        where
            F: FnOnce(&$($mutable)? T) -> Result<&$($mutable)? U, E>,
        {
            lock_api::$base::try_map_or_err(s.0, f).map_err(|(guard, error)| (Self(guard), error))
        }
    };
}

/// `unlocked`.
macro_rules! guard_unlocked {
    ($base:ident) => {
        /// Unlocks while `f` runs, and locks again.
        ///
        /// The recorder treats the relock as a request behind every lock that is held then. It
        /// never panics there.
        ///
        /// # Panics
        /// Where `f` does; the lock is held again then.
        #[inline]
        #[track_caller]
        pub fn unlocked<F, U>(s: &mut Self, f: F) -> U
        where
            F: FnOnce() -> U,
        {
            let site = Location::caller();
            let mut hint = None;
            lock_api::$base::unlocked(&mut s.0, || relock::after(&mut hint, site, f))
        }
    };
}

/// `unlock_fair`, `unlocked_fair`, `bump`.
macro_rules! guard_fair {
    ($base:ident) => {
        /// Unlocks, and hands the lock to a waiting thread where there is one.
        #[inline]
        #[track_caller]
        pub fn unlock_fair(s: Self) {
            lock_api::$base::unlock_fair(s.0);
        }

        /// As [`unlocked`](Self::unlocked), handing the lock to a waiting thread where there is
        /// one.
        ///
        /// # Panics
        /// Where `f` does; the lock is held again then.
        #[inline]
        #[track_caller]
        pub fn unlocked_fair<F, U>(s: &mut Self, f: F) -> U
        where
            F: FnOnce() -> U,
        {
            let site = Location::caller();
            let mut hint = None;
            lock_api::$base::unlocked_fair(&mut s.0, || relock::after(&mut hint, site, f))
        }

        /// Lets a waiting thread have the lock for a while, if there is one.
        #[inline]
        #[track_caller]
        pub fn bump(s: &mut Self) {
            let _hint = door::at(Location::caller(), true);
            lock_api::$base::bump(&mut s.0);
        }
    };
}

/// `with_upgraded`, `try_with_upgraded`.
macro_rules! guard_with_upgraded {
    () => {
        /// Runs `f` with the lock upgraded to a write, and downgrades again.
        ///
        /// The recorder never panics here.
        ///
        /// # Panics
        /// Where `f` does; the lock is held upgradably then.
        #[track_caller]
        pub fn with_upgraded<Ret, F: FnOnce(&mut T) -> Ret>(&mut self, f: F) -> Ret {
            // `lock_api` aborts on a panic in this upgrade, as it does in a relock.
            let mut hint = Some(door::at(Location::caller(), true));
            self.0.with_upgraded(|data| {
                hint = None;
                f(data)
            })
        }

        /// Runs `f` with the lock upgraded to a write if there is no other reader.
        ///
        /// # Panics
        /// Where `f` does; the lock is held upgradably then.
        #[track_caller]
        pub fn try_with_upgraded<Ret, F: FnOnce(&mut T) -> Ret>(&mut self, f: F) -> Option<Ret> {
            self.0.try_with_upgraded(f)
        }
    };
}

/// `try_with_upgraded_for`, `try_with_upgraded_until`.
macro_rules! guard_with_upgraded_timed {
    () => {
        /// Runs `f` with the lock upgraded to a write if the other readers are gone within
        /// `timeout`.
        ///
        /// # Panics
        /// Where `f` does; the lock is held upgradably then.
        #[track_caller]
        pub fn try_with_upgraded_for<Ret, F: FnOnce(&mut T) -> Ret>(
            &mut self,
            timeout: R::Duration,
            f: F,
        ) -> Option<Ret> {
            self.0.try_with_upgraded_for(timeout, f)
        }

        /// Runs `f` with the lock upgraded to a write if the other readers are gone before
        /// `timeout`.
        ///
        /// # Panics
        /// Where `f` does; the lock is held upgradably then.
        #[track_caller]
        pub fn try_with_upgraded_until<Ret, F: FnOnce(&mut T) -> Ret>(
            &mut self,
            timeout: R::Instant,
            f: F,
        ) -> Option<Ret> {
            self.0.try_with_upgraded_until(timeout, f)
        }
    };
}
