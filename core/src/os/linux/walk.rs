//! The stack of the running thread, and the modules that its addresses are in, on Linux.
//!
//! Asked are the unwinder that std brings and the loader, on processors of 64 bits alone, where
//! `_Unwind_GetIP` is no macro and the loader's tables have one layout.
//!
//! This file holds unsafe code: foreign functions.

use std::ffi::{CStr, c_char, c_int, c_void};

/// `struct dl_phdr_info`, as far as it is read.
#[repr(C)]
pub(super) struct Module {
    pub(super) at: usize,
    pub(super) name: *const c_char,
    pub(super) headers: *const Header,
    pub(super) count: u16,
}

/// `Elf64_Phdr`.
#[repr(C)]
pub(super) struct Header {
    pub(super) kind: u32,
    flags: u32,
    offset: u64,
    pub(super) address: u64,
    physical: u64,
    pub(super) in_file: u64,
    in_memory: u64,
    pub(super) align: u64,
}

type Visit = unsafe extern "C" fn(*const Module, usize, *mut c_void) -> c_int;

unsafe extern "C" {
    pub(super) fn dl_iterate_phdr(visit: Visit, data: *mut c_void) -> c_int;
    fn _Unwind_Backtrace(
        frame: unsafe extern "C" fn(*mut c_void, *mut c_void) -> c_int,
        walk: *mut c_void,
    ) -> c_int;
    fn _Unwind_GetIP(frame: *mut c_void) -> usize;
}

/// `PT_LOAD`.
pub(super) const LOAD: u32 = 1;
/// `_URC_NO_REASON` and `_URC_END_OF_STACK`.
const GO_ON: c_int = 0;
const STOP: c_int = 5;

struct Walk<'a> {
    calls: &'a mut [usize],
    count: usize,
}

unsafe extern "C" fn frame(frame: *mut c_void, walk: *mut c_void) -> c_int {
    // SAFETY: the unwinder passes on the walk of `calls`, and a frame that is valid for this call.
    let (walk, address) = unsafe { (&mut *walk.cast::<Walk<'_>>(), _Unwind_GetIP(frame)) };
    let Some(call) = walk.calls.get_mut(walk.count).filter(|_| address > 0) else { return STOP };
    // Of the call, not of what comes after it.
    *call = address - 1;
    walk.count += 1;
    GO_ON
}

/// See [`System::calls`](super::System::calls).
pub(super) fn calls(calls: &mut [usize]) -> usize {
    let mut walk = Walk { calls, count: 0 };
    // SAFETY: `frame` makes of its second argument what is given here, and keeps nothing of it.
    unsafe { _Unwind_Backtrace(frame, (&raw mut walk).cast()) };
    walk.count
}

struct Found {
    address: usize,
    offset: usize,
    /// The start of the file's name.
    name: [u8; 128],
    len: Option<usize>,
}

unsafe extern "C" fn visit(module: *const Module, _: usize, found: *mut c_void) -> c_int {
    // SAFETY: the loader passes on what `module` looks for, and a module that is valid for this call.
    let (module, found) = unsafe { (&*module, &mut *found.cast::<Found>()) };
    let offset = found.address.wrapping_sub(module.at);
    if module.headers.is_null() || module.name.is_null() {
        return GO_ON;
    }
    // SAFETY: a module has so many headers, and a name that ends.
    let (headers, path) = unsafe {
        let headers = std::slice::from_raw_parts(module.headers, usize::from(module.count));
        (headers, CStr::from_ptr(module.name).to_bytes())
    };
    let is_in = |header: &Header| (offset as u64).wrapping_sub(header.address) < header.in_memory;
    if !headers.iter().any(|header| header.kind == LOAD && is_in(header)) {
        return GO_ON;
    }
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let len = name.len().min(found.name.len());
    found.name[..len].copy_from_slice(&name[..len]);
    (found.offset, found.len) = (offset, Some(len));
    STOP
}

/// See [`System::module`](super::System::module).
pub(super) fn module(address: usize, tell: impl FnOnce(&str, usize)) {
    let mut found = Found { address, offset: 0, name: [0; 128], len: None };
    // SAFETY: `visit` makes of its third argument what is given here, and keeps nothing of it.
    unsafe { dl_iterate_phdr(visit, (&raw mut found).cast()) };
    if let Some(len) = found.len {
        tell(std::str::from_utf8(&found.name[..len]).unwrap_or("?"), found.offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn walked() -> Vec<usize> {
        let mut addresses = [0; 64];
        let count = calls(&mut addresses);
        addresses[..count].to_vec()
    }

    #[test]
    fn a_stack_is_walked_from_the_caller_outward_as_far_as_there_is_room() {
        let all = walked();
        assert!(all.len() > 4, "{all:x?}");
        let near = |address: usize, of: usize| (of..of + 4096).contains(&address);
        assert!(all.iter().any(|&each| near(each, walked as fn() -> Vec<usize> as usize)));
        let mut few = [0; 2];
        assert_eq!(calls(&mut few), 2);
    }

    #[test]
    fn an_address_is_in_the_module_that_it_was_loaded_with() {
        let mut told = Vec::new();
        let here = walked as fn() -> Vec<usize> as usize;
        module(here, |name, offset| told.push((name.to_owned(), offset)));
        module(here + 16, |name, offset| told.push((name.to_owned(), offset)));
        assert!(told.iter().all(|(name, _)| name.is_empty()), "the program's own: {told:?}");
        assert_eq!(told[0].1 + 16, told[1].1);
        module(1, |name, _| panic!("{name} is nowhere"));
        module((&raw const told).addr(), |name, _| panic!("no stack is in {name}"));
    }
}
