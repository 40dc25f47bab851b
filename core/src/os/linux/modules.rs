//! The copies of the recorder among the files that the process has loaded.
//!
//! Each file with a copy has an ELF note, which says how far from itself the copy's head is. So a copy
//! is found by what the file is, without a name that it exports and whether it was used or not; the
//! linker keeps notes, as does `strip`. Where it does not, the copy finds no other.
//!
//! This file holds unsafe code: the loader's functions, and the memory that they tell of.

use super::walk::{Header, LOAD, Module, dl_iterate_phdr};
use crate::copies::OURS;
use crate::mem::SysVec;
use crate::os::{First, Head};
use std::arch::asm;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::from_ref;

unsafe extern "C" {
    fn dlopen(file: *const c_char, flags: c_int) -> *mut c_void;
}

/// `PT_NOTE`.
const NOTE: u32 = 4;
/// The note's name, with its end, and its type.
const NAME: &[u8] = b"lockgraph\0";
const TYPE: u32 = 1;
/// `RTLD_LAZY`, `RTLD_NOLOAD` and `RTLD_NODELETE`.
const KEEP: c_int = 1 | 4 | 0x1000;

/// A copy, and the file that it is in.
struct Found {
    head: *const Head,
    /// Ends with a 0.
    file: SysVec<u8>,
    /// It is the program itself, which stays.
    is_program: bool,
}

/// What a look at all files has found.
struct Look {
    files: usize,
    /// The first that is equal to ours.
    first: Option<Found>,
    own: Option<Found>,
    /// Others, before ours.
    strangers: usize,
}

/// See [`System::first_copy`](crate::os::System::first_copy).
pub(super) fn first_copy() -> First {
    leave_note();
    let alone = |strangers| First { head: &OURS.head, strangers };
    let look = Look::now();
    let (Some(first), Some(own)) = (look.first, look.own) else { return alone(0) };
    // Code of ours is called when a thread or the process ends: the file has to stay.
    let stays = own.keep();
    if std::ptr::eq(first.head, own.head) || !stays || !first.keep() {
        return alone(look.strangers);
    }
    // It may have been unloaded after the look; now that it cannot be any more, look again.
    match Look::now().first {
        Some(again) if std::ptr::eq(again.head, first.head) => {
            // SAFETY: a head in a file that is loaded and stays so; nobody changes it.
            First { head: unsafe { &*first.head }, strangers: look.strangers }
        }
        _ => alone(look.strangers),
    }
}

/// Nothing at run time: puts the note into the file that this is compiled for.
#[inline(never)]
fn leave_note() {
    // SAFETY: no instruction. The section is left as it was found.
    unsafe {
        asm!(
            ".pushsection .note.lockgraph, \"a\", %note",
            ".p2align 2",
            ".long 10, 8, 1",
            ".asciz \"lockgraph\"",
            ".p2align 2",
            ".quad {ours} - .",
            ".popsection",
            ours = sym OURS,
            options(nomem, nostack, preserves_flags)
        );
    }
}

impl Found {
    /// Keeps the file loaded for ever; false where that cannot be had.
    fn keep(&self) -> bool {
        // SAFETY: the name ends with a 0. Nothing is loaded, so no code of others runs.
        self.is_program || !unsafe { dlopen(self.file.as_ptr().cast(), KEEP) }.is_null()
    }
}

impl Look {
    fn now() -> Look {
        let mut look = Look { files: 0, first: None, own: None, strangers: 0 };
        // SAFETY: `visit` is called with our `look` and nothing else while this runs.
        unsafe { dl_iterate_phdr(visit, (&raw mut look).cast()) };
        look
    }
}

