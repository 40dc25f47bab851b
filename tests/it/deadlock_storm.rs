//! Thousands of real deadlocks of random shape, each broken at its victim; and a storm of threads
//! that contend for locks in a right order, none of which may ever be called a deadlock.
//!
//! The long forms: `LOCKGRAPH_STORM_DEADLOCKS=10000`, `LOCKGRAPH_STORM_SECONDS=120`.

use crate::scenario::reexec;
use lockgraph::sync as std_sync;
use lockgraph::{Kind, parking_lot, thread};
use parking_lot::{Condvar, Mutex, RwLock, RwLockUpgradableReadGuard};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Barrier, PoisonError};
use std::time::{Duration, Instant};

const TIER: &str = "full,stderr=off";
const MOST_OWNERS: usize = 6;
/// KiB that a storm may add to what is resident after its first fifth, however long it is: room for
/// the findings of shapes that come late, and for what an allocator does with a few threads.
const MOST_GROWTH: u64 = 4 << 10;

fn number(variable: &str, short: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(short)
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }
}

/// What one owner has, and how the one before it wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Mutex,
    StdMutex,
    ReadByWriter,
    WriteByReader,
    Upgradable,
    ReadByUpgrade,
    Once,
    /// The owner is a thread that the one before it joins.
    Join,
}

const LINKS: [Link; 8] = [
    Link::Mutex,
    Link::StdMutex,
    Link::ReadByWriter,
    Link::WriteByReader,
    Link::Upgradable,
    Link::ReadByUpgrade,
    Link::Once,
    Link::Join,
];

struct Round {
    links: Vec<Link>,
    mutexes: Vec<Mutex<u32>>,
    std_mutexes: Vec<std_sync::Mutex<u32>>,
    rw_locks: Vec<RwLock<u32>>,
    cells: Vec<std_sync::OnceLock<u32>>,
    met: Barrier,
    victims: AtomicUsize,
    /// From the victim's last request to its panic, in nanoseconds.
    took: AtomicUsize,
    done: Sender<()>,
}

impl Round {
    fn new(links: Vec<Link>, done: Sender<()>) -> Round {
        let owners = links.len();
        Round {
            mutexes: (0..owners).map(|_| Mutex::new(0)).collect(),
            std_mutexes: (0..owners).map(|_| std_sync::Mutex::new(0)).collect(),
            rw_locks: (0..owners).map(|_| RwLock::new(0)).collect(),
            cells: (0..owners).map(|_| std_sync::OnceLock::new()).collect(),
            met: Barrier::new(owners),
            victims: AtomicUsize::new(0),
            took: AtomicUsize::new(0),
            links,
            done,
        }
    }

    /// Plays one owner to its end.
    fn play(self: &Arc<Self>, owner: usize) {
        let asked = std::cell::Cell::new(Instant::now());
        let role = || self.hold(owner, &asked);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(role)) {
            let took = asked.get().elapsed();
            let text = panic.downcast_ref::<String>().map_or("", String::as_str);
            assert!(text.starts_with("deadlock: "), "{text}");
            self.victims.fetch_add(1, Ordering::Relaxed);
            self.took.store(took.as_nanos() as usize, Ordering::Relaxed);
        }
        self.done.send(()).expect("the test listens");
    }

    fn hold(self: &Arc<Self>, owner: usize, asked: &std::cell::Cell<Instant>) {
        let then = || self.meet_and_want((owner + 1) % self.links.len(), asked);
        match self.links[owner] {
            Link::Mutex => {
                let _held = self.mutexes[owner].lock();
                then();
            }
            Link::StdMutex => {
                let _held = self.std_mutexes[owner].lock().unwrap_or_else(PoisonError::into_inner);
                then();
            }
            Link::ReadByWriter | Link::ReadByUpgrade => {
                let _held = self.rw_locks[owner].read();
                then();
            }
            Link::WriteByReader => {
                let _held = self.rw_locks[owner].write();
                then();
            }
            Link::Upgradable => {
                let _held = self.rw_locks[owner].upgradable_read();
                then();
            }
            Link::Once => {
                self.cells[owner].get_or_init(|| {
                    then();
                    7
                });
            }
            Link::Join => then(),
        }
    }

    /// Wants what the next owner has, once all have what they have.
    fn meet_and_want(self: &Arc<Self>, next: usize, asked: &std::cell::Cell<Instant>) {
        let meet = || {
            self.met.wait();
            asked.set(Instant::now());
        };
        match self.links[next] {
            Link::Mutex => {
                meet();
                *self.mutexes[next].lock() += 1;
            }
            Link::StdMutex => {
                meet();
                drop(self.std_mutexes[next].lock());
            }
            Link::ReadByWriter => {
                meet();
                *self.rw_locks[next].write() += 1;
            }
            Link::WriteByReader => {
                meet();
                assert!(*self.rw_locks[next].read() < 2);
            }
            Link::Upgradable => {
                meet();
                drop(self.rw_locks[next].upgradable_read());
            }
            Link::ReadByUpgrade => {
                let held = self.rw_locks[next].upgradable_read();
                meet();
                *RwLockUpgradableReadGuard::upgrade(held) += 1;
            }
            Link::Once => {
                meet();
                self.cells[next].get_or_init(|| 8);
            }
            Link::Join => {
                let round = Arc::clone(self);
                let child = thread::spawn(move || round.play(next));
                meet();
                child.join().expect("a child catches its panic");
            }
        }
    }
}

