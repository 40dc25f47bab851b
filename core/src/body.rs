//! What a lock without room for a header keeps elsewhere.
//!
//! Under `cargo lockgraph --size-neutral` a lock has the size of std's. A mutex or a reader-writer lock
//! keeps a [`Handle`] then, a number in the place of std's own lock word, and the real lock is a part
//! of the [`Body`] that the number stands for. So a lock is known by what it is and not by where it
//! is: it may be moved, forgotten or overwritten, and another one may come to its address. A one-time
//! initialisation is std's own as it is; what the recorder wants of it exists as long as somebody
//! [stays](Stay) at it, and meanwhile it cannot be moved.
//!
//! # Guarantee
//! Exclusion, poisoning and waking are those of the real lock. A body is taken at the first use and
//! given back when the lock is dropped; that of a lock which ends without `Drop` stays taken, as does
//! that of one which is dropped while it is locked.
//!
//! # Assumptions
//! Copies of the recorder in one process have joined (see `copies`): the bodies are those of the first.
//! A lock that is shared by copies which cannot join names a body that is not here: the process aborts
//! then, in 63 of 64 cases.

use crate::config;
use crate::copies::forward;
use crate::door;
use crate::lock::{LockHeader, Site};
use crate::mem::SysVec;
use crate::mode::Policy;
use crate::os::{Os, System};
use crate::pool::{self, Pool};
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, TryLockError};

/// What is kept elsewhere: the recorder's part of a lock, and the real lock.
pub struct Body {
    header: LockHeader,
    /// The real lock of a mutex; where callers of a one-time initialisation meet.
    pub mutex: Mutex<()>,
    /// The real lock of a reader-writer lock.
    pub rwlock: RwLock<()>,
}

#[cfg(not(lockgraph_loom))]
static BODIES: Pool<Body> = Pool::new();
#[cfg(lockgraph_loom)]
static BODIES: std::sync::LazyLock<Pool<Body>> = std::sync::LazyLock::new(Pool::new);

impl Body {
    fn new() -> Body {
        Body { header: LockHeader::new(None), mutex: Mutex::new(()), rwlock: RwLock::new(()) }
    }

    /// The recorder's part of a lock, which is told at the first use where that was.
    pub fn header(
        &self,
        policy: &'static Policy,
        type_name: &'static str,
        site: Site,
    ) -> &LockHeader {
        if self.header.is_unborn() && !door::is_off() {
            door::adopt_at(&self.header, policy, type_name, site);
        }
        &self.header
    }

    /// False where a guard was forgotten, and so nobody can ever lock it again.
    fn is_unlocked(&self) -> bool {
        !matches!(self.mutex.try_lock(), Err(TryLockError::WouldBlock))
            && !matches!(self.rwlock.try_write(), Err(TryLockError::WouldBlock))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("header", &self.header).finish_non_exhaustive()
    }
}

/// A lock cannot be used without its body.
#[cold]
fn fail(why: &str) -> ! {
    Os::print(why.as_bytes());
    std::process::abort();
}

/// Bits of a word that are the number; those above tell copies of the recorder apart, as far as they
/// go.
const NUMBER_BITS: u32 = 26;
const NUMBER: u32 = (1 << NUMBER_BITS) - 1;
const _: () = assert!(pool::MAX <= NUMBER);

fn tag() -> u32 {
    let at = std::ptr::from_ref(&BODIES).addr();
    // Libraries are loaded at whole pages, one here and the other far away.
    (((at >> 12) ^ (at >> 20) ^ (at >> 28)) as u32) << NUMBER_BITS
}

/// A body for the caller alone, by its word.
pub(crate) fn take() -> u32 {
    forward!(take_body());
    let number = BODIES.take(Body::new);
    number.unwrap_or_else(|| fail("lockgraph: too many locks are in use for --size-neutral\n"))
        | tag()
}

/// The body of a word that was taken.
pub(crate) fn find(word: u32) -> &'static Body {
    forward!(find_body(word));
    let body = if word & !NUMBER == tag() { BODIES.at(word & NUMBER) } else { None };
    body.unwrap_or_else(|| {
        fail(
            "lockgraph: a lock was used by two copies of the recorder that know nothing of each other, \
             which cannot be with --size-neutral: is it shared with a library that is loaded at run \
             time?\n",
        )
    })
}

/// The lock is gone; its body is given back, unless it is locked.
pub(crate) fn end(word: u32) {
    forward!(end_body(word));
    let body = find(word);
    if !body.header.is_unborn() {
        door::lock_dropped(&body.header);
    }
    if body.is_unlocked() {
        body.mutex.clear_poison();
        body.rwlock.clear_poison();
        body.header.clear();
        BODIES.give_back(word & NUMBER);
    }
}

/// The word of a lock whose body is elsewhere. Zero is that of one which was never used, so that zeroed
/// memory is an unlocked lock, as it is with std's.
pub struct Handle(AtomicU32);

impl Handle {
    /// Of a lock that was not used yet.
    #[allow(clippy::new_without_default, reason = "a word of a lock")]
    pub const fn new() -> Handle {
        Handle(AtomicU32::new(0))
    }

