//! A library with a recorder of which no more is known than where it is.

#[repr(C)]
struct Head {
    key: extern "C" fn() -> u64,
}

extern "C" fn key() -> u64 {
    7
}

static HEAD: Head = Head { key };

core::arch::global_asm!(
    ".pushsection .note.lockgraph, \"a\", %note",
    ".p2align 2",
    ".long 10, 8, 1",
    ".asciz \"lockgraph\"",
    ".p2align 2",
    ".quad {head} - .",
    ".popsection",
    head = sym HEAD,
);

#[no_mangle]
pub extern "C" fn is_there() -> bool {
    (HEAD.key)() == 7
}
