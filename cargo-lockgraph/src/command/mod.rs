//! The commands, one file each.

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod explain;
pub(crate) mod graph;
pub(crate) mod import;
pub(crate) mod man;
pub(crate) mod merge;
pub(crate) mod show;
