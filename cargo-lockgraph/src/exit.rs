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

/// Cargo's own exit code, as it is; that of a cargo which was killed is 101, as for a failed build.
pub(crate) fn of_cargo(status: std::process::ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(101)
}
