//! Size-neutral locks: of the size of std's, for programs that ask for it.

use super::{Project, STD, abba};

/// `size_of` and `align_of` of std's own types, as this program has them, against those of the project.
macro_rules! sizes {
    ($($T:ty),* $(,)?) => {{
        let mut text = "#[test]\nfn sizes() {\n".to_owned();
        $(
            let (name, size, align) = (stringify!($T), size_of::<$T>(), align_of::<$T>());
            let seen = format!("(size_of::<{name}>(), align_of::<{name}>())");
            text += &format!("    assert_eq!({seen}, ({size}, {align}), {name:?});\n");
        )*
        text + "}\n"
    }};
}

const ASSERTS: &str = "use std::mem::size_of;
const _: () = assert!(size_of::<std::sync::Mutex<u64>>() == SIZE);
";

#[test]
fn a_program_that_asserts_a_size_falls_back_to_locks_of_that_size() {
    let project = Project::new("whole_neutral", "");
    let size = size_of::<std::sync::Mutex<u64>>().to_string();
    project.write("src/lib.rs", &ASSERTS.replace("SIZE", &size));
    let [accounts, audit] = ["ACCOUNTS.lock().unwrap()", "AUDIT.lock().unwrap()"];
    project.write("tests/bank.rs", &abba(STD, [accounts, audit], [audit, accounts]));
    let found = project.lockgraph(&["test", "--test", "bank"]);
    found.ends_with(1).says(&[
        "test transfer_and_audit ... ok",
        "lockgraph: whole_neutral 0.1.0 does not compile with instrumented locks; falling back to size-neutral locks: error[E0080]",
        "error[LG003]: potential deadlock: 2 threads take 2 locks in opposite orders (feasible)",
        "--> tests/bank.rs:11:32",
        "--> tests/bank.rs:18:31",
        "A: Mutex<u8>, first locked here",
    ]);
    assert_eq!(found.err().matches("does not compile").count(), 1, "{}", found.err());

    project.write("tests/bank.rs", &abba(STD, [accounts, audit], [accounts, audit]));
    let fixed = project.lockgraph(&["test", "--test", "bank"]);
    fixed.ends_with(0).says(&["falling back to size-neutral locks", "lockgraph: no findings"]);
}

#[test]
fn size_neutral_locks_have_the_size_of_stds() {
    let project = Project::new("whole_neutral_sizes", "");
    use std::sync::mpsc::{Receiver, Sender, SyncSender};
    use std::sync::{Barrier, Condvar, LazyLock, Mutex, Once, OnceLock, RwLock};
    let sizes = sizes!(
        Mutex<()>, Mutex<u8>, Mutex<u64>, Mutex<[u8; 3]>, Mutex<u128>, Mutex<String>,
        Mutex<Mutex<u8>>, Option<Mutex<u64>>, RwLock<()>, RwLock<u8>, RwLock<u64>, RwLock<[u8; 3]>,
        RwLock<u128>, Option<RwLock<u8>>, Condvar, Barrier, Once, OnceLock<()>, OnceLock<u8>,
        OnceLock<u64>, OnceLock<u128>, OnceLock<OnceLock<u64>>, LazyLock<()>, LazyLock<u8>,
        LazyLock<u64>, LazyLock<[u64; 9]>, LazyLock<u8, fn() -> u8>, Sender<u64>, SyncSender<u64>,
        Receiver<u64>,
    );
    let uses = "use std::mem::{align_of, size_of};
use std::sync::mpsc::{Receiver, Sender, SyncSender};
use std::sync::{Barrier, Condvar, LazyLock, Mutex, Once, OnceLock, RwLock};\n";
    project.write("tests/sizes.rs", &(uses.to_owned() + &sizes));
    project.cargo(&["test", "--test", "sizes"]).ends_with(0);
    // At run time nobody can tell whose fault it is.
    project.lockgraph(&["test", "--test", "sizes"]).ends_with(101).says(&["sizes ... FAILED"]);
    let run = project.lockgraph(&["test", "--size-neutral", "--test", "sizes"]);
    run.ends_with(0).says(&["test sizes ... ok"]);
}

