//! The types of `lockgraph::sync` and `lockgraph::thread` are drop-in: auto traits for data of every
//! kind, unsizing, statics. `parity_std` compares the bounds as they are documented, variance and
//! drop-check.

use crate::auto_traits::{Not as _, auto};
use lockgraph::sync as ours;
use lockgraph::thread as our_thread;
use std::cell::Cell;
use std::fmt::Debug;
use std::rc::Rc;
use std::sync as real;
use std::sync::Arc;
use std::thread as real_thread;

/// Data that is `Send`, `Sync`, `Unpin` and unwind safe, or lacks one or some of these.
macro_rules! for_all_data {
    ($check:ident!($($name:tt)*)) => {
        $check!($($name)*, u8);
        $check!($($name)*, Cell<u8>);
        $check!($($name)*, Rc<u8>);
        $check!($($name)*, real::MutexGuard<'static, u8>);
        $check!($($name)*, &'static mut u8);
        $check!($($name)*, std::marker::PhantomPinned);
        $check!($($name)*, dyn Debug);
        $check!($($name)*, dyn Debug + Send);
        $check!($($name)*, dyn Debug + Sync);
    };
}

/// The same without data of unknown size.
macro_rules! for_all_sized {
    ($check:ident!($($name:tt)*)) => {
        $check!($($name)*, u8);
        $check!($($name)*, Cell<u8>);
        $check!($($name)*, Rc<u8>);
        $check!($($name)*, real::MutexGuard<'static, u8>);
        $check!($($name)*, &'static mut u8);
        $check!($($name)*, std::marker::PhantomPinned);
        $check!($($name)*, Box<dyn Debug>);
    };
}

#[test]
fn auto_traits_are_those_of_std_for_data_of_every_kind() {
    macro_rules! lock {
        ($name:ident, $data:ty) => {
            assert_eq!(auto!(ours::$name<$data>), auto!(real::$name<$data>), stringify!($name $data));
        };
    }
    macro_rules! guard {
        ($name:ident, $data:ty) => {
            assert_eq!(
                auto!(ours::$name<'static, $data>),
                auto!(real::$name<'static, $data>),
                stringify!($name $data)
            );
        };
    }
    macro_rules! mpsc {
        ($name:ident, $data:ty) => {
            assert_eq!(
                auto!(ours::mpsc::$name<$data>),
                auto!(real::mpsc::$name<$data>),
                stringify!($name $data)
            );
        };
    }
    macro_rules! thread {
        ($name:ident, $data:ty) => {
            assert_eq!(
                auto!(our_thread::$name<$data>),
                auto!(real_thread::$name<$data>),
                stringify!($name $data)
            );
        };
    }
    macro_rules! lazy {
        ($name:ident, $data:ty) => {
            lock!($name, $data);
            assert_eq!(
                auto!(ours::$name<u8, $data>),
                auto!(real::$name<u8, $data>),
                stringify!($name by $data)
            );
        };
    }
    for_all_data!(lock!(Mutex));
    for_all_data!(lock!(RwLock));
    for_all_data!(guard!(MutexGuard));
    for_all_data!(guard!(RwLockReadGuard));
    for_all_data!(guard!(RwLockWriteGuard));
    for_all_sized!(lock!(OnceLock));
    for_all_sized!(lazy!(LazyLock));
    for_all_sized!(lock!(PoisonError));
    for_all_sized!(mpsc!(Sender));
    for_all_sized!(mpsc!(SyncSender));
    for_all_sized!(mpsc!(Receiver));
    for_all_sized!(mpsc!(IntoIter));
    for_all_sized!(thread!(JoinHandle));
    assert_eq!(auto!(ours::Condvar), auto!(real::Condvar));
    assert_eq!(auto!(ours::Once), auto!(real::Once));
    assert_eq!(auto!(ours::OnceState), auto!(real::OnceState));
    assert_eq!(auto!(ours::Barrier), auto!(real::Barrier));
    assert_eq!(auto!(ours::WaitTimeoutResult), auto!(real::WaitTimeoutResult));
    assert_eq!(auto!(our_thread::Builder), auto!(real_thread::Builder));
    assert_eq!(
        auto!(our_thread::Scope<'static, 'static>),
        auto!(real_thread::Scope<'static, 'static>)
    );
    assert_eq!(
        auto!(our_thread::ScopedJoinHandle<'static, Rc<u8>>),
        auto!(real_thread::ScopedJoinHandle<'static, Rc<u8>>)
    );
    // The probe itself: what it says of std is what std documents.
    assert_eq!(auto!(real::Mutex<Cell<u8>>), [true, true, true, true, true]);
    assert_eq!(auto!(real::MutexGuard<'static, Cell<u8>>), [false, false, true, true, true]);
}

#[test]
fn every_constructor_is_const() {
    static MUTEX: ours::Mutex<Vec<u8>> = ours::Mutex::new(Vec::new());
    static RW_LOCK: ours::RwLock<Option<String>> = ours::RwLock::new(None);
    static CONDVAR: ours::Condvar = ours::Condvar::new();
    static ONCE: ours::Once = ours::Once::new();
    #[allow(deprecated, reason = "std has it")]
    static OLD_ONCE: ours::Once = ours::ONCE_INIT;
    static ONCE_LOCK: ours::OnceLock<String> = ours::OnceLock::new();
    static LAZY_LOCK: ours::LazyLock<String> = ours::LazyLock::new(|| "lazy".to_owned());
    static BARRIER: ours::Barrier = ours::Barrier::new(1);
    #[allow(clippy::declare_interior_mutable_const, reason = "copied into each place")]
    const EMPTY: ours::Mutex<u8> = const { ours::Mutex::new(0) };
    static SHARDS: [ours::Mutex<u8>; 2] = [EMPTY; 2];
    thread_local! {
        static LOCAL: ours::Mutex<u8> = const { ours::Mutex::new(7) };
    }

    MUTEX.lock().unwrap().push(1);
    *RW_LOCK.write().unwrap() = Some("set".to_owned());
    CONDVAR.notify_all();
    ONCE.call_once(|| ());
    OLD_ONCE.call_once(|| ());
    *SHARDS[1].lock().unwrap() = 1;
    assert_eq!(*MUTEX.lock().unwrap(), [1]);
    assert_eq!(RW_LOCK.read().unwrap().as_deref(), Some("set"));
    assert!(ONCE.is_completed() && OLD_ONCE.is_completed());
    assert_eq!(ONCE_LOCK.get_or_init(|| "once".to_owned()), "once");
    assert_eq!(&**LAZY_LOCK, "lazy");
    assert!(BARRIER.wait().is_leader());
    assert_eq!((*SHARDS[0].lock().unwrap(), *SHARDS[1].lock().unwrap()), (0, 1));
    assert_eq!(LOCAL.with(|lock| *lock.lock().unwrap()), 7);
}

#[test]
fn locks_and_their_guards_unsize() {
    let lock: Arc<ours::Mutex<dyn Debug + Send>> = Arc::new(ours::Mutex::new(7));
    assert_eq!(format!("{:?}", lock.lock().unwrap()), "7");
    let lock: Box<ours::RwLock<[u8]>> = Box::new(ours::RwLock::new([1, 2]));
    lock.write().unwrap()[0] = 3;
    assert_eq!(*lock.read().unwrap(), [3, 2]);
    let lock: &ours::Mutex<dyn Fn() -> u8> = &ours::Mutex::new(|| 5);
    assert_eq!((lock.lock().unwrap())(), 5);
}
