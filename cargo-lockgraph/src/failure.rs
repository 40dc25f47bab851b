//! Why a command did not come to its end, and which exit code that is.

use crate::exit;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitStatus;

/// Why a command did not come to its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An input that the model refuses.
    Input(lockgraph_model::Error),
    /// Another input, with the place and what to do in the text.
    Other(String),
    /// An argument that is well-formed and names nothing.
    Usage(String),
    /// Standard output.
    Output(io::Error),
    /// Cargo, which has said why by itself.
    Cargo(ExitStatus),
}

impl Failure {
    /// A file that cannot be read or written.
    pub(crate) fn file(path: &Path, what: &str, error: &io::Error) -> Self {
        Failure::Other(format!("{}: cannot {what} it: {error}", path.display()))
    }

    /// A program that does not start.
    pub(crate) fn program(name: &OsStr, error: &io::Error) -> Self {
        Failure::Other(format!("{}: {error}", name.to_string_lossy()))
    }

    /// The exit code of it.
    pub(crate) fn code(&self) -> u8 {
        match self {
            // `| head` has seen enough.
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => exit::OK,
            Failure::Usage(_) => exit::USAGE,
            Failure::Cargo(status) => exit::of_cargo(*status),
            _ => exit::BAD_INPUT,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Input(error) => error.fmt(f),
            Failure::Other(what) | Failure::Usage(what) => f.write_str(what),
            Failure::Cargo(status) => write!(f, "cargo: {status}"),
            Failure::Output(error) => write!(f, "cannot write the output: {error}"),
        }
    }
}

impl From<lockgraph_model::Error> for Failure {
    fn from(error: lockgraph_model::Error) -> Self {
        Failure::Input(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Output(error)
    }
}