/// Locks that are moved after their use, and others that come to where they were. In a module `kept`
/// the same happens to locks that stay, which is an inversion.
const MOVED: &str = "use std::sync::{Mutex, RwLock};
fn nest(outer: &Mutex<u64>, inner: &Mutex<u64>) {
    let _outer = outer.lock().unwrap();
    let _inner = inner.lock().unwrap();
}
fn elsewhere(f: impl FnOnce() + Send) {
    std::thread::scope(|s| s.spawn(f).join().unwrap());
}
fn nest_both_ways(one: &[Mutex<u64>], other: &[Mutex<u64>]) {
    // Two threads that nothing orders.
    let (done, begin) = std::sync::mpsc::channel();
    std::thread::scope(|s| {
        s.spawn(move || { nest(&one[0], &one[1]); done.send(()).unwrap() });
        s.spawn(move || { begin.recv().unwrap(); nest(&other[1], &other[0]) });
    });
}
#[test]
fn grows() {
    let mut seen = std::collections::BTreeSet::new();
    for round in 0..50 {
        let mut locks = Vec::with_capacity(2);
        locks.extend([Mutex::new(0), Mutex::new(0)]);
        seen.insert(locks.as_ptr() as usize);
        if round % 2 == 0 {
            elsewhere(|| nest(&locks[0], &locks[1]));
        } else {
            elsewhere(|| nest(&locks[1], &locks[0]));
        }
        // Moves them, with no destructor.
        locks.reserve_exact(100);
        // What was nested one way is nested this way wherever it is.
        if round % 2 == 0 {
            elsewhere(|| nest(&locks[0], &locks[1]));
        }
    }
    assert!(seen.len() < 50, \"no address came twice\");
}
#[test]
fn made_anew() {
    for round in 0..50 {
        let mut boxes = vec![Box::new([Mutex::new(0), Mutex::new(0)])];
        elsewhere(|| nest(&boxes[0][round % 2], &boxes[0][1 - round % 2]));
        match round % 3 {
            0 => drop(boxes),
            // Without a destructor, over the old ones.
            1 => unsafe { std::ptr::write(&mut *boxes[0], [Mutex::new(0), Mutex::new(0)]) },
            _ => drop(boxes.pop().map(|both| both.map(|lock| lock.into_inner().unwrap()))),
        }
    }
}
#[test]
fn swapped() {
    let mut both = [RwLock::new(0), RwLock::new(1)];
    for _ in 0..10 {
        let (a, b) = both.split_at_mut(1);
        let zero_first = *a[0].get_mut().unwrap() == 0;
        let (outer, inner) = if zero_first { (&a[0], &b[0]) } else { (&b[0], &a[0]) };
        elsewhere(|| { let _outer = outer.write().unwrap(); let _inner = inner.write().unwrap(); });
        both.swap(0, 1);
    }
}
";

#[test]
fn a_lock_is_the_same_wherever_it_is_moved_and_no_other_one_at_its_address_is() {
    let project = Project::new("whole_neutral_moved", "");
    let apart = "#[test]\nfn apart() {
    let make = || [Mutex::new(0), Mutex::new(0)];
    nest_both_ways(&make(), &make());
}\n";
    let kept = "#[test]\nfn kept() {
    let locks = vec![Mutex::new(0), Mutex::new(0)];
    nest(&locks[0], &locks[1]);
    let moved: Vec<_> = locks.into_iter().chain([Mutex::new(0)]).collect();
    nest_both_ways(&moved, &moved);
}\n";
    project.write("tests/moved.rs", &(MOVED.to_owned() + apart));
    project.write("tests/kept.rs", &(MOVED.to_owned() + kept));
    let run = project.lockgraph(&["test", "--size-neutral", "--test", "moved"]);
    run.ends_with(0).says(&["4 passed", "lockgraph: no findings"]).is_silent_of(&["not shown"]);
    let run = project.lockgraph(&["test", "--size-neutral", "--test", "kept"]);
    run.ends_with(1).says(&["4 passed", "error[LG003]", "lockgraph: 1 error"]);
}