#[test]
fn every_deadlock_of_a_storm_is_named_and_has_one_victim() {
    if lockgraph::PRESENT {
        reexec::expect_success("deadlock_storm::deadlocks", TIER);
    }
}

#[test]
fn deadlocks() {
    if !reexec::is_child() {
        return;
    }
    // One panic message per deadlock is enough for nobody.
    std::panic::set_hook(Box::new(|_| ()));
    let rounds = number("LOCKGRAPH_STORM_DEADLOCKS", 300);
    let mut random = Random(number("LOCKGRAPH_STORM_SEED", 1));
    let workers: Vec<_> = (0..MOST_OWNERS)
        .map(|_| {
            let (role, roles) = channel::<(Arc<Round>, usize)>();
            let run = move || roles.iter().for_each(|(round, owner)| round.play(owner));
            (role, std::thread::spawn(run))
        })
        .collect();
    let (mut took, mut early) = (Vec::new(), (0, 0));
    let mut shapes = std::collections::BTreeMap::new();
    // What is kept is a finding for each shape: each comes up in the first fifth.
    let fifth = (rounds / 5).max(1) as usize;
    let different: Vec<Vec<Link>> = (0..fifth).map(|_| shape(&mut random)).collect();
    for number in 0..rounds as usize {
        let at = if number < fifth { number } else { random.below(fifth) };
        let links = different[at].clone();
        let owners = links.len();
        let (done, ended) = channel();
        let round = Arc::new(Round::new(links.clone(), done));
        let roots = (0..owners).filter(|&owner| links[owner] != Link::Join);
        for (owner, (role, _)) in roots.zip(&workers) {
            role.send((Arc::clone(&round), owner)).expect("the worker listens");
        }
        for _ in 0..owners {
            let end = ended.recv_timeout(Duration::from_secs(100));
            assert!(end.is_ok(), "round {number}, {links:?}: it hangs");
        }
        let victims = round.victims.load(Ordering::Relaxed);
        assert_eq!(victims, 1, "round {number}, {links:?}");
        took.push(round.took.load(Ordering::Relaxed));
        *shapes.entry(owners).or_insert(0) += 1;
        if number + 1 == fifth {
            early = (resident(), lockgraph::findings().len());
        }
    }
    let (growth, kept) = (resident().saturating_sub(early.0), lockgraph::findings().len());
    took.sort_unstable();
    let (median, worst) = (took[took.len() / 2] as f64 / 1e3, took[took.len() - 1] as f64 / 1e3);
    println!(
        "\n{rounds} deadlocks, by owners {shapes:?}: all named, one victim each; from closing to \
         panic {median:.0} us median, {worst:.0} us at most; {growth} KiB more resident since the \
         first fifth, with {kept} different findings kept, {} of them since then",
        kept - early.1
    );
    assert!(growth < MOST_GROWTH, "{growth} KiB more, with {} findings more", kept - early.1);
    for (role, worker) in workers {
        drop(role);
        worker.join().expect("it ends well");
    }
}

/// A random circle of waits.
fn shape(random: &mut Random) -> Vec<Link> {
    let owners = 2 + random.below(MOST_OWNERS - 1);
    let link = |at: usize, random: &mut Random| {
        // Somebody has to start.
        LINKS[random.below(LINKS.len() - usize::from(at == 0))]
    };
    (0..owners).map(|at| link(at, random)).collect()
}

/// KiB; 0 where that is not known.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

#[test]
fn no_storm_of_a_right_program_is_called_a_deadlock() {
    if lockgraph::PRESENT {
        reexec::expect_success("deadlock_storm::contention", TIER);
    }
}

/// Locks that are only ever taken in the order of the fields and of their indices.
struct Town {
    streets: Vec<Mutex<u32>>,
    maps: Vec<RwLock<u32>>,
    queue: Mutex<Vec<u32>>,
    filled: Condvar,
    ledger: std_sync::RwLock<u32>,
    bell: std_sync::Mutex<u32>,
    rung: std_sync::Condvar,
    parcel: Sent<u32>,
    over: AtomicBool,
    did: AtomicUsize,
}

