//! A test in a process of its own: findings are global to a process, and the tests of one binary
//! run side by side.

use std::process::{Command, Output};

pub(crate) const MARKER: &str = "LOCKGRAPH_TEST_CHILD";

/// True in the process that [`run`] started for this test.
pub(crate) fn is_child() -> bool {
    std::env::var_os(MARKER).is_some()
}

/// Runs one test of this binary, by its full name, in a new process with `LOCKGRAPH=tier`.
pub(crate) fn run(test: &str, tier: &str) -> Output {
    let binary = std::env::current_exe().expect("a running test has a binary");
    Command::new(binary)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(MARKER, "1")
        .env("LOCKGRAPH", tier)
        .env_remove("LOCKGRAPH_DIR")
        .output()
        .expect("a test binary can be run again")
}

/// Passes on what the child printed, and fails where it failed.
pub(crate) fn expect_success(test: &str, tier: &str) {
    let output = run(test, tier);
    let stdout = String::from_utf8_lossy(&output.stdout);
    print!("{stdout}");
    if !output.status.success() {
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        panic!("{test} failed in its own process: {}", output.status);
    }
    assert!(stdout.contains("1 passed"), "there is no test {test}");
}
