//! The door between lock wrappers and the recorder: leads nowhere.

pub use lockgraph_core::door::Waiting;
pub use lockgraph_core::lock::{Label, LockId, Site};
pub use lockgraph_core::mode::{Mode, Policy, Want};
#[doc(hidden)]
pub use lockgraph_core::rule::lower;
pub use lockgraph_core::rule::{Mention, Order};

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

/// What became of an inversion in a steered run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Steered {
    /// It was made a deadlock, which was broken; the finding is the inversion, as it happened.
    Reproduced(crate::Finding),
    /// Nobody was left who could still come to one of its sides.
    NeverMet,
    /// The time was over.
    OutOfTime,
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
    /// As [`adopt`], for a lock that has no room for its creation site.
    adopt_at(lock: &LockHeader, policy: &'static Policy, type_name: &'static str, site: Site);
    /// Names a lock.
    name(lock: &LockHeader, policy: &'static Policy, name: &str);
    /// Names a lock by a rank.
    rank(lock: &LockHeader, policy: &'static Policy, name: &str, order: Option<&'static Order>);
    /// Puts a lock on a level of its class.
    nest(lock: &LockHeader, policy: &'static Policy, level: u8);
    /// Declares that locks of this class nest in the order of a key.
    key(lock: &LockHeader, policy: &'static Policy);
    /// The place of a lock in one order of all locks: none.
    place(lock: &LockHeader, policy: &'static Policy) -> (u64, u64) = (0, 0);
    /// Forgets every order in which the lock was taken.
    forget_order(lock: &LockHeader);
    /// Whether the running owner holds `lock`: taken on trust.
    assert_held(lock: &LockHeader, policy: &'static Policy) -> Result<(), String> = Ok(());
    /// Whether the running owner does not hold `lock`: taken on trust.
    assert_not_held(lock: &LockHeader) -> Result<(), String> = Ok(());
    /// Whether the running owner holds a lock with this name: taken on trust.
    assert_held_by_name(name: &str) -> Result<(), String> = Ok(());
    /// Whether the running owner holds no lock with this name: taken on trust.
    assert_not_held_by_name(name: &str) -> Result<(), String> = Ok(());
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
    /// Steers the owners of a scope into inversions: there are none.
    scope_steered(scope: Scope, inversions: &[crate::Finding], bound: std::time::Duration);
    /// Ends what [`scope_steered`] began.
    scope_released(scope: Scope) -> Vec<Steered> = Vec::new();
    /// Whether a request that was granted is to wait all the same: no.
    insists(lock: &LockHeader) -> bool = false;
    /// Ends a scope.
    scope_closed(scope: Scope) -> Observed = Observed::default();
}
