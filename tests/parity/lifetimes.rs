//! Functions that the compiler takes or refuses for reasons of lifetimes alone: variance and
//! drop-check. `tests/it/parity_std` compiles this with `std` and with ours, and compares which
//! functions are refused.
#![allow(dead_code, unused, dropping_references, reason = "only borrows are looked at")]

use SIDE::{sync, thread};

/// Data whose destructor reads what it borrows.
struct Reads<'a>(&'a str);

impl Drop for Reads<'_> {
    fn drop(&mut self) {
        println!("{}", self.0);
    }
}

// Whether the lifetime of the data may become shorter.
fn data_mutex<'a>(x: sync::Mutex<&'static str>) -> sync::Mutex<&'a str> { x }
fn data_mutex_guard<'a, 'l>(x: sync::MutexGuard<'l, &'static str>) -> sync::MutexGuard<'l, &'a str> { x }
fn data_rwlock<'a>(x: sync::RwLock<&'static str>) -> sync::RwLock<&'a str> { x }
fn data_read_guard<'a, 'l>(x: sync::RwLockReadGuard<'l, &'static str>) -> sync::RwLockReadGuard<'l, &'a str> { x }
fn data_write_guard<'a, 'l>(x: sync::RwLockWriteGuard<'l, &'static str>) -> sync::RwLockWriteGuard<'l, &'a str> { x }
fn data_once_lock<'a>(x: sync::OnceLock<&'static str>) -> sync::OnceLock<&'a str> { x }
fn data_lazy_lock<'a>(x: sync::LazyLock<&'static str, u8>) -> sync::LazyLock<&'a str, u8> { x }
fn init_lazy_lock<'a>(x: sync::LazyLock<u8, &'static str>) -> sync::LazyLock<u8, &'a str> { x }
fn data_sender<'a>(x: sync::mpsc::Sender<&'static str>) -> sync::mpsc::Sender<&'a str> { x }
fn data_sync_sender<'a>(x: sync::mpsc::SyncSender<&'static str>) -> sync::mpsc::SyncSender<&'a str> { x }
fn data_receiver<'a>(x: sync::mpsc::Receiver<&'static str>) -> sync::mpsc::Receiver<&'a str> { x }
fn data_iter<'a, 'l>(x: sync::mpsc::Iter<'l, &'static str>) -> sync::mpsc::Iter<'l, &'a str> { x }
fn data_try_iter<'a, 'l>(x: sync::mpsc::TryIter<'l, &'static str>) -> sync::mpsc::TryIter<'l, &'a str> { x }
fn data_into_iter<'a>(x: sync::mpsc::IntoIter<&'static str>) -> sync::mpsc::IntoIter<&'a str> { x }
fn data_join<'a>(x: thread::JoinHandle<&'static str>) -> thread::JoinHandle<&'a str> { x }
fn data_scoped_join<'a, 's>(x: thread::ScopedJoinHandle<'s, &'static str>) -> thread::ScopedJoinHandle<'s, &'a str> { x }

// The same longer: never.
fn longer_mutex<'a>(x: sync::Mutex<&'a str>) -> sync::Mutex<&'static str> { x }
fn longer_read_guard<'a, 'l>(x: sync::RwLockReadGuard<'l, &'a str>) -> sync::RwLockReadGuard<'l, &'static str> { x }
fn longer_sender<'a>(x: sync::mpsc::Sender<&'a str>) -> sync::mpsc::Sender<&'static str> { x }
fn longer_join<'a>(x: thread::JoinHandle<&'a str>) -> thread::JoinHandle<&'static str> { x }

