//! What holds of the model as a whole, on files and on random graphs.

#[cfg(feature = "policy")]
mod check;
mod corruption;
mod cycles;
#[cfg(feature = "policy")]
mod declared;
mod errors;
mod golden;
mod laws;
mod make;
mod matrix;
mod merge;
#[cfg(feature = "policy")]
mod policy;
#[cfg(feature = "schema")]
mod schema;
#[cfg(feature = "policy")]
mod suggest;

use std::path::PathBuf;

/// A file of `tests/data`.
fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// The journals of `tests/data` that can be read.
const GOOD: [&str; 7] = ["abba", "gated", "ordered", "dropped", "torn", "killed", "readers"];
