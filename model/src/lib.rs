#![forbid(unsafe_code)]
//! Typed journals and dumps of lockgraph.
