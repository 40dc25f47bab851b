//! A program with a recorder, and a library with one: what each says of the other.

use lockgraph::parking_lot::Mutex;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::transmute;

unsafe extern "C" {
    fn dlopen(file: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

type Call = extern "C" fn();

static HOST: Mutex<u64> = Mutex::new(0);

extern "C" fn host_alone() {
    drop(HOST.lock());
}

extern "C" fn nothing() {}

fn main() {
    let file = std::env::current_exe().unwrap().with_file_name("libbank.so");
    let file = CString::new(file.to_str().unwrap()).unwrap();
    let library = unsafe { dlopen(file.as_ptr(), 2) };
    assert!(!library.is_null(), "{file:?} cannot be loaded");
    let find = |name: &CStr| {
        let found = unsafe { dlsym(library, name.as_ptr()) };
        assert!(!found.is_null(), "{name:?} is not there");
        found
    };
    let (listen, claims_hold, around, elsewhere, found, observed) = unsafe {
        (
            transmute::<_, Call>(find(c"listen")),
            transmute::<_, extern "C" fn() -> bool>(find(c"claims_hold")),
            transmute::<_, extern "C" fn(Call)>(find(c"around")),
            transmute::<_, extern "C" fn(Call)>(find(c"elsewhere")),
            transmute::<_, extern "C" fn() -> usize>(find(c"found")),
            transmute::<_, extern "C" fn() -> usize>(find(c"observed")),
        )
    };
    // The library is the first to ask; the recorder is the program's.
    listen();
    static AROUND: Mutex<Option<extern "C" fn(Call)>> = Mutex::new(None);
    *AROUND.lock() = Some(around);
    extern "C" fn theirs_first() {
        let around = *AROUND.lock();
        around.unwrap()(host_alone);
    }
    let ours = std::thread::Builder::new().name("of the program".to_owned());
    let ours = ours.spawn(move || {
        let _host = HOST.lock();
        around(nothing);
    });
    ours.unwrap().join().unwrap();
    elsewhere(theirs_first);
    let findings = lockgraph::findings();
    assert_eq!(found(), findings.len());
    let codes: Vec<_> = findings.iter().map(|finding| finding.kind.code()).collect();
    println!("found: {codes:?}");
    println!("claims hold: {}, observed: {}", claims_hold(), observed());
}
