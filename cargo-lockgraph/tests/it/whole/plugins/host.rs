//! A program that loads libraries with locks of their own. It ends by itself, whatever is inverted.

use std::ffi::{c_char, c_int, c_void, CString};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::thread;

extern "C" {
    fn dlopen(file: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    fn dlclose(library: *mut c_void) -> c_int;
    fn fork() -> c_int;
    fn waitpid(child: c_int, status: *mut c_int, options: c_int) -> c_int;
    fn gettid() -> c_int;
    fn _exit(code: c_int) -> !;
}

type Call = extern "C" fn();

struct Plugin {
    library: usize,
    alone: extern "C" fn() -> bool,
    around: extern "C" fn(Call) -> bool,
    twice: extern "C" fn() -> bool,
    elsewhere: extern "C" fn(Call, bool),
}

fn open(file: &Path) -> *mut c_void {
    let name = CString::new(file.to_str().unwrap()).unwrap();
    let library = unsafe { dlopen(name.as_ptr(), 2) };
    assert!(!library.is_null(), "{file:?} cannot be loaded");
    library
}

impl Plugin {
    fn load(file: &Path) -> Plugin {
        let library = open(file);
        let find = |name: &str| {
            let name = CString::new(name).unwrap();
            let found = unsafe { dlsym(library, name.as_ptr()) };
            assert!(!found.is_null(), "{name:?} is not there");
            found
        };
        unsafe {
            Plugin {
                library: library as usize,
                alone: std::mem::transmute(find("alone")),
                around: std::mem::transmute(find("around")),
                twice: std::mem::transmute(find("twice")),
                elsewhere: std::mem::transmute(find("elsewhere")),
            }
        }
    }
}

static HOST: Mutex<u8> = Mutex::new(0);

extern "C" fn nothing() {}

/// The lock of the program, in whatever holds then.
extern "C" fn host_alone() {
    drop(HOST.lock().unwrap());
}

/// One after the other on threads of their own, both of which live till the end.
fn in_turn(first: impl Fn() + Sync, second: impl Fn() + Sync) {
    let turn = AtomicU32::new(0);
    let wait = |for_turn| while turn.load(SeqCst) != for_turn { thread::yield_now() };
    let done = || _ = turn.fetch_add(1, SeqCst);
    thread::scope(|scope| {
        scope.spawn(|| { first(); done(); wait(2) });
        scope.spawn(|| { wait(1); second(); done() });
    });
}

/// True where the thread of this process sleeps.
fn sleeps(thread: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1.starts_with('S')
}

/// Who is in: the first one's thread, then the second one's.
static IN: [AtomicU32; 2] = [AtomicU32::new(0), AtomicU32::new(0)];
/// Which of the two parks first.
static FIRST: AtomicU32 = AtomicU32::new(0);

/// Goes on when the other one has its lock, and if this one is the second to park, sleeps.
fn meet(me: usize) {
    IN[me].store(unsafe { gettid() } as u32, SeqCst);
    let other = || IN[1 - me].load(SeqCst);
    while other() == 0 { thread::yield_now() }
    while FIRST.load(SeqCst) != me as u32 && !sleeps(other()) { thread::yield_now() }
}

extern "C" fn host_after_meeting() {
    meet(1);
    let got = catch_unwind(|| drop(HOST.lock().unwrap_or_else(PoisonError::into_inner)));
    if got.is_err() { println!("the program was refused") }
}

fn refuses(went_well: bool) {
    if !went_well { println!("the plugin was refused") }
}

/// A real deadlock, which is broken.
fn deadlock(plugin: &Plugin) {
    let (around, alone) = (plugin.around, plugin.alone);
    thread::scope(|scope| {
        let first = thread::Builder::new().name("first".to_owned());
        first.spawn_scoped(scope, move || {
            let _host = HOST.lock().unwrap_or_else(PoisonError::into_inner);
            meet(0);
            refuses(alone())
        }).unwrap();
        let second = thread::Builder::new().name("second".to_owned());
        second.spawn_scoped(scope, move || assert!(around(host_after_meeting))).unwrap();
    });
}

static PAUSED: AtomicBool = AtomicBool::new(false);

extern "C" fn host_alone_and_stay() {
    host_alone();
    PAUSED.store(true, SeqCst);
}

fn forked(run: impl FnOnce()) {
    let child = unsafe { fork() };
    if child == 0 {
        run();
        unsafe { _exit(0) };
    }
    let mut status = -1;
    assert_eq!(unsafe { waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0, "the child has failed");
}

fn main() {
    let own = std::env::current_exe().unwrap();
    let mut args = std::env::args().skip(1).peekable();
    let what = args.next().unwrap_or_default();
    let file = match what.as_str() {
        "two" | "two-ordered" => args.next().map(PathBuf::from),
        _ => None,
    };
    // Before all others.
    if let Some(stranger) = args.next_if(|name| name.ends_with(".so")) {
        open(Path::new(&stranger));
    }
    let file = file.unwrap_or_else(|| own.with_file_name("libplugin.so"));
    // Another file with the same text is another library.
    let copy = |n: u32| -> PathBuf {
        let to = std::env::temp_dir().join(format!("whole_plugins_{}_{n}.so", process::id()));
        std::fs::copy(&file, &to).unwrap();
        to
    };
    let (outer, inner) = match what.as_str() {
        "two" | "two-ordered" => {
            let files = [copy(1), copy(2)];
            let both = (Plugin::load(&files[0]), Plugin::load(&files[1]));
            files.iter().for_each(|file| std::fs::remove_file(file).unwrap());
            both
        }
        _ => (Plugin::load(&file), Plugin::load(&file)),
    };
    let with_host = |call: &dyn Fn()| {
        let _host = HOST.lock().unwrap();
        call();
    };
    let ours_first = || with_host(&|| assert!((outer.alone)()));
    let theirs_first = || assert!((outer.around)(host_alone));
    match what.as_str() {
        "where" => println!("{}", file.display()),
        "ordered" => in_turn(ours_first, || with_host(&|| assert!((outer.around)(nothing)))),
        "inverted" => in_turn(ours_first, theirs_first),
        "forked" | "forked-ordered" => {
            host_alone();
            // Where the library has not been used before, and where it has.
            forked(|| { ours_first(); theirs_first() });
            let second = || if what == "forked" { theirs_first() } else { ours_first() };
            in_turn(ours_first, || { forked(theirs_first); second() });
            forked(|| { ours_first(); theirs_first() });
        }
        "two" | "two-ordered" => {
            // No lock of the program's is part of it: each library's is taken in the other's.
            static OTHER: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());
            extern "C" fn other() {
                let alone: extern "C" fn() -> bool =
                    unsafe { std::mem::transmute(OTHER.load(SeqCst)) };
                assert!(alone());
            }
            let nested = |first: &Plugin, second: &Plugin| {
                OTHER.store(second.alone as *mut c_void, SeqCst);
                assert!((first.around)(other));
            };
            match what.as_str() {
                "two" => in_turn(|| nested(&outer, &inner), || nested(&inner, &outer)),
                _ => in_turn(|| nested(&outer, &inner), || nested(&outer, &inner)),
            }
        }
        "threads" => {
            (outer.elsewhere)(host_alone_and_stay, false);
            while !PAUSED.load(SeqCst) { thread::yield_now() }
            ours_first();
        }
        "joined" => {
            (outer.elsewhere)(host_alone, true);
            ours_first();
        }
        "closed" => {
            assert!((outer.alone)());
            assert_eq!(unsafe { (dlclose(outer.library as _), dlclose(inner.library as _)) }, (0, 0));
            let again = Plugin::load(&file);
            in_turn(|| with_host(&|| assert!((again.alone)())), || assert!((again.around)(host_alone)));
            thread::spawn(move || assert!((again.around)(nothing))).join().unwrap();
        }
        "deadlock" => {
            FIRST.store(u32::from(args.next().unwrap() == "second"), SeqCst);
            deadlock(&outer);
        }
        "self" => refuses((outer.twice)()),
        "unwinding" => {
            struct Again(extern "C" fn() -> bool);
            impl Drop for Again {
                fn drop(&mut self) { refuses((self.0)()) }
            }
            let _again = Again(outer.twice);
            panic!("the program unwinds");
        }
        _ => panic!("{what:?} is nothing to do"),
    }
    println!("came to its end");
}