/// A spin lock whose guard may be released on another thread.
struct RawSpin(AtomicBool);

// SAFETY: the flag is taken by a compare-exchange, so one thread at a time has it.
unsafe impl lock_api::RawMutex for RawSpin {
    #[allow(clippy::declare_interior_mutable_const, reason = "lock_api asks for it")]
    const INIT: RawSpin = RawSpin(AtomicBool::new(false));
    type Guard = lock_api::GuardSend;

    fn lock(&self) -> Self::Guard {
        loop {
            match self.try_lock() {
                Some(guard) => return guard,
                None => std::thread::yield_now(),
            }
        }
    }

    fn try_lock(&self) -> Option<Self::Guard> {
        let taken = self.0.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
        taken.is_ok().then(lock_api::GuardSend::new)
    }

    unsafe fn unlock(&self, _: Self::Guard) {
        self.0.store(false, Ordering::Release);
    }

    fn is_locked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

type Sent<T> = lockgraph::raw::Mutex<RawSpin, lockgraph::raw::Exclusive<true>, T>;

impl Town {
    fn act(&self, random: &mut Random) {
        self.did.fetch_add(1, Ordering::Relaxed);
        let first = random.below(self.streets.len() - 1);
        match random.below(10) {
            0 => {
                let _one = self.streets[first].lock();
                let _two = self.streets[first + 1].lock();
                *self.maps[0].write() += 1;
            }
            1 => {
                let _street = self.streets[first].lock();
                let _one = self.maps[0].read();
                let _two = self.maps[1].read();
                let _ledger = self.ledger.read().expect("nobody panics");
            }
            2 => {
                let map = self.maps[0].upgradable_read();
                if map.is_multiple_of(3) {
                    *RwLockUpgradableReadGuard::upgrade(map) += 1;
                }
            }
            3 => {
                // Against the order, but not for ever.
                let _map = self.maps[1].read();
                let _street = self.streets[first].try_lock_for(Duration::from_micros(50));
            }
            4 => {
                let _ledger = self.ledger.write().expect("nobody panics");
                let _map = self.maps[1].try_write_for(Duration::from_micros(50));
                let _street = self.streets[first].try_lock();
            }
            5 => {
                self.queue.lock().push(1);
                self.filled.notify_one();
            }
            6 => {
                let mut queue = self.queue.lock();
                if queue.pop().is_none() {
                    self.filled.wait_for(&mut queue, Duration::from_micros(200));
                }
            }
            7 => {
                let _street = self.streets[first].lock();
                let bell = self.bell.lock().expect("nobody panics");
                if *bell == 0 {
                    let wait = self.rung.wait_timeout(bell, Duration::from_micros(100));
                    drop(wait.expect("nobody panics"));
                }
            }
            8 => {
                // The guard is released by another thread, while this one wants another lock.
                let mut parcel = self.parcel.lock();
                thread::scope(|s| {
                    s.spawn(move || *parcel += 1);
                    *self.streets[first].lock() += 1;
                });
            }
            _ => {
                *self.bell.lock().expect("nobody panics") += 1;
                self.rung.notify_all();
                // Threads come and go, and take locks that the one who joins them does not hold.
                thread::scope(|s| {
                    s.spawn(|| *self.streets[first].lock() += 1);
                    s.spawn(|| drop(self.maps[0].read()));
                });
            }
        }
    }
}

#[test]
fn contention() {
    if !reexec::is_child() {
        return;
    }
    let seconds = number("LOCKGRAPH_STORM_SECONDS", 2);
    let town = Town {
        streets: (0..4).map(|_| Mutex::new(0)).collect(),
        maps: (0..2).map(|_| RwLock::new(0)).collect(),
        queue: Mutex::new(Vec::new()),
        filled: Condvar::new(),
        ledger: std_sync::RwLock::new(0),
        bell: std_sync::Mutex::new(0),
        rung: std_sync::Condvar::new(),
        parcel: Sent::new(0),
        over: AtomicBool::new(false),
        did: AtomicUsize::new(0),
    };
    let start = Instant::now();
    thread::scope(|s| {
        for seed in 0..8 {
            let town = &town;
            s.spawn(move || {
                let mut random = Random(seed);
                while !town.over.load(Ordering::Relaxed) {
                    town.act(&mut random);
                }
            });
        }
        std::thread::sleep(Duration::from_secs(seconds));
        town.over.store(true, Ordering::Relaxed);
    });
    let deadlocks: Vec<_> =
        lockgraph::findings().into_iter().filter(|f| f.kind == Kind::Deadlock).collect();
    assert!(deadlocks.is_empty(), "{}", deadlocks[0]);
    let did = town.did.load(Ordering::Relaxed);
    println!("\n{did} acts in {:.0?} with no LG002", start.elapsed());
}
