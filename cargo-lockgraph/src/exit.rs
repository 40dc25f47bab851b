//! The exit codes, which are a contract with scripts. `docs/cli.md` says what each command means
//! by them.

/// Done, and nothing to complain of.
pub(crate) const OK: u8 = 0;

/// Findings that the policy does not accept.
pub(crate) const FINDINGS: u8 = 1;

/// The command line was wrong.
pub(crate) const USAGE: u8 = 2;

/// An input cannot be read, is damaged, or is of another major version; or the output failed.
pub(crate) const BAD_INPUT: u8 = 3;

/// Cargo's own exit code, as it is. `cargo run` becomes the program that it runs: where that was killed by
/// a signal, it is what a shell makes of it.
pub(crate) fn of_cargo(status: std::process::ExitStatus) -> u8 {
    #[cfg(unix)]
    let killed = std::os::unix::process::ExitStatusExt::signal(&status).map(|signal| 128 + signal);
    #[cfg(not(unix))]
    let killed = None;
    status.code().or(killed).and_then(|code| u8::try_from(code).ok()).unwrap_or(101)
}
