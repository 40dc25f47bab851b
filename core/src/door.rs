//! The one door between lock wrappers and the recorder.
//!
//! Call order for one acquisition:
//! blocking: [`before`], the real lock (fast try; [`blocked`] where it would park), [`acquired`];
//! try and timed: the real lock, [`acquired`] on success. Then [`released`] with the token
//! *before* the raw unlock.
//!
//! No function here allocates, takes a lock or reads a clock on a known edge.

use crate::lock::{LockHeader, Site};
use crate::mode::{Mode, Policy, Want};

/// The hold that an acquisition made; lives in the guard. 0 is "untracked".
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a token that is dropped leaves its hold in the held set"]
pub struct Token(u64);

impl Token {
    /// The token of an acquisition that the recorder does not follow.
    pub const UNTRACKED: Token = Token(0);
}

/// How the wrapper goes on when it would park.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Park.
    Proceed,
}

/// What a thread start hands to the child, and to whoever joins it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Birth(u32);

/// A fresh blocking request. Reports LG001, LG003, LG006 before the caller blocks.
///
/// # Panics
/// Where the level of a reported kind is `deny` and the thread is not already unwinding. The
/// caller holds nothing new then.
#[inline(never)]
pub fn before(lock: &LockHeader, policy: &'static Policy, want: Want, site: Site) {
    let _ = (lock, policy, want, site);
}

/// A blocking re-acquisition (condition variable, `bump`, `unlocked`). As [`before`], never panics.
#[inline(never)]
pub fn before_relock(lock: &LockHeader, policy: &'static Policy, want: Want, site: Site) {
    let _ = (lock, policy, want, site);
}

/// The real lock is not free: the caller is about to park.
#[inline(never)]
pub fn blocked(lock: &LockHeader, policy: &'static Policy, want: Want, site: Site) -> Verdict {
    let _ = (lock, policy, want, site);
    Verdict::Proceed
}

/// The real lock is held now, in `mode`.
#[inline(never)]
pub fn acquired(lock: &LockHeader, policy: &'static Policy, mode: Mode, site: Site) -> Token {
    let _ = (lock, policy, mode, site);
    Token::UNTRACKED
}

/// The hold ends; call it before the raw unlock, on any thread.
#[inline(never)]
pub fn released(lock: &LockHeader, token: Token) {
    let _ = (lock, token);
}

/// As [`released`], for lock libraries that keep no state per acquisition: ends the newest hold
/// of `lock` by the running owner. Reports LG013 (and returns false) where there is none.
#[track_caller]
pub fn released_by_lock(lock: &LockHeader) -> bool {
    let _ = lock;
    false
}

/// The hold changes its mode in place: a downgrade, or an upgrade that was granted.
pub fn converted(lock: &LockHeader, token: &mut Token, mode: Mode) {
    let _ = (lock, token, mode);
}

/// The lock object is gone. Reports LG013 where somebody holds it.
pub fn lock_dropped(lock: &LockHeader) {
    let _ = lock;
}

/// The lock object was initialised anew in place. Reports LG013 where somebody holds it.
#[track_caller]
pub fn lock_reinitialised(lock: &LockHeader) {
    let _ = lock;
}

/// Gives an unborn lock the type that it protects. Cold; call it where `lock.is_unborn()`.
#[cold]
pub fn adopt(lock: &LockHeader, policy: &'static Policy, type_name: &'static str) {
    let _ = (lock, policy, type_name);
}

/// Names a lock: from now on its name is its class.
pub fn name(lock: &LockHeader, policy: &'static Policy, name: &str) {
    let _ = (lock, policy, name);
}

/// True where the running owner holds `lock`; reports LG013 where not.
#[track_caller]
pub fn assert_held(lock: &LockHeader, policy: &'static Policy) -> bool {
    let _ = (lock, policy);
    false
}

/// The running owner is about to wait on a condition variable with `lock`, which it holds:
/// reports LG011 where it holds any other lock besides.
pub fn condvar_wait(lock: &LockHeader, site: Site) {
    let _ = (lock, site);
}

/// Somebody waits on the same condition variable with another mutex: LG013.
pub fn condvar_two_mutexes(lock: &LockHeader, site: Site) {
    let _ = (lock, site);
}

/// While it lives, the running owner's next acquisition counts as made at `site` (and as a
/// re-acquisition where `relock`): for lock libraries that lose the caller on the way.
#[derive(Debug)]
pub struct At(());

/// See [`At`].
pub fn at(site: Site, relock: bool) -> At {
    let _ = (site, relock);
    At(())
}

/// The running owner is about to start a thread. Its next holds belong to a new segment.
pub fn thread_starting() -> Birth {
    Birth(0)
}

/// Called first on the started thread.
pub fn thread_started(birth: Birth) {
    let _ = birth;
}

/// The running owner has joined the thread, which has ended.
pub fn thread_joined(birth: Birth) {
    let _ = birth;
}