    /// The body, taken now where there is none. Not to be used when the handle is gone.
    pub fn body(&self) -> &'static Body {
        self.made().unwrap_or_else(|| self.make())
    }

    /// The body, if the lock was ever used.
    pub fn made(&self) -> Option<&'static Body> {
        // Acquire pairs with the release in `make`: the body is as it was given back.
        match self.0.load(Ordering::Acquire) {
            0 => None,
            word => Some(find(word)),
        }
    }

    #[cold]
    fn make(&self) -> &'static Body {
        let word = take();
        match self.0.compare_exchange(0, word, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => find(word),
            Err(other) => {
                end(word);
                find(other)
            }
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        match *self.0.get_mut() {
            0 => {}
            word => end(word),
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.made().fmt(f)
    }
}

/// Who is at a one-time initialisation right now, by its address.
static STAYS: Mutex<SysVec<Place>> = Mutex::new(SysVec::new());

struct Place {
    address: usize,
    word: u32,
    stays: u32,
}

/// Comes to the initialisation at `address`, and gives the word of its body. `None` in a forked child:
/// another thread of the parent may have had the lock.
pub(crate) fn stay_at(address: usize) -> Option<u32> {
    forward!(stay_at(address));
    if config::is_lost() {
        return None;
    }
    let mut places = STAYS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(place) = places.iter_mut().find(|place| place.address == address) {
        place.stays += 1;
        return Some(place.word);
    }
    let word = take();
    places.push(Place { address, word, stays: 1 });
    Some(word)
}

/// Leaves it. True where nobody else is there. A child that was forked meanwhile leaves all as it is.
pub(crate) fn leave(address: usize) -> bool {
    forward!(leave(address));
    if config::is_lost() {
        return false;
    }
    let mut places = STAYS.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(at) = places.iter().position(|place| place.address == address) else {
        return false;
    };
    places[at].stays -= 1;
    let is_last = places[at].stays == 0;
    if is_last {
        places.swap_remove(at);
    }
    is_last
}

/// The running thread is at a one-time initialisation that is not complete: its body exists as long.
///
/// Whoever stays there has a reference to it, so it is not moved, nor another one at its address, as
/// long as one of them is there. Nothing is lost with the body in between: once it is complete nobody
/// waits for it any more.
#[derive(Debug)]
pub struct Stay {
    address: usize,
    word: u32,
}

impl Stay {
    /// Comes to the initialisation at `address`. `None` in a forked child, where nothing is recorded.
    pub fn at(address: usize) -> Option<Stay> {
        stay_at(address).map(|word| Stay { address, word })
    }

    /// The body. Not to be used when nobody stays any more.
    pub fn body(&self) -> &'static Body {
        find(self.word)
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        if leave(self.address) {
            end(self.word);
        }
    }
}

#[cfg(all(test, not(lockgraph_loom)))]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_handle_takes_one_body_and_keeps_it_wherever_it_goes() {
        let handle = Handle::new();
        assert!(handle.made().is_none());
        let bodies: Vec<usize> = thread::scope(|s| {
            let seen = || std::ptr::from_ref(handle.body()).addr();
            let threads: Vec<_> = (0..4).map(|_| s.spawn(seen)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let moved = Box::new(handle);
        assert!(bodies.iter().all(|at| *at == std::ptr::from_ref(moved.body()).addr()));
        let other = Handle::new();
        assert!(!std::ptr::eq(other.body(), moved.body()));
    }

    #[test]
    fn a_body_is_given_back_as_if_new_unless_it_is_locked() {
        let handle = Handle::new();
        let body = handle.body();
        let panics = || {
            let _guard = body.mutex.lock();
            panic!("poisons");
        };
        assert!(thread::spawn(panics).join().is_err() && body.mutex.is_poisoned());
        drop(handle);
        assert!(!body.mutex.is_poisoned() && body.header.is_unborn());

        let handle = Handle::new();
        let (body, word) = (handle.body(), handle.0.load(Ordering::Relaxed));
        std::mem::forget(body.mutex.lock().unwrap());
        drop(handle);
        let others: Vec<Handle> = (0..100).map(|_| Handle::new()).collect();
        assert!(others.iter().all(|other| !std::ptr::eq(other.body(), body)), "{word} is locked");
    }

    #[test]
    fn those_who_stay_at_one_place_meet_in_one_body() {
        let place = 0_u32;
        let address = std::ptr::from_ref(&place).addr();
        let (one, two) = (Stay::at(address).unwrap(), Stay::at(address).unwrap());
        let elsewhere = Stay::at(address + 1).unwrap();
        assert!(std::ptr::eq(one.body(), two.body()));
        assert!(!std::ptr::eq(one.body(), elsewhere.body()));
        drop(one);
        assert!(std::ptr::eq(two.body(), Stay::at(address).unwrap().body()));
        drop(two);
        let known = |address| STAYS.lock().unwrap().iter().any(|place| place.address == address);
        assert!(!known(address) && known(address + 1));
    }
}
