//! The integration tests of `lockgraph`, in one binary.

mod oracle;
mod scenario;
