//! The `cargo lockgraph` subcommand.
#![forbid(unsafe_code)]
fn main() {}
