//! What a merge finds is what the recorder would have said.

use lockgraph::named;
use lockgraph::parking_lot::Mutex;
use lockgraph_model::Dump;
use std::thread::Builder;

/// The part of a process that has one of the orders alone.
fn one_side(whole: &Dump, run: u32, from: u64, to: u64) -> Dump {
    let mut dump = whole.clone();
    dump.processes[0].run_id = format!("{run:032x}");
    dump.edges.retain(|edge| (edge.from, edge.to) == (from, to));
    dump.findings.clear();
    dump
}

#[test]
fn an_inversion_across_processes_has_the_fingerprint_of_the_same_one_in_a_process() {
    let (a, b) = (named!("merged a", Mutex::new(1)), Mutex::new(2u64));
    std::thread::scope(|scope| {
        let left = || drop((a.lock(), b.lock()));
        let right = || drop((b.lock(), a.lock()));
        let started = Builder::new().name("left".to_owned()).spawn_scoped(scope, left);
        started.unwrap().join().unwrap();
        Builder::new().name("right".to_owned()).spawn_scoped(scope, right).unwrap();
    });
    let whole = lockgraph::dump();
    let class = |id| {
        let lock = whole.locks.iter().find(|lock| lock.id == id).unwrap();
        whole.classes.iter().find(|class| class.id == lock.class).unwrap()
    };
    let is_ours = |id: &u64| class(*id).name.as_deref() == Some("merged a");
    let recorded = whole.findings.iter().find(|f| f.code == "LG003" && f.locks.iter().any(is_ours));
    let recorded = recorded.expect("the recorder saw both sides");
    let [one, other] = recorded.locks[..] else { panic!("{recorded:?}") };

    let sides = [one_side(&whole, 1, one, other), one_side(&whole, 2, other, one)];
    let merged = lockgraph_model::merge(sides);
    let found: Vec<_> = merged.findings.iter().filter(|f| f.code == "LG003").collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].confidence, recorded.confidence);
    assert_eq!(found[0].severity, recorded.severity);
    assert_eq!(found[0].fingerprint, recorded.fingerprint);
}