// Whether the borrow of the lock, or of the scope, may become shorter.
fn borrow_mutex_guard<'a>(x: sync::MutexGuard<'static, u8>) -> sync::MutexGuard<'a, u8> { x }
fn borrow_read_guard<'a>(x: sync::RwLockReadGuard<'static, u8>) -> sync::RwLockReadGuard<'a, u8> { x }
fn borrow_write_guard<'a>(x: sync::RwLockWriteGuard<'static, u8>) -> sync::RwLockWriteGuard<'a, u8> { x }
fn borrow_iter<'a>(x: sync::mpsc::Iter<'static, u8>) -> sync::mpsc::Iter<'a, u8> { x }
fn borrow_scoped_join<'a>(x: thread::ScopedJoinHandle<'static, u8>) -> thread::ScopedJoinHandle<'a, u8> { x }
fn scope_scope<'a>(x: &'a thread::Scope<'static, 'static>) -> &'a thread::Scope<'a, 'static> { x }
fn scope_env<'a>(x: &'static thread::Scope<'static, 'static>) -> &'static thread::Scope<'static, 'a> { x }
fn longer_mutex_guard<'a>(x: sync::MutexGuard<'a, u8>) -> sync::MutexGuard<'static, u8> { x }

// Whether it may be dropped after what the data borrows, as long as the data does not look.
fn late_mutex() { let late; let text = String::new(); late = sync::Mutex::new(&*text); }
fn late_rwlock() { let late; let text = String::new(); late = sync::RwLock::new(&*text); }
fn late_once_lock() { let late; let text = String::new(); late = sync::OnceLock::from(&*text); }
fn late_lazy_lock() { let late; let text = String::new(); late = sync::LazyLock::new(|| &*text); }
fn late_channel() { let late; let text = String::new(); late = sync::mpsc::channel(); late.0.send(&*text); }
fn late_sync_channel() { let late; let text = String::new(); late = sync::mpsc::sync_channel(1); late.0.send(&*text); }
fn late_guard() { let late; let lock = sync::Mutex::new(0); late = lock.lock().unwrap(); }
fn late_read_guard() { let late; let lock = sync::RwLock::new(0); late = lock.read().unwrap(); }
fn late_write_guard() { let late; let lock = sync::RwLock::new(0); late = lock.write().unwrap(); }
fn late_guard_data() { let text; let lock = sync::Mutex::new(""); text = String::new(); let late = lock.lock().unwrap(); }

// The same with data that looks.
fn look_mutex() { let late; let text = String::new(); late = sync::Mutex::new(Reads(&text)); }
fn look_rwlock() { let late; let text = String::new(); late = sync::RwLock::new(Reads(&text)); }
fn look_once_lock() { let late; let text = String::new(); late = sync::OnceLock::from(Reads(&text)); }
fn look_lazy_lock() { let late; let text = String::new(); late = sync::LazyLock::new(|| Reads(&text)); }
fn look_channel() { let late; let text = String::new(); late = sync::mpsc::channel(); late.0.send(Reads(&text)); }

// What a thread may borrow, and what may leave it.
fn spawn_borrows() { let text = String::new(); thread::spawn(|| text.len()); }
fn scope_borrows() { let text = String::new(); thread::scope(|s| { s.spawn(|| text.len()); }); }
fn scope_borrows_inside() { thread::scope(|s| { let text = String::new(); s.spawn(|| text.len()); }); }
fn scope_nests() { let text = String::new(); thread::scope(|s| { s.spawn(|| s.spawn(|| text.len())); }); }
fn scope_mutates() { let mut text = String::new(); thread::scope(|s| { s.spawn(|| text.push('a')); }); text.push('b'); }
fn scope_mutates_twice() { let mut text = String::new(); thread::scope(|s| { s.spawn(|| text.push('a')); s.spawn(|| text.push('b')); }); }
fn scope_returns() -> usize { let text = String::new(); thread::scope(|s| s.spawn(|| text.len()).join().unwrap()) }
fn scope_handle_leaves() { let text = String::new(); let late = thread::scope(|s| s.spawn(|| text.len())); }
fn scope_itself_leaves() { let mut late = None; thread::scope(|s| { late = Some(s); }); }
fn unchecked_borrows() { let text = String::new(); unsafe { thread::Builder::new().spawn_unchecked(|| text.len()) }.unwrap().join(); }
