//! What the recorder counts of itself.

use super::{graph, untracked_count};
use crate::calls;
use crate::config;
use crate::sink::store;

/// What was counted, by name.
pub(super) fn counted() -> [(&'static str, u64); 12] {
    let graph = graph();
    let counters = graph.counters;
    [
        ("untracked", untracked_count()),
        ("dropped_locks", counters.dropped_locks),
        ("dropped_edges", counters.dropped_edges),
        ("searches_truncated", graph.truncated()),
        ("evidence_capped", graph.capped()),
        ("edges_refused", counters.refused),
        ("locks_untold", counters.untold_locks),
        ("findings_dropped", store::dropped()),
        ("callers_refused", calls::refused()),
        ("live_locks", graph.size().0 as u64),
        ("live_edges", graph.size().1 as u64),
        ("graph_bytes", graph.bytes() as u64),
    ]
}

/// As [`counted`], for the program.
pub(crate) fn counters() -> Vec<(&'static str, u64)> {
    match config::is_lost() {
        true => Vec::new(),
        false => counted().into(),
    }
}
