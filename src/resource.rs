//! What the program itself lets its threads wait for: a transaction, the slots of a pool, an
//! interpreter's lock, a lock on a file. In both modes.
//!
//! A [`Resource`] blocks nobody. The program's own primitive does, inside [`wait`](Resource::wait)
//! or [`acquire`](Resource::acquire); the resource tells the recorder who holds it and who waits for
//! it, so that a deadlock through it is named as one of locks is (LG002).
//!
//! # When it is a deadlock
//! Whoever waits can go on as long as *any* holder can, so all of them must be stuck: as many as the
//! capacity. A holder that nobody knows of counts as running: one that has not told, or whose hold
//! was [sent](Held::send) to another thread. So what is reported is certain, on three conditions: the
//! capacity is not smaller than the real one; what waits in `wait` does nothing else, and above all
//! ends no hold of its thread; a wait that ends by itself is told with
//! [`wait_timed`](Resource::wait_timed).
//!
//! # Orders
//! A resource of capacity 1 is a lock to the recorder: a request for it while other locks are held
//! is an order edge, inversions through it are reported (LG003), and so is a second request by its
//! holder (LG001). A pool with more slots makes no edge into it: one holder that waits stops nobody
//! as long as there is another slot, and how many threads may meet is not in an order of two.

use crate::Named;
use crate::door::{self, Label, LockHeader, Mode, Policy, Site, Token, Want};
use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::sync::MutexGuard;

const fn policy(kind: &'static str, shared: bool, reentrant: bool) -> Policy {
    let (read_blocks_behind_writer, guard_send, upgrade) = (false, false, false);
    Policy { kind, read_blocks_behind_writer, guard_send, reentrant, shared, upgrade }
}

static ALONE: Policy = policy("Resource", false, false);
static REENTRANT: Policy = policy("Resource", false, true);
static POOL: Policy = policy("Pool", true, false);

/// Something that threads of the program hold and wait for, and that is no lock. See the
/// [module](self).
///
/// ```
/// use lockgraph::resource::{Held, Resource};
/// use lockgraph::{Named, PRESENT};
/// use std::panic::{AssertUnwindSafe, catch_unwind};
/// use std::sync::{Barrier, Condvar, Mutex};
///
/// struct Pool {
///     free: Mutex<usize>,
///     freed: Condvar,
///     slots: Resource,
/// }
///
/// struct Slot<'a>(&'a Pool);
///
/// impl Pool {
///     fn new(slots: u32) -> Pool {
///         let free = Mutex::new(slots as usize);
///         Pool { free, freed: Condvar::new(), slots: Resource::pool(slots).named("slots") }
///     }
///
///     #[track_caller] // so that reports show who calls it
///     fn get(&self) -> Held<'_, Slot<'_>> {
///         self.slots.acquire(|| {
///             let free = self.free.lock().unwrap();
///             *self.freed.wait_while(free, |free| *free == 0).unwrap() -= 1;
///             Slot(self)
///         })
///     }
/// }
///
/// impl Drop for Slot<'_> {
///     fn drop(&mut self) {
///         *self.0.free.lock().unwrap() += 1;
///         self.0.freed.notify_one();
///     }
/// }
///
/// /// Two threads take a slot each, and then each of them wants a second one.
/// fn refused(pool: &Pool) -> usize {
///     let met = Barrier::new(2);
///     let two_slots = || {
///         let _one = pool.get();
///         met.wait();
///         let _two = pool.get();
///     };
///     let run = || catch_unwind(AssertUnwindSafe(two_slots)).is_err();
///     std::thread::scope(|s| {
///         let threads = [s.spawn(run), s.spawn(run)];
///         threads.into_iter().filter_map(|thread| thread.join().ok()).filter(|no| *no).count()
///     })
/// }
///
/// # if cfg!(debug_assertions) {
/// if PRESENT {
///     // LG002: whoever comes second is refused, so that the other one goes on.
///     assert_eq!(refused(&Pool::new(2)), 1);
/// }
/// # }
/// assert_eq!(refused(&Pool::new(3)), 0);
/// ```
pub struct Resource {
    header: LockHeader,
    policy: &'static Policy,
    capacity: u32,
}

