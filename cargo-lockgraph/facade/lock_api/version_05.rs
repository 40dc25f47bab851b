//! How the methods of `lock_api` 0.5's raw traits look: a guard carries the state of the raw lock,
//! which is passed through.

/// The types of the guards' states.
macro_rules! states {
    ($($name:ident),*) => {
        $(type $name = R::$name;)*
    };
}
macro_rules! upgradable_state {
    () => {
        type UpgradableGuard = R::UpgradableGuard;
    };
}
macro_rules! marker {
    ($R:ident, $name:ident) => { $R::$name };
}

macro_rules! blocking {
    ($name:ident, $attempt:ident, $want:expr, $state:ident) => {
        #[inline]
        #[track_caller]
        fn $name(&self) -> Self::$state {
            if R::LOCKGRAPH_TRACKED {
                return self.raw.$name();
            }
            self.request(policy::<R>(), $want, Location::caller(), R::$attempt, R::$name)
        }
    };
}

macro_rules! attempt {
    ($name:ident, $mode:expr, $state:ident) => {
        #[inline]
        #[track_caller]
        fn $name(&self) -> Option<Self::$state> {
            let got = self.raw.$name();
            if got.is_some() && !R::LOCKGRAPH_TRACKED {
                self.hold(policy::<R>(), $mode, Location::caller());
            }
            got
        }
    };
}

macro_rules! timed {
    ($name:ident($arg:ident: $Arg:ty), $want:expr, $state:ident) => {
        #[inline]
        #[track_caller]
        fn $name(&self, $arg: $Arg) -> Option<Self::$state> {
            if R::LOCKGRAPH_TRACKED {
                return self.raw.$name($arg);
            }
            let (policy, site) = (policy::<R>(), Location::caller());
            let got = self.timed(policy, $want, site, |raw| raw.$name($arg));
            if got.is_some() {
                self.hold(policy, $want.mode(), site);
            }
            got
        }
    };
}

macro_rules! release {
    ($name:ident, $mode:expr, $state:ident) => {
        #[inline]
        #[track_caller]
        unsafe fn $name(&self, guard: Self::$state) {
            if !R::LOCKGRAPH_TRACKED {
                self.release($mode);
            }
            unsafe { self.raw.$name(guard) }
        }
    };
}

macro_rules! bump {
    ($name:ident, $want:expr, $state:ident) => {
        #[inline]
        #[track_caller]
        unsafe fn $name(&self, guard: &mut Self::$state) {
            if R::LOCKGRAPH_TRACKED {
                return unsafe { self.raw.$name(guard) };
            }
            let site = Location::caller();
            self.relock(policy::<R>(), $want, site, |raw| unsafe { raw.$name(guard) });
        }
    };
}

macro_rules! weaken {
    ($name:ident, $mode:expr, $from:ident -> $to:ident) => {
        #[inline]
        unsafe fn $name(&self, guard: Self::$from) -> Self::$to {
            if !R::LOCKGRAPH_TRACKED {
                self.weaken($mode);
            }
            unsafe { self.raw.$name(guard) }
        }
    };
}

macro_rules! upgrade {
    () => {
        #[inline]
        #[track_caller]
        unsafe fn upgrade(&self, guard: Self::UpgradableGuard) -> Self::ExclusiveGuard {
            if R::LOCKGRAPH_TRACKED {
                return unsafe { self.raw.upgrade(guard) };
            }
            /// The guard's state is lost when the recorder panics: nobody else would unlock.
            struct Unlock<'a, R: RawRwLockUpgrade>(&'a Tracked<R>, Option<R::UpgradableGuard>);
            impl<R: RawRwLockUpgrade> Drop for Unlock<'_, R> {
                fn drop(&mut self) {
                    if let Some(guard) = self.1.take() {
                        unsafe { self.0.unlock_upgradable(guard) };
                    }
                }
            }

            let site = Location::caller();
            let loose = self.is_loose();
            let mut unlock = Unlock(self, Some(guard));
            if !loose {
                door::before(&self.header.0, policy::<R>(), Want::Upgrade, site);
            }
            let mut parked: Option<door::Parked> = None;
            let state = loop {
                let Some(guard) = unlock.1.take() else { unreachable!() };
                match unsafe { self.raw.try_upgrade(guard) } {
                    Ok(state) => break state,
                    Err(guard) => unlock.1 = Some(guard),
                }
                if loose || parked.as_mut().is_some_and(|parked| parked.parks()) {
                    let Some(guard) = unlock.1.take() else { unreachable!() };
                    break unsafe { self.raw.upgrade(guard) };
                }
                if parked.is_none() {
                    let want = Want::Upgrade;
                    parked = Some(door::blocked(&self.header.0, policy::<R>(), want, site));
                }
            };
            drop(parked);
            self.strengthen();
            state
        }
    };
}

macro_rules! attempt_upgrade {
    ($name:ident($($arg:ident: $Arg:ty)?)) => {
        #[inline]
        #[track_caller]
        unsafe fn $name(
            &self,
            guard: Self::UpgradableGuard
            $(, $arg: $Arg)?
        ) -> Result<Self::ExclusiveGuard, Self::UpgradableGuard> {
            let got = unsafe { self.raw.$name(guard $(, $arg)?) };
            if got.is_ok() && !R::LOCKGRAPH_TRACKED {
                self.strengthen();
            }
            got
        }
    };
}
