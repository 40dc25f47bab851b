//! A cycle that a search found, and what names a cycle.

use super::digraph::EdgeIx;
use super::witness::WitnessIx;
use crate::finding::{Confidence, Filter};
use crate::held::fold;
use crate::mem::SysVec;

/// A cycle with its best evidence, from its smallest node on.
pub(super) struct Cycle {
    pub(super) confidence: Confidence,
    pub(super) filtered_by: SysVec<Filter>,
    pub(super) edges: SysVec<EdgeIx>,
    /// One witness per edge.
    pub(super) chosen: SysVec<WitnessIx>,
    pub(super) key: u64,
    /// A stronger cycle that was reported before shares an edge: not worth printing.
    pub(super) shadowed: bool,
    /// The scope whose evidence alone it stands on; 0 where that of the whole process was looked at.
    pub(super) scope: u32,
}

/// Hash of the nodes of a cycle as `scope` knows it, whatever the rotation. Never 0.
pub(super) fn key(scope: u32, len: usize, node: impl Fn(usize) -> u64) -> u64 {
    let first = (0..len).min_by_key(|&i| node(i)).unwrap_or(0);
    (0..len).fold(11 + u64::from(scope), |hash, i| fold(hash ^ node((first + i) % len), 7)).max(1)
}
