//! Holds: the calls that every acquisition makes, when it has its lock and when it gives it back.
//!
//! The functions that others call are leaves for the usual owner and a known request: no call, no
//! stack frame, no store to memory that another thread writes but to the lock's own line. What is
//! unusual goes to the function below each.

use super::{Token, careful_block, careful_released, is_known, is_off, is_on};
use crate::copies::{self, forward};
use crate::held::NearTop;
use crate::lock::{LockHeader, Site};
use crate::mode::{Mode, Policy, Want};
use crate::owner::{self, FOLLOWED, OwnerBlock, STEERED};
use crate::recorder::{self, Inside};

/// The answer of [`granted`].
#[derive(Debug)]
#[must_use = "the hold, or the order to give the real lock back"]
pub struct Granted(u64);

impl Granted {
    const NEWS: Granted = Granted(u64::MAX);

    /// The hold; `None` where there is something to look at before the lock may be held.
    #[inline(always)]
    pub fn token(self) -> Option<Token> {
        if self.0 == Granted::NEWS.0 { None } else { Some(Token(self.0)) }
    }
}

/// A fresh blocking request for `mode` that the real lock has granted at once; for a lock with
/// readers not an exclusive one.
///
/// Cost: about thirty instructions with nothing held, and a probe of a per-thread table otherwise.
/// Allocates nothing from the program's allocator, and reports nothing.
#[inline(never)]
pub fn granted(lock: &LockHeader, policy: &'static Policy, site: Site, mode: Mode) -> Granted {
    granted_as::<false>(lock, policy, mode, site)
}

/// As [`granted`], shared.
#[inline(never)]
pub fn granted_shared(lock: &LockHeader, policy: &'static Policy, site: Site) -> Granted {
    granted_as::<false>(lock, policy, Mode::Shared, site)
}

/// As [`granted`], exclusively, of a lock without readers.
#[inline(never)]
pub fn granted_alone(lock: &LockHeader, policy: &'static Policy, site: Site) -> Granted {
    granted_as::<false>(lock, policy, Mode::Exclusive, site)
}

/// As [`granted`], exclusively, of a lock with readers: its first writer is news.
#[inline(never)]
pub fn granted_writer(lock: &LockHeader, policy: &'static Policy, site: Site) -> Granted {
    granted_as::<true>(lock, policy, Mode::Exclusive, site)
}

#[inline(always)]
fn granted_as<const WRITER: bool>(
    lock: &LockHeader,
    policy: &'static Policy,
    mode: Mode,
    site: Site,
) -> Granted {
    let block = owner::usual();
    if let Some(top) = block.held.near_top() {
        let head = lock.head();
        if head != 0 && (top.is_clear() && !WRITER || has_told(block, top, head, mode)) {
            return Granted(block.hold_near(top, lock, head, mode, site));
        }
    }
    granted_otherwise(lock, policy, site, mode)
}

/// Whether the request is known to have nothing new to tell, with the books in order. True in every
/// tier: what was told once drew no finding.
#[inline(always)]
fn has_told(block: &OwnerBlock, top: NearTop, head: u64, mode: Mode) -> bool {
    block.flags() == 0 && block.knows_near(top, head, mode.into())
}

/// An owner that may be joined, or tier `watch`.
#[inline(never)]
fn granted_otherwise(
    lock: &LockHeader,
    policy: &'static Policy,
    site: Site,
    mode: Mode,
) -> Granted {
    // Whichever of the two there is, if any.
    for (block, followed) in [(owner::followed(), true), (owner::usual(), false)] {
        let Some(top) = block.held.near_top() else { continue };
        let head = lock.head();
        let quiet = block.flags() & !FOLLOWED == 0;
        if head != 0 && quiet && is_known(block, lock, policy, mode.into()) {
            if followed {
                block.recent.note(lock.id().0, mode.into(), site);
            }
            return Granted(block.hold_near(top, lock, head, mode, site));
        }
    }
    careful_granted(lock, policy, mode, site)
}

#[cold]
fn careful_granted(lock: &LockHeader, policy: &'static Policy, mode: Mode, site: Site) -> Granted {
    // Not the start of the recorder, which may need what this very lock protects.
    if !is_on() {
        return if is_off() { Granted(0) } else { Granted::NEWS };
    }
    if let Some(host) = copies::joined() {
        return match policy.shared && mode == Mode::Exclusive {
            true => (host.granted_writer)(lock, policy, site),
            false => (host.granted)(lock, policy, site, mode),
        };
    }
    let Some(block) = careful_block() else { return Granted(0) };
    let want = Want::from(mode);
    // Nobody is paused with the real lock.
    let may_pause = block.flags() & STEERED != 0 && (!block.held.is_empty() || want.is_writer());
    if may_pause || !is_known(block, lock, policy, want) {
        return Granted::NEWS;
    }
    let token = careful_acquired(lock, policy, mode, site);
    let site = block.hint.get().map_or(site, |(site, _)| site);
    block.recent.note(lock.id().0, want, site);
    Granted(token.0)
}

/// The real lock is held now, in `mode`.
#[inline(never)]
pub fn acquired(lock: &LockHeader, policy: &'static Policy, mode: Mode, site: Site) -> Token {
    for block in [owner::usual(), owner::followed()].into_iter().filter(|_| is_on()) {
        let head = lock.head();
        if let (true, Some(top)) = (head != 0, block.held.near_top()) {
            return Token(block.hold_near(top, lock, head, mode, site));
        }
    }
    careful_acquired(lock, policy, mode, site)
}

#[cold]
fn careful_acquired(lock: &LockHeader, policy: &'static Policy, mode: Mode, site: Site) -> Token {
    forward!(acquired(lock, policy, mode, site));
    let Some(block) = careful_block() else { return Token::UNTRACKED };
    let site = block.hint.get().map_or(site, |(site, _)| site);
    let known = {
        let _inside = Inside::enter(block);
        recorder::identify(block, lock, policy, None)
    };
    let token = known.and_then(|(id, class)| block.hold(lock, id, mode, class, site));
    token.map_or_else(
        || {
            recorder::count_untracked();
            Token::UNTRACKED
        },
        Token,
    )
}

/// The hold ends; call it before the raw unlock, on any thread.
#[inline(never)]
pub fn released(lock: &LockHeader, token: Token) {
    if !owner::usual().release_near(lock, token.0) {
        released_otherwise(lock, token);
    }
}

#[inline(never)]
fn released_otherwise(lock: &LockHeader, token: Token) {
    if !owner::followed().release_near(lock, token.0) {
        careful_released(lock, token);
    }
}
