//! lockgraph
