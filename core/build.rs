//! Tells the mirrors of `std` what the compiler's `std` has: `lockgraph_std = "1.86"` is set where
//! the items that are stable since 1.86 are there.
//!
//! With the feature `source`, lists the crate's files for `src/source.rs`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

/// The versions after the minimum that stabilised something which we mirror.
const SINCE: [u32; 4] = [86, 89, 92, 94];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let values: Vec<String> = SINCE.iter().map(|minor| format!("\"1.{minor}\"")).collect();
    println!("cargo::rustc-check-cfg=cfg(lockgraph_std, values({}))", values.join(", "));
    // An unknown compiler counts as the minimum: some items are missing then, nothing breaks.
    let minor = minor_version().unwrap_or_default();
    for since in SINCE.into_iter().filter(|since| *since <= minor) {
        println!("cargo::rustc-cfg=lockgraph_std=\"1.{since}\"");
    }
    if env::var_os("CARGO_FEATURE_SOURCE").is_some() {
        let list = list().expect("the crate's own source can be read");
        let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where"));
        fs::write(out.join("source.rs"), list).expect("cargo made the folder");
    }
}

/// The constants of `src/source.rs`.
fn list() -> io::Result<String> {
    println!("cargo::rerun-if-changed=src");
    let root =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut list = String::from(
        "/// Path below `src/`, with `/` between its parts, and text.\npub const FILES: &[(&str, &str)] = &[\n",
    );
    for file in files {
        let parts = file.strip_prefix(&root).expect("found below it").iter();
        let name = parts.map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
        // Writing to a `String` cannot fail.
        let _ = writeln!(list, "    ({name:?}, include_str!({file:?})),");
    }
    list.push_str("];\n/// `--cfg lockgraph_std=\"1.N\"` is for compilers from 1.N on.\n");
    let _ = writeln!(list, "pub const SINCE: &[u32] = &{SINCE:?};");
    Ok(list)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// 95 of `rustc 1.95.0 (..)`.
fn minor_version() -> Option<u32> {
    let output = Command::new(env::var_os("RUSTC")?).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.strip_prefix("rustc 1.")?.split('.').next()?.parse().ok()
}
