//! The order graph: locks as nodes, acquisition orders as edges.

pub(crate) mod digraph;
pub(crate) mod order;
