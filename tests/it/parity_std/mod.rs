//! The public API of the mirrors is that of `std`, but for the differences in
//! `tests/parity/std_*.txt`.
//!
//! Both sides are read from HTML that the same rustdoc wrote: `std`'s comes with the toolchain
//! (component `rust-docs`; there is no JSON of `std` without its source), ours is made here. So the
//! `std` of the comparison is the one that the tests are linked with, on stable. Compared are the
//! items of each module; the declaration of each type, constant and function; the signature of
//! each stable inherent function with the bounds of its `impl`; and the trait implementations, with
//! their bounds and associated types, written by hand, blanket and auto, negative ones as well;
//! all with what is deprecated. Items that ours re-exports from `std` are `std`'s, so they need no
//! look inside. Variance and drop-check are in no documentation: `lifetimes` asks the compiler.

mod header;
mod lifetimes;
mod page;

use page::Page;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

#[test]
fn sync_has_only_the_listed_differences() {
    compare("sync", "struct Mutex");
}

#[test]
fn mpsc_has_only_the_listed_differences() {
    compare("sync/mpsc", "struct Receiver");
}

#[test]
fn thread_has_only_the_listed_differences() {
    compare("thread", "struct Thread");
}

/// Compares `std::<module>` with `lockgraph_core::<module>`, and holds the differences against
/// the list. `known` is an item that is surely there.
fn compare(module: &str, known: &str) {
    let Some(theirs) = std_docs() else {
        println!("skipped: needs std's documentation (`rustup component add rust-docs`)");
        return;
    };
    let theirs = Page::items(&theirs.join("std").join(module), "std");
    let ours = Page::items(&our_docs().join("lockgraph_core").join(module), "lockgraph_core");
    let lines = |word: &str| {
        let page = theirs.get(known).expect("rustdoc's format has changed");
        page.api.iter().filter(|line| line.contains(word)).count()
    };
    assert!(
        lines(" { pub fn ") > 2 && lines("Send for") == 1 && lines("Borrow<T> for T") == 1,
        "rustdoc's format has changed"
    );

    let mut found = BTreeSet::new();
    let mut differ = |sign, name: &str, lines: &[&String]| {
        found.extend(lines.iter().map(|line| format!("{sign} {name}: {line}")));
    };
    for (name, page) in &theirs {
        match ours.get(name) {
            None => differ("-", name, &[&"the item".to_owned()]),
            Some(our) if our.own => {
                differ("-", name, &page.api.difference(&our.api).collect::<Vec<_>>());
                differ("+", name, &our.api.difference(&page.api).collect::<Vec<_>>());
            }
            Some(_) => {}
        }
    }
    for name in ours.keys().filter(|name| !theirs.contains_key(*name)) {
        differ("+", name, &[&"the item".to_owned()]);
    }
    let own = ours.values().filter(|page| page.own).count();
    println!("{module}: {} stable items, {own} of ours, {} differences", theirs.len(), found.len());
    hold_against(&format!("tests/parity/std_{}.txt", module.replace('/', "_")), &found);
}

/// Fails where the list is not exactly `found`.
fn hold_against(list: &str, found: &BTreeSet<String>) {
    let text = fs::read_to_string(root().join(list)).unwrap();
    let mut listed = BTreeSet::new();
    for line in text.lines().filter(|line| line.starts_with(['-', '+'])) {
        let (difference, reason) = line.split_once(" | ").unwrap_or((line, ""));
        assert!(!reason.is_empty(), "{list} gives no reason: {line}");
        listed.insert(difference.trim_end().to_owned());
    }
    let unlisted: Vec<_> = found.difference(&listed).collect();
    let stale: Vec<_> = listed.difference(found).collect();
    assert!(
        unlisted.is_empty() && stale.is_empty(),
        "{list} is not true\nnot listed: {unlisted:#?}\nno longer so: {stale:#?}"
    );
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A program of the toolchain that runs this test.
fn tool(name: &str) -> PathBuf {
    let cargo = env::var_os("CARGO").map(PathBuf::from);
    let beside = cargo.map(|cargo| cargo.with_file_name(name));
    beside.filter(|path| path.exists()).unwrap_or_else(|| name.into())
}

/// Where the toolchain's documentation is, if it is installed.
fn std_docs() -> Option<PathBuf> {
    let output = Command::new(tool("rustc")).args(["--print", "sysroot"]).output().ok()?;
    let sysroot = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    let html = sysroot.join("share/doc/rust/html");
    html.join("std/sync/index.html").exists().then_some(html)
}

/// Documents the mirrors with the toolchain's rustdoc, once.
fn our_docs() -> &'static Path {
    static DOCS: OnceLock<PathBuf> = OnceLock::new();
    DOCS.get_or_init(|| {
        let output = quiet_cargo("doc").arg("--no-deps").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        target().join("doc")
    })
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("parity_std")
}

/// A command of cargo for the mirrors. What the tests were built with is not for it.
fn quiet_cargo(command: &str) -> Command {
    let mut cargo = Command::new(tool("cargo"));
    cargo
        .args([command, "--offline", "-p", "lockgraph-core", "--target-dir"])
        .arg(target())
        .current_dir(root());
    for (key, _) in env::vars_os() {
        let name = key.to_string_lossy();
        if name.contains("RUSTFLAGS") || name.starts_with("CARGO_") {
            cargo.env_remove(&key);
        }
    }
    cargo.env("RUSTC", tool("rustc")).env("RUSTDOC", tool("rustdoc"));
    cargo
}
