//! What is known of a scenario: the right findings, all cycles, and what rules a cycle out.

use super::program::array;
use lockgraph_core::Filter;
use serde_json::Value;
use std::collections::BTreeMap;

/// A cycle of lock names in acquisition order, rotated so that the smallest name comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cycle(Vec<String>);

impl Cycle {
    pub(crate) fn new(mut locks: Vec<String>) -> Cycle {
        let smallest = (0..locks.len()).min_by_key(|&at| &locks[at]).unwrap_or(0);
        locks.rotate_left(smallest);
        Cycle(locks)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl std::fmt::Display for Cycle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("->"))
    }
}

/// `expect`, `expect_plain` or `online_expect`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expect {
    /// `None`: too many to list, and `components` holds instead.
    pub(crate) cycles: Option<Vec<Cycle>>,
    pub(crate) components: Vec<Vec<String>>,
    pub(crate) self_deadlock: bool,
    pub(crate) misuse: Vec<String>,
    /// Threads that are stuck for ever; `None` where the program does not say.
    pub(crate) actual_deadlock: Option<Vec<String>>,
}

impl Expect {
    pub(crate) fn read(value: &Value) -> Expect {
        let names = |list: &Value| strings(list);
        let mut cycles = None;
        if value["cycles"].is_array() {
            let listed = array(&value["cycles"]).iter().map(|cycle| Cycle::new(names(cycle)));
            cycles = Some(sorted(listed.collect()));
        }
        let components = array(&value["scc"]).iter().map(|locks| sorted(names(locks))).collect();
        let misuse = match &value["misuse"] {
            Value::String(word) => vec![word.clone()],
            list => names(list),
        };
        Expect {
            cycles,
            components: sorted(components),
            self_deadlock: value["self_deadlock"] == true,
            misuse: sorted(misuse),
            actual_deadlock: value.get("actual_deadlock").map(names),
        }
    }
}

/// The full answer to one program.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) expect: Expect,
    pub(crate) plain: Expect,
    /// Wins over `expect` for what is reported while the program runs.
    pub(crate) online: Option<Expect>,
    /// For each plain cycle that is not expected: the filters that rule it out.
    pub(crate) filtered_by: BTreeMap<Cycle, Vec<Filter>>,
    pub(crate) policy: bool,
    pub(crate) needs_unobserved_writer: bool,
    pub(crate) why: String,
}

impl Answer {
    /// The cycles that must be reported as feasible at some moment; `None` where not listed.
    pub(crate) fn reported_cycles(&self) -> Option<&[Cycle]> {
        self.online.as_ref().unwrap_or(&self.expect).cycles.as_deref()
    }

    pub(crate) fn read_filters(value: &Value) -> Result<BTreeMap<Cycle, Vec<Filter>>, String> {
        let mut filtered_by = BTreeMap::new();
        for (cycle, filters) in value.as_object().into_iter().flatten() {
            let locks = cycle.split("->").map(str::to_owned).collect();
            let mut read = Vec::new();
            for filter in array(filters) {
                read.push(match filter.as_str() {
                    Some("thread") => Filter::Owner,
                    Some("gate") => Filter::Gate,
                    Some("hb") => Filter::Order,
                    _ => return Err(format!("unknown filter {filter}")),
                });
            }
            filtered_by.insert(Cycle::new(locks), sorted(read));
        }
        Ok(filtered_by)
    }
}

fn strings(list: &Value) -> Vec<String> {
    array(list).iter().filter_map(|word| word.as_str().map(str::to_owned)).collect()
}

pub(crate) fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list
}
