//! Variance and drop-check: the compiler takes and refuses the functions of
//! `tests/parity/lifetimes.rs` with ours as it does with `std`.

use super::{quiet_cargo, root, tool};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Refused with `std` alone: it drops value and initialiser by hand, in a `Drop` that the compiler
/// takes to look at both.
const LATER_THAN_IN_STD: [&str; 1] = ["late_lazy_lock"];

#[test]
fn the_compiler_refuses_what_it_refuses_with_std() {
    let text = fs::read_to_string(root().join("tests/parity/lifetimes.rs")).unwrap();
    let core = metadata();
    let theirs = refused(&text, "std", &core);
    let ours = refused(&text, "lockgraph_core", &core);
    assert!(theirs.contains("data_mutex") && !theirs.contains("data_read_guard"), "{theirs:?}");
    let only_theirs: Vec<_> = theirs.difference(&ours).map(String::as_str).collect();
    let only_ours: Vec<_> = ours.difference(&theirs).map(String::as_str).collect();
    assert_eq!((only_theirs, only_ours), (LATER_THAN_IN_STD.to_vec(), vec![]));
    println!("{} of the functions are refused on both sides", ours.len());
}

/// The functions that the compiler refuses where `SIDE` is `krate`.
fn refused(text: &str, krate: &str, core: &str) -> BTreeSet<String> {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("parity_lifetimes");
    fs::create_dir_all(&dir).unwrap();
    let file = dir.join(format!("with_{krate}.rs"));
    fs::write(&file, text.replace("use SIDE::", &format!("use {krate}::"))).unwrap();
    let output = Command::new(tool("rustc"))
        .args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata"])
        .args(["--error-format", "json", "--extern", &format!("lockgraph_core={core}")])
        .arg("--out-dir")
        .args([&dir, &file])
        .output()
        .unwrap();
    let mut names = BTreeSet::new();
    for line in String::from_utf8(output.stderr).unwrap().lines() {
        let message: Value = serde_json::from_str(line).unwrap();
        let spans = message["spans"].as_array().into_iter().flatten();
        for span in spans.filter(|span| message["level"] == "error" && span["is_primary"] == true) {
            let line = span["line_start"].as_u64().unwrap() as usize;
            let line = text.lines().nth(line - 1).unwrap();
            let name = line.strip_prefix("fn ").and_then(|line| line.split(['<', '(']).next());
            let name = name.unwrap_or_else(|| panic!("{krate}: {}", message["rendered"]));
            // Refused for any other reason, the function tests nothing.
            let code = message["code"]["code"].as_str().unwrap_or_default();
            let borrows = ["", "E0373", "E0499", "E0505", "E0521", "E0597", "E0716"];
            assert!(borrows.contains(&code), "{krate}: {}", message["rendered"]);
            names.insert(name.to_owned());
        }
    }
    names
}

/// Compiles the mirrors, and says where for other crates.
fn metadata() -> String {
    let mut cargo = quiet_cargo("check");
    cargo.args(["--message-format", "json"]);
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).unwrap();
    let artifacts = messages.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let core = artifacts
        .filter(|artifact| artifact["target"]["name"] == "lockgraph_core")
        .find_map(|artifact| artifact["filenames"][0].as_str().map(str::to_owned));
    core.expect("cargo says what it made")
}