#[test]
fn hangs_of_size_neutral_locks_are_named_and_broken() {
    let project = Project::new("whole_neutral_hang", "");
    let hang = |first: &str, second: &str| {
        format!(
            "use std::sync::{{Barrier, LazyLock, Mutex, OnceLock, RwLock}};
static LOCK: Mutex<u8> = Mutex::new(0);
static TABLE: RwLock<u8> = RwLock::new(0);
static CELL: OnceLock<u8> = OnceLock::new();
static LAZY: LazyLock<u8> = LazyLock::new(|| {{ BOTH.wait(); *LOCK.lock().unwrap() }});
static BOTH: Barrier = Barrier::new(2);
#[test]
fn hangs() {{
    let one = std::thread::spawn(|| {{ {first} }});
    let two = std::thread::spawn(|| {{ {second} }});
    let (one, two) = (one.join(), two.join());
    assert!(one.is_ok() && two.is_ok());
}}
"
        )
    };
    let holds = "let _held = LOCK.lock().unwrap(); BOTH.wait();";
    for (name, first, second) in [
        (
            "locks",
            format!("{holds} let _then = TABLE.write();"),
            "let _held = TABLE.read().unwrap(); BOTH.wait(); let _then = LOCK.lock();".to_owned(),
        ),
        (
            "cell",
            format!("{holds} CELL.get_or_init(|| 1);"),
            "CELL.get_or_init(|| { BOTH.wait(); *LOCK.lock().unwrap() });".to_owned(),
        ),
        ("lazy", format!("{holds} assert_eq!(*LAZY, 0);"), "assert_eq!(*LAZY, 0);".to_owned()),
    ] {
        project.write(&format!("tests/{name}.rs"), &hang(&first, &second));
        let run = project.lockgraph(&["test", "--size-neutral", "--test", name]);
        run.ends_with(101).says(&["test hangs ... FAILED", "error[LG002]"]);
    }
}

/// Counts and nests locks that are the program's.
const PLUGIN: &str = "use std::sync::Mutex;
#[no_mangle]
pub extern \"C\" fn count(lock: &Mutex<u64>) {
    for _ in 0..20_000 { *lock.lock().unwrap() += 1 }
}
#[no_mangle]
pub extern \"C\" fn nest(outer: &Mutex<u64>, inner: &Mutex<u64>) {
    let _outer = outer.lock().unwrap();
    let _inner = inner.lock().unwrap();
}
";

const HOST: &str = "use std::ffi::{c_char, c_int, c_void};
use std::sync::Mutex;
extern \"C\" {
    fn dlopen(file: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}
fn main() {
    let here = std::env::current_exe().unwrap();
    let file = here.with_file_name(\"libplugin.so\\0\");
    let library = unsafe { dlopen(file.to_str().unwrap().as_ptr().cast(), 2) };
    assert!(!library.is_null());
    let find = |name: &str| unsafe { dlsym(library, name.as_ptr().cast()) };
    let count: extern \"C\" fn(&Mutex<u64>) = unsafe { std::mem::transmute(find(\"count\\0\")) };
    let nest: extern \"C\" fn(&Mutex<u64>, &Mutex<u64>) =
        unsafe { std::mem::transmute(find(\"nest\\0\")) };
    // One is used here first, one there.
    let (a, b) = (&Mutex::new(0), &Mutex::new(0));
    *a.lock().unwrap() += 1;
    count(b);
    std::thread::scope(|s| {
        s.spawn(move || count(a));
        s.spawn(move || for _ in 0..20_000 { *a.lock().unwrap() += 1 });
    });
    assert_eq!(*a.lock().unwrap(), 40_001);
    let (done, begin) = std::sync::mpsc::channel();
    std::thread::scope(|s| {
        s.spawn(move || {
            {
                let _outer = a.lock().unwrap();
                let _inner = b.lock().unwrap();
            }
            done.send(()).unwrap()
        });
        s.spawn(move || { begin.recv().unwrap(); nest(b, a) });
    });
    println!(\"came to its end\");
}
";

#[test]
fn a_program_and_a_library_that_it_loads_share_size_neutral_locks() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let targets = "[lib]\nname = \"plugin\"\ncrate-type = [\"cdylib\"]\n";
    let project = Project::new("whole_neutral_plugin", targets);
    project.write("src/lib.rs", PLUGIN);
    project.write("src/main.rs", HOST);
    project.lockgraph(&["build", "--size-neutral"]).ends_with(0);
    let run = project.lockgraph(&["run", "--size-neutral", "--bin", "whole_neutral_plugin"]);
    run.ends_with(1).says(&[
        "came to its end",
        "error[LG003]",
        "--> src/lib.rs:9:",
        "--> src/main.rs:",
    ]);
}