impl Resource {
    /// A resource that one owner has at a time.
    #[track_caller]
    pub const fn new() -> Resource {
        let header = LockHeader::new(Some(Location::caller()));
        Resource { header, policy: &ALONE, capacity: 1 }
    }

    /// A resource that `capacity` acquisitions have at a time; one owner may have several.
    ///
    /// # Panics
    /// Where the capacity is 0.
    #[track_caller]
    pub const fn pool(capacity: u32) -> Resource {
        assert!(capacity > 0, "a pool without slots");
        let header = LockHeader::new(Some(Location::caller()));
        let policy = if capacity == 1 { &ALONE } else { &POOL };
        Resource { header, policy, capacity }
    }

    /// The same resource, which its owner may acquire again while holding it. Nothing changes for a
    /// pool.
    #[must_use = "the resource is moved through"]
    pub const fn reentrant(mut self) -> Resource {
        if self.capacity == 1 {
            self.policy = &REENTRANT;
        }
        self
    }

    /// How many acquisitions may have it at a time.
    pub const fn capacity(&self) -> u32 {
        self.capacity
    }

    /// What waits and acquires, told: `take` is the program's own blocking acquisition.
    ///
    /// Reports LG001 and LG003 before, of a resource of capacity 1, and LG002 where this wait closes a
    /// deadlock.
    ///
    /// Cost: as [`wait`](Self::wait), and a hold.
    ///
    /// # Panics
    /// Where `take` does, and where the level of a reported kind is `deny`: `take` has not run then.
    #[track_caller]
    pub fn acquire<R>(&self, take: impl FnOnce() -> R) -> Held<'_, R> {
        let site = Location::caller();
        let value = self.wait_at(site, take);
        self.held_at(site, value)
    }

    /// An attempt, told where it succeeds: no wait, and no order.
    #[track_caller]
    pub fn try_acquire<R>(&self, take: impl FnOnce() -> Option<R>) -> Option<Held<'_, R>> {
        let site = Location::caller();
        take().map(|value| self.held_at(site, value))
    }

    /// What waits, told: for acquisitions that may fail, and for parts of one.
    ///
    /// [`held`](Self::held) tells of the acquisition. `take` waits and does nothing else.
    ///
    /// Cost: two clock readings; where the thread holds something, a look at every owner that waits.
    /// Where that is too dear, try first.
    ///
    /// ```
    /// use lockgraph::resource::Resource;
    /// use std::fs::File;
    ///
    /// let file_lock = Resource::new();
    /// # let path = std::env::temp_dir().join(format!("lockgraph-{}", std::process::id()));
    /// let file = File::create(&path)?;
    /// file_lock.wait(|| file.lock())?;
    /// let locked = file_lock.held(&file);
    /// // ..
    /// locked.unlock()?;
    /// drop(locked);
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Panics
    /// As [`acquire`](Self::acquire).
    #[track_caller]
    pub fn wait<R>(&self, take: impl FnOnce() -> R) -> R {
        self.wait_at(Location::caller(), take)
    }

    /// As [`wait`](Self::wait), for a wait that ends by itself: it is no part of a deadlock, and makes
    /// no order.
    #[track_caller]
    pub fn wait_timed<R>(&self, take: impl FnOnce() -> R) -> R {
        let want = Want::from(self.mode());
        let _waits = door::timed(&self.header, self.policy, want, Location::caller());
        take()
    }

    fn wait_at<R>(&self, site: Site, take: impl FnOnce() -> R) -> R {
        if self.capacity == 1 {
            door::before(&self.header, self.policy, Want::Exclusive, site);
        }
        let mut waits = door::permit(&self.header, self.policy, self.capacity, site);
        // Another attempt is asked for of readers alone.
        let _parks = waits.parks();
        take()
    }

    /// The running thread has acquired it, in whatever way; until what is returned is dropped, on
    /// this thread.
    #[track_caller]
    pub fn held<R>(&self, value: R) -> Held<'_, R> {
        self.held_at(Location::caller(), value)
    }

    fn held_at<R>(&self, site: Site, value: R) -> Held<'_, R> {
        let token = door::acquired(&self.header, self.policy, self.mode(), site);
        Held { hold: Hold { resource: self, token }, value, stays: PhantomData }
    }

    /// Ends the newest hold of the running thread that was [left](Held::leave). Call it before the
    /// real release. False where there is none, which is reported (LG013).
    #[track_caller]
    pub fn release(&self) -> bool {
        door::released_by_lock(&self.header)
    }

    fn mode(&self) -> Mode {
        if self.capacity == 1 { Mode::Exclusive } else { Mode::Shared }
    }

    #[doc(hidden)]
    pub const fn __label(mut self, label: &'static Label) -> Self {
        self.header = LockHeader::labelled(label);
        self
    }
}

