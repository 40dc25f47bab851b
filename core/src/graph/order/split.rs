//! Removals inside a component: at once, or later.
//!
//! A component from which nodes are gone may have fallen apart. To keep it whole a while errs
//! towards a search for cycles that finds none; to recompute it, with all its edges, each time a
//! node goes, would take the square of its size when a program drops its locks one by one.

use super::{Digraph, NONE, NodeIx, Order, VISITED};
use crate::mem::SysVec;
use std::mem;

/// What an added node or edge allows to recompute, in nodes and edges.
pub(super) const PER_ADDITION: i64 = 16;
/// Components up to this size are recomputed in any case.
const SMALL: u32 = 64;
/// In `gone`: the node is. The other bits count, in the representative, those that are.
const GONE: u16 = 1 << 15;

impl Order {
    /// Call after [`Digraph::clear_node`], and then [`Order::pop_free`] until there is no more.
    pub(crate) fn node_removed(&mut self, graph: &Digraph, n: NodeIx) {
        let c = self.component(n);
        if self.entry(c).len == 1 {
            self.unlink(c);
            self.give_up(c);
            return;
        }
        self.entry_mut(n).gone |= GONE;
        self.count_gone(c, 1);
        let (gone, len) = (self.gone(c), self.entry(c).len);
        let is_full = gone == usize::from(GONE - 1);
        if len <= SMALL || self.slack >= 0 || gone * 8 >= len as usize || is_full {
            self.split(graph, c);
        }
    }

    /// A node whose index may be freed now.
    pub(crate) fn pop_free(&mut self) -> Option<NodeIx> {
        self.free.pop()
    }

    /// Call after [`Digraph::remove_edge`].
    #[cfg(test)]
    pub(crate) fn edge_removed(&mut self, graph: &Digraph, u: NodeIx, v: NodeIx) {
        let c = self.component(u);
        if c == self.component(v) {
            self.split(graph, c);
        }
    }

    /// How many nodes of the component `c` are gone.
    pub(super) fn gone(&self, c: NodeIx) -> usize {
        usize::from(self.entry(c).gone & !GONE)
    }

    pub(super) fn is_gone(&self, n: NodeIx) -> bool {
        self.entry(n).gone & GONE != 0
    }

    /// The component `small` has become a part of `large`.
    pub(super) fn add_gone(&mut self, large: NodeIx, small: NodeIx) {
        self.count_gone(large, self.gone(small));
    }

    /// Counts as far as it can: then the next one that goes has the component recomputed.
    fn count_gone(&mut self, c: NodeIx, more: usize) {
        let count = (self.gone(c) + more).min(usize::from(GONE - 1)) as u16;
        let head = self.entry_mut(c);
        head.gone = head.gone & GONE | count;
    }

    fn give_up(&mut self, n: NodeIx) {
        let entry = self.entry_mut(n);
        (entry.component, entry.mark, entry.gone) = (NONE, 0, 0);
        self.free.push(n);
    }

    /// Recomputes the component `c` by Kosaraju's algorithm; its parts take its place, in
    /// topological order. Nodes that are gone are in none of them.
    fn split(&mut self, graph: &Digraph, c: NodeIx) {
        let before = self.entry(c).prev;
        self.unlink(c);
        let mut line = mem::take(&mut self.line);
        let mut root = c;
        loop {
            self.finish_from(graph, c, root, &mut line);
            root = self.entry(root).member;
            if root == c {
                break;
            }
        }
        let (mut first, mut last, mut parts) = (NONE, before, 0);
        while let Some(root) = line.pop() {
            if self.entry(root).mark != VISITED {
                continue;
            }
            if self.is_gone(root) {
                self.give_up(root);
                continue;
            }
            self.gather_part(graph, root);
            self.link_after(last, root);
            first = if parts == 0 { root } else { first };
            last = root;
            parts += 1;
        }
        self.line = line;
        self.label_run(first, parts);
    }

    /// Kosaraju's first pass: visits what `root` reaches inside `c`, and lists it by finish.
    fn finish_from(&mut self, graph: &Digraph, c: NodeIx, root: NodeIx, line: &mut SysVec<NodeIx>) {
        self.enter(graph, c, root);
        while let Some(top) = self.path.last_mut() {
            let (n, e) = *top;
            if e == NONE {
                self.path.pop();
                self.slack -= 1;
                line.push(n);
            } else {
                top.1 = graph.next_out(e);
                self.slack -= 1;
                self.enter(graph, c, graph.ends(e).1);
            }
        }
    }

    fn enter(&mut self, graph: &Digraph, c: NodeIx, n: NodeIx) {
        let entry = self.entry_mut(n);
        if entry.component == c && entry.mark == 0 {
            entry.mark = VISITED;
            self.path.push((n, graph.first_out(n)));
        }
    }

    /// Kosaraju's second pass: what reaches `root` and is in no part yet becomes its part.
    fn gather_part(&mut self, graph: &Digraph, root: NodeIx) {
        let entry = self.entry_mut(root);
        (entry.component, entry.member, entry.len) = (root, root, 1);
        (entry.mark, entry.gone) = (0, 0);
        self.path.push((root, NONE));
        while let Some((n, _)) = self.path.pop() {
            for (_, w) in graph.in_edges(n) {
                if self.entry(w).mark != VISITED {
                    continue;
                }
                let head = self.entry_mut(root);
                head.len += 1;
                let following = mem::replace(&mut head.member, w);
                let entry = self.entry_mut(w);
                (entry.component, entry.member) = (root, following);
                (entry.mark, entry.gone) = (0, 0);
                self.path.push((w, NONE));
            }
        }
    }
}
