//! Journals written by hand, and the dumps that they give, byte for byte.
//!
//! `BLESS=1 cargo test -p lockgraph-model` writes the dumps anew; read the difference then.

use crate::{GOOD, data};
use lockgraph_model::Dump;

#[test]
fn a_journal_gives_its_golden_dump() {
    for name in GOOD {
        let dump = Dump::read(data(&format!("{name}.jsonl"))).unwrap();
        let golden = data(&format!("{name}.json"));
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&golden, dump.to_json()).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(dump.to_json(), expected, "{name}: run with BLESS=1 and read the difference");
    }
}

#[test]
fn a_dump_read_back_is_the_same() {
    for name in GOOD {
        let dump = Dump::read(data(&format!("{name}.jsonl"))).unwrap();
        assert_eq!(Dump::read(data(&format!("{name}.json"))).unwrap(), dump, "{name}");
        let one_line = serde_json::to_string(&dump).unwrap();
        assert_eq!(Dump::read_from(one_line.as_bytes(), name).unwrap(), dump, "{name}");
        let pretty = serde_json::to_string_pretty(&dump).unwrap();
        assert_eq!(Dump::read_from(pretty.as_bytes(), name).unwrap(), dump, "{name}");
    }
}

#[test]
fn what_follows_can_be_derived_again() {
    for name in GOOD {
        let dump = Dump::read(data(&format!("{name}.jsonl"))).unwrap();
        let mut again = dump.clone();
        again.class_edges.clear();
        again.components.clear();
        again.order = None;
        again.derive(&lockgraph_model::cycles::Limits::default());
        assert_eq!(again, dump, "{name}");
    }
}

fn cycles(name: &str) -> Vec<Vec<u64>> {
    let dump = Dump::read(data(name)).unwrap();
    dump.components.into_iter().flat_map(|component| component.cycles).collect()
}

#[test]
fn both_orders_are_a_cycle_under_a_gate_too() {
    assert_eq!(cycles("abba.jsonl"), [[1, 2]]);
    assert_eq!(cycles("gated.jsonl"), [[1, 2]]);
}

#[test]
fn a_side_first_seen_after_a_lock_was_dropped_closes_no_cycle() {
    // 1 -> 2, drop 2, 3 -> 1 is none; 1 -> 4 -> 1, drop 4 is one.
    assert_eq!(cycles("dropped.jsonl"), [[1, 4]]);
}

#[test]
fn reads_conflict_only_behind_a_writer_and_recursive_reads_never() {
    assert_eq!(cycles("readers.jsonl"), [[1, 2]]);
}

#[test]
fn an_order_is_there_where_there_is_no_inversion() {
    assert_eq!(Dump::read(data("ordered.jsonl")).unwrap().order, Some(vec![3, 1, 2]));
    assert_eq!(Dump::read(data("abba.jsonl")).unwrap().order, None);
}

#[test]
fn a_killed_process_is_not_complete_and_what_its_lines_name_is_there() {
    let dump = Dump::read(data("killed.jsonl")).unwrap();
    assert!(!dump.processes[0].complete);
    assert_eq!(dump.locks.iter().map(|lock| lock.id).collect::<Vec<_>>(), [1, 7, 8]);
    assert_eq!(dump.owners.iter().map(|owner| owner.id).collect::<Vec<_>>(), [4, 9]);
    assert_eq!(dump.segments.iter().map(|segment| segment.id).collect::<Vec<_>>(), [4, 9]);
    assert!(!Dump::read(data("torn.jsonl")).unwrap().processes[0].complete);
    assert!(Dump::read(data("abba.jsonl")).unwrap().processes[0].complete);
}

#[test]
fn repeats_and_counters_reach_the_dump() {
    let dump = Dump::read(data("abba.jsonl")).unwrap();
    assert_eq!(dump.findings[0].per_process[0].repeats, 3);
    assert_eq!(dump.processes[0].counters["untracked"], 0);
}
