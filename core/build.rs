//! Tells the mirrors of `std` what the compiler's `std` has: `lockgraph_std = "1.86"` is set where
//! the items that are stable since 1.86 are there.

use std::process::Command;

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
}

/// 95 of `rustc 1.95.0 (..)`.
fn minor_version() -> Option<u32> {
    let output = Command::new(std::env::var_os("RUSTC")?).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.strip_prefix("rustc 1.")?.split('.').next()?.parse().ok()
}
