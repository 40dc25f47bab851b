//! The lock graph as one JSON document.

use lockgraph_model::Dump;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// The lock graph of the running process: locks, order edges with their evidence, the cycles,
/// the findings, and the validated order where there is one.
///
/// Where the recorder is compiled out the dump is empty. Cost: O(graph), a part of it under the
/// graph's lock; for tests and for the end of a program.
///
/// ```
/// let accounts = lockgraph::parking_lot::Mutex::new(0);
/// let log = lockgraph::parking_lot::Mutex::new(());
/// {
///     let _accounts = accounts.lock();
///     let _log = log.lock();
/// }
/// let dump = lockgraph::dump();
/// assert_eq!(dump.edges.len(), usize::from(lockgraph::PRESENT));
/// assert!(dump.order.is_some());
/// ```
pub fn dump() -> Dump {
    let journal = lockgraph_core::facts();
    Dump::from_journal(journal.as_bytes(), "the running process")
        .unwrap_or_else(|error| unreachable!("the recorder wrote a bad journal: {error}"))
}

/// Writes [`dump()`] to a file, which is replaced if it exists. `cargo lockgraph show` reads it.
///
/// # Errors
/// Whatever creating or writing the file gives.
pub fn write_dump(path: impl AsRef<Path>) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    dump().write_to(&mut file)?;
    file.flush()
}
