//! What holds of the model as a whole, on files and on random graphs.

mod corruption;
mod cycles;
mod errors;
mod golden;
mod laws;
mod make;
mod matrix;
mod merge;
#[cfg(feature = "schema")]
mod schema;

use std::path::PathBuf;

/// A file of `tests/data`.
fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// The journals of `tests/data` that can be read.
const GOOD: [&str; 7] = ["abba", "gated", "ordered", "dropped", "torn", "killed", "readers"];
