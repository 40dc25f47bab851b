//! Two words of each thread that the hot path reads: which owner's block the thread may use
//! without further questions. See `owner`; each is [`NOBODY`] at first.
//!
//! `thread_local!` in a library that is linked into others costs a call: `__tls_get_addr`, which
//! the linker often takes out, but for which the compiler has saved every register. Where the
//! system's way to place thread-locals is known, the words stand at a fixed distance from the
//! thread pointer instead ("initial exec"), and cost two instructions. Elsewhere they are a
//! `thread_local!`.
//!
//! This file holds unsafe code: two words in assembler.

/// Which of the words.
#[derive(Clone, Copy)]
pub(crate) enum Word {
    First = 0,
    Second = 8,
}

pub(crate) use imp::{get, set};

#[cfg(all(
    target_os = "linux",
    target_arch = "x86_64",
    target_env = "gnu",
    target_pointer_width = "64",
    not(any(miri, lockgraph_loom, lockgraph_no_os))
))]
mod imp {
    use crate::owner::NOBODY;
    use crate::tls::Word;
    use std::arch::{asm, global_asm};

    /// Of this crate in this version alone: a program may contain several.
    macro_rules! words {
        () => {
            concat!(
                env!("CARGO_CRATE_NAME"),
                "_tls_",
                env!("CARGO_PKG_VERSION_MAJOR"),
                "_",
                env!("CARGO_PKG_VERSION_MINOR"),
                "_",
                env!("CARGO_PKG_VERSION_PATCH")
            )
        };
    }

    global_asm!(
        concat!(".pushsection .tdata.", words!(), ",\"awT\",@progbits"),
        ".p2align 3",
        concat!(".globl ", words!()),
        concat!(".hidden ", words!()),
        concat!(".type ", words!(), ",@object"),
        concat!(".size ", words!(), ",16"),
        concat!(words!(), ":"),
        ".quad {nobody}",
        ".quad {nobody}",
        ".popsection",
        nobody = sym NOBODY,
    );

    /// The word of the running thread.
    #[inline(always)]
    pub(crate) fn get(word: Word) -> *const () {
        let value;
        // SAFETY: the symbol is that of 16 bytes of thread-local memory; the distance
        // from the thread pointer is in the GOT, and only this thread uses the words.
        unsafe {
            match word {
                Word::First => asm!(
                    concat!("mov {0}, qword ptr [rip + ", words!(), "@GOTTPOFF]"),
                    "mov {0}, qword ptr fs:[{0}]",
                    out(reg) value,
                    options(pure, readonly, nostack, preserves_flags)
                ),
                Word::Second => asm!(
                    concat!("mov {0}, qword ptr [rip + ", words!(), "@GOTTPOFF]"),
                    "mov {0}, qword ptr fs:[{0} + 8]",
                    out(reg) value,
                    options(pure, readonly, nostack, preserves_flags)
                ),
            }
        }
        value
    }

    /// Sets the word of the running thread.
    pub(crate) fn set(word: Word, value: *const ()) {
        // SAFETY: as in `get`.
        unsafe {
            asm!(
                concat!("mov {0}, qword ptr [rip + ", words!(), "@GOTTPOFF]"),
                "mov qword ptr fs:[{0} + {1}], {2}",
                out(reg) _,
                in(reg) word as usize,
                in(reg) value,
                options(nostack, preserves_flags)
            );
        }
    }
}

#[cfg(not(all(
    target_os = "linux",
    target_arch = "x86_64",
    target_env = "gnu",
    target_pointer_width = "64",
    not(any(miri, lockgraph_loom, lockgraph_no_os))
)))]
mod imp {
    use crate::owner::NOBODY;
    use crate::tls::Word;
    use std::cell::Cell;

    thread_local! {
        static WORDS: [Cell<*const ()>; 2] = const { [const { Cell::new((&raw const NOBODY).cast()) }; 2] };
    }

    /// The word of the running thread.
    #[inline(always)]
    pub(crate) fn get(word: Word) -> *const () {
        WORDS.with(|words| words[word as usize / 8].get())
    }

    /// Sets the word of the running thread.
    pub(crate) fn set(word: Word, value: *const ()) {
        WORDS.with(|words| words[word as usize / 8].set(value));
    }
}

#[cfg(all(test, not(lockgraph_loom)))]
mod tests {
    use super::*;
    use crate::owner::NOBODY;
    use std::ptr::without_provenance;

    #[test]
    fn each_thread_has_its_own_two_words() {
        let run = |i: usize| {
            let nobody = (&raw const NOBODY).cast();
            assert_eq!((get(Word::First), get(Word::Second)), (nobody, nobody));
            set(Word::First, without_provenance(i));
            set(Word::Second, without_provenance(i + 100));
            std::thread::yield_now();
            assert_eq!(get(Word::First).addr(), i);
            assert_eq!(get(Word::Second).addr(), i + 100);
            set(Word::Second, std::ptr::null());
            assert_eq!((get(Word::First).addr(), get(Word::Second).addr()), (i, 0));
        };
        let threads: Vec<_> = (1..50).map(|i| std::thread::spawn(move || run(i))).collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no test failed"));
    }
}