impl Default for Resource {
    /// As [`Resource::new`], with a class of its own: `Default` has no place to tell it by.
    #[track_caller]
    fn default() -> Resource {
        let header = LockHeader::by_default(Location::caller());
        Resource { header, policy: &ALONE, capacity: 1 }
    }
}

impl Named for Resource {
    fn tracked(&self) -> Option<(&LockHeader, &'static Policy)> {
        Some((&self.header, self.policy))
    }
}

impl Drop for Resource {
    fn drop(&mut self) {
        if !self.header.is_unborn() {
            door::lock_dropped(&self.header);
        }
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resource").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

/// The recorder's part of a [`Held`].
struct Hold<'a> {
    resource: &'a Resource,
    token: Token,
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let token = mem::replace(&mut self.token, Token::UNTRACKED);
        if !token.is_nothing(&self.resource.header) {
            door::released(&self.resource.header, token);
        }
    }
}

/// A hold of a [`Resource`] by the thread that it is on, with what was acquired, which is dropped
/// after the hold has ended.
///
/// It cannot leave its thread: who holds what is what a deadlock is proven by.
/// [`send`](Self::send) gives a form of it that can.
#[must_use = "the hold ends when this is dropped"]
pub struct Held<'a, R> {
    hold: Hold<'a>,
    value: R,
    /// As a guard of std: it may be looked at from other threads, and not be sent.
    stays: PhantomData<MutexGuard<'a, ()>>,
}

impl<'a, R> Held<'a, R> {
    /// What was acquired. The thread goes on holding the resource until it calls
    /// [`Resource::release`].
    ///
    /// ```
    /// let gil = lockgraph::resource::Resource::new();
    /// gil.acquire(|| ()).leave(); // the real `ensure()` in the closure
    /// gil.release(); // and then the real `release()`
    /// ```
    pub fn leave(self) -> R {
        let Held { hold, value, .. } = self;
        mem::forget(hold);
        value
    }

    /// Ends the hold of this thread, not the acquisition: until it is dropped or
    /// [kept](Sent::keep) elsewhere, the resource is held by a thread that nobody knows of, which
    /// counts as running.
    pub fn send(self) -> Sent<'a, R> {
        let Held { hold, value, .. } = self;
        Sent { resource: hold.resource, value }
    }
}

impl<R> Deref for Held<'_, R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.value
    }
}

impl<R> DerefMut for Held<'_, R> {
    fn deref_mut(&mut self) -> &mut R {
        &mut self.value
    }
}

impl<R: fmt::Debug> fmt::Debug for Held<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Held").field(&self.value).finish()
    }
}

/// An acquisition of a [`Resource`] on its way to another thread: [`Held::send`].
#[derive(Debug)]
#[must_use = "the acquisition ends when this is dropped"]
pub struct Sent<'a, R> {
    resource: &'a Resource,
    value: R,
}

impl<'a, R> Sent<'a, R> {
    /// The running thread holds it from now on.
    #[track_caller]
    pub fn keep(self) -> Held<'a, R> {
        self.resource.held_at(Location::caller(), self.value)
    }
}

impl<R> Deref for Sent<'_, R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.value
    }
}
