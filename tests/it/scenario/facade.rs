//! The two things that a verdict reads from the recorder: its findings, and the cycles in its dump.

use super::answer::{Cycle, sorted};
use lockgraph_core::Finding;
use serde_json::Value;
use std::collections::HashMap;

/// Every finding of this process so far.
pub(crate) fn findings() -> Vec<Finding> {
    lockgraph::findings()
}

/// The dump of this process as JSON.
fn dump() -> Result<Value, String> {
    serde_json::to_value(lockgraph::dump()).map_err(|error| error.to_string())
}

/// What the dump says of the locks of one run: its components that hold a cycle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plain {
    /// Every cycle, sorted.
    pub(crate) cycles: Vec<Cycle>,
    /// The locks of each component with a cycle, sorted.
    pub(crate) components: Vec<Vec<String>>,
    pub(crate) truncated: bool,
}

/// The cycles in the dump among locks whose names begin with `prefix`, which is cut off.
pub(crate) fn plain_cycles(prefix: &str) -> Result<Plain, String> {
    Ok(read_plain(&dump()?, prefix))
}

fn read_plain(dump: &Value, prefix: &str) -> Plain {
    let list = |value: &'_ Value| value.as_array().cloned().unwrap_or_default();
    let mut class_names = HashMap::new();
    for class in list(&dump["classes"]) {
        class_names.insert(class["id"].to_string(), class["name"].clone());
    }
    let mut names = HashMap::new();
    for lock in list(&dump["locks"]) {
        let name = class_names.get(&lock["class"].to_string()).and_then(Value::as_str);
        if let Some(name) = name.and_then(|name| name.strip_prefix(prefix)) {
            names.insert(lock["id"].to_string(), name.to_owned());
        }
    }
    // A component is of this run where its locks are; locks of two runs never meet.
    let resolve = |locks: &Value| -> Option<Vec<String>> {
        list(locks).iter().map(|lock| names.get(&lock.to_string()).cloned()).collect()
    };
    let mut plain = Plain::default();
    for component in list(&dump["components"]) {
        let Some(locks) = resolve(&component["locks"]) else { continue };
        let cycles = list(&component["cycles"]);
        let truncated = component["truncated"] == true;
        plain.truncated |= truncated;
        if truncated || !cycles.is_empty() {
            plain.components.push(sorted(locks));
        }
        plain.cycles.extend(cycles.iter().filter_map(resolve).map(Cycle::new));
    }
    plain.cycles.sort();
    plain.components.sort();
    plain
}

#[test]
fn plain_cycles_are_those_of_the_components_of_one_run() {
    let dump = serde_json::json!({
        "classes": [{"id": 1, "name": "p/a"}, {"id": 2, "name": "p/b"}, {"id": 3, "name": "q/a"}],
        "locks": [{"id": 10, "class": 1}, {"id": 20, "class": 2}, {"id": 30, "class": 3}],
        "components": [
            {"locks": [20, 10], "cycles": [[20, 10]], "truncated": false},
            {"locks": [30], "cycles": [[30]], "truncated": false},
        ],
    });
    let plain = read_plain(&dump, "p/");
    assert_eq!(plain.cycles, [Cycle::new(vec!["a".into(), "b".into()])]);
    assert_eq!(plain.components, [["a", "b"]]);
    assert!(!plain.truncated);
}