/// Looks at one file; 1 ends the visits. The loader's lock is held: nothing here takes another one.
unsafe extern "C" fn visit(module: *const Module, _: usize, look: *mut c_void) -> c_int {
    // SAFETY: both are valid for the call, and `look` is that of `now`.
    let (module, look) = unsafe { (&*module, &mut *look.cast::<Look>()) };
    let is_program = look.files == 0;
    look.files += 1;
    if module.headers.is_null() {
        return 0;
    }
    // SAFETY: the file's headers, which are loaded with it.
    let headers = unsafe { std::slice::from_raw_parts(module.headers, usize::from(module.count)) };
    let is_loaded = |note: &Header| {
        let end = |header: &Header| header.address.saturating_add(header.in_file);
        let mut loads = headers.iter().filter(|header| header.kind == LOAD);
        loads.any(|load| load.address <= note.address && end(note) <= end(load))
    };
    for header in headers.iter().filter(|header| header.kind == NOTE && is_loaded(header)) {
        let start = module.at.wrapping_add(header.address as usize) as *const u8;
        // SAFETY: these bytes are of the file and loaded; nobody writes notes.
        let notes = unsafe { std::slice::from_raw_parts(start, header.in_file as usize) };
        for distance in distances(notes, header.align) {
            let from = from_ref(distance).cast::<u8>();
            let head = from.wrapping_offset(i64::from_ne_bytes(*distance) as isize).cast::<Head>();
            let own = std::ptr::eq(head, &raw const OURS.head);
            if !own && !equals(head) {
                look.strangers += 1;
                continue;
            }
            // SAFETY: the module is loaded.
            let found = || Found { head, file: unsafe { name(module) }, is_program };
            look.first.get_or_insert_with(found);
            if own {
                look.own = Some(found());
                return 1;
            }
        }
    }
    0
}

/// Whether the copy is equal to ours.
fn equals(head: *const Head) -> bool {
    // SAFETY: what a note of this name and type points to begins with this, in every version, and the
    // file is loaded as long as the loader's lock is held.
    (unsafe { (*head).key })() == (OURS.head.key)()
}

/// # Safety
/// The file of the module is loaded.
unsafe fn name(module: &Module) -> SysVec<u8> {
    let mut copy = SysVec::new();
    if !module.name.is_null() {
        // SAFETY: the loader's names are C strings.
        copy.extend_from_slice(unsafe { CStr::from_ptr(module.name) }.to_bytes());
    }
    copy.push(0);
    copy
}

/// What our notes among these say.
fn distances(mut notes: &[u8], align: u64) -> impl Iterator<Item = &[u8; 8]> {
    let align = if align == 8 { 8 } else { 4 };
    std::iter::from_fn(move || {
        loop {
            let (head, rest) = notes.split_first_chunk::<12>()?;
            let word = |at: usize| {
                u32::from_ne_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
            };
            let (name, text) = (word(0) as usize, word(4) as usize);
            let text_at = (12 + name).next_multiple_of(align) - 12;
            let said = rest.get(text_at..text_at + text)?;
            let is_ours = word(8) == TYPE && rest.get(..name)? == NAME;
            notes = rest.get((12 + text_at + text).next_multiple_of(align) - 12..).unwrap_or(&[]);
            if let (true, Ok(distance)) = (is_ours, <&[u8; 8]>::try_from(said)) {
                return Some(distance);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(name: &[u8], kind: u32, text: &[u8], align: usize) -> Vec<u8> {
        let mut note = Vec::new();
        for word in [name.len() as u32, text.len() as u32, kind] {
            note.extend_from_slice(&word.to_ne_bytes());
        }
        for part in [name, text] {
            note.extend_from_slice(part);
            note.resize(note.len().next_multiple_of(align), 0);
        }
        note
    }

    #[test]
    fn our_notes_are_told_from_others() {
        for align in [4, 8] {
            let far = 7_i64.to_ne_bytes();
            let all = [
                note(b"GNU\0", 3, &[1; 20], align),
                note(NAME, TYPE, &far, align),
                note(NAME, TYPE + 1, &far, align),
                note(NAME, TYPE, &far[..4], align),
                note(b"", TYPE, &[], align),
                note(NAME, TYPE, &(-7_i64).to_ne_bytes(), align),
            ]
            .concat();
            let seen = |notes: &[u8]| {
                distances(notes, align as u64).map(|d| i64::from_ne_bytes(*d)).collect::<Vec<_>>()
            };
            assert_eq!(seen(&all), [7, -7], "{align}");
            // What is cut off is no note, and nothing is read past its end.
            for end in 0..all.len() {
                assert!([&[][..], &[7], &[7, -7]].contains(&&*seen(&all[..end])), "{align}, {end}");
            }
            assert!(seen(&[0xff; 64]).is_empty());
        }
    }

    #[test]
    fn a_program_finds_its_own_copy_first() {
        let look = Look::now();
        let (first, own) = (look.first.expect("the note is there"), look.own.expect("so is ours"));
        assert!(own.is_program && std::ptr::eq(first.head, &raw const OURS.head));
        assert_eq!(look.strangers, 0);
        assert!(std::ptr::eq(first_copy().head, &raw const OURS.head));
    }
}
