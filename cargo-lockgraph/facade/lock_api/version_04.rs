//! How the methods of `lock_api` 0.4's raw traits look: a guard has no state of its own.

/// The types that decide whether guards may move to another thread.
macro_rules! states {
    ($($name:ident),*) => {
        type GuardMarker = R::GuardMarker;
    };
}
/// Those of an upgradable guard are none in 0.4.
macro_rules! upgradable_state {
    () => {};
}
macro_rules! marker {
    ($R:ident, $name:ident) => { $R::GuardMarker };
}

macro_rules! blocking {
    ($name:ident, $attempt:ident, $want:expr, $state:ident) => {
        #[inline]
        #[track_caller]
        fn $name(&self) {
            if R::LOCKGRAPH_TRACKED {
                return self.raw.$name();
            }
            let attempt = |raw: &R| if raw.$attempt() { Some(()) } else { None };
            self.request(policy::<R>(), $want, Location::caller(), attempt, |raw| raw.$name());
        }
    };
}

macro_rules! attempt {
    ($name:ident, $mode:expr, $state:ident) => {
        #[inline]
        #[track_caller]
        fn $name(&self) -> bool {
            let got = self.raw.$name();
            if got && !R::LOCKGRAPH_TRACKED {
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
        fn $name(&self, $arg: $Arg) -> bool {
            if R::LOCKGRAPH_TRACKED {
                return self.raw.$name($arg);
            }
            let (policy, site) = (policy::<R>(), Location::caller());
            let got = self.timed(policy, $want, site, |raw| raw.$name($arg));
            if got {
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
        unsafe fn $name(&self) {
            if !R::LOCKGRAPH_TRACKED {
                self.release($mode);
            }
            unsafe { self.raw.$name() }
        }
    };
}

macro_rules! bump {
    ($name:ident, $want:expr, $state:ident) => {
        #[inline]
        #[track_caller]
        unsafe fn $name(&self) {
            if R::LOCKGRAPH_TRACKED {
                return unsafe { self.raw.$name() };
            }
            let site = Location::caller();
            self.relock(policy::<R>(), $want, site, |raw| unsafe { raw.$name() });
        }
    };
}

macro_rules! weaken {
    ($name:ident, $mode:expr, $from:ident -> $to:ident) => {
        #[inline]
        unsafe fn $name(&self) {
            if !R::LOCKGRAPH_TRACKED {
                self.weaken($mode);
            }
            unsafe { self.raw.$name() }
        }
    };
}

macro_rules! upgrade {
    () => {
        #[inline]
        #[track_caller]
        unsafe fn upgrade(&self) {
            if R::LOCKGRAPH_TRACKED {
                return unsafe { self.raw.upgrade() };
            }
            // A panic here leaves the upgradable hold with its guard, which is still there.
            let site = Location::caller();
            let loose = self.is_loose();
            if !loose {
                door::before(&self.header.0, policy::<R>(), Want::Upgrade, site);
            }
            let mut parked = None;
            while !unsafe { self.raw.try_upgrade() } {
                if loose || parked.as_mut().is_some_and(|parked: &mut door::Parked| parked.parks()) {
                    unsafe { self.raw.upgrade() };
                    break;
                }
                if parked.is_none() {
                    let want = Want::Upgrade;
                    parked = Some(door::blocked(&self.header.0, policy::<R>(), want, site));
                }
            }
            drop(parked);
            self.strengthen();
        }
    };
}

macro_rules! attempt_upgrade {
    ($name:ident($($arg:ident: $Arg:ty)?)) => {
        #[inline]
        #[track_caller]
        unsafe fn $name(&self $(, $arg: $Arg)?) -> bool {
            let got = unsafe { self.raw.$name($($arg)?) };
            if got && !R::LOCKGRAPH_TRACKED {
                self.strengthen();
            }
            got
        }
    };
}
