//! Merging: its laws, and the inversions that no process sees.

use crate::make::{Run, run, tested};
use lockgraph_model::dump::{Dump, Finding, Id};
use lockgraph_model::words::Confidence;
use lockgraph_model::{Merge, merge};

/// The findings that the merge of these processes makes, as (code, confidence).
fn found<const N: usize>(runs: [&mut Run; N]) -> Vec<(String, Option<Confidence>)> {
    merge(runs.map(|run| run.dump()))
        .findings
        .into_iter()
        .map(|finding| (finding.code, finding.confidence))
        .collect()
}

fn inversion(confidence: Confidence) -> Vec<(String, Option<Confidence>)> {
    vec![("LG003".to_owned(), Some(confidence))]
}

#[test]
fn two_sides_in_two_processes_are_an_inversion_and_one_order_is_none() {
    let side = |id, held, to| {
        let mut run = run(id);
        run.lock(1, "a").lock(2, "b").owner(1, "worker").took(1, &[held], to);
        run
    };
    let dump = merge([side(1, 1, 2).dump(), side(2, 2, 1).dump()]);
    let finding = &dump.findings[0];
    assert_eq!((&*finding.code, finding.confidence), ("LG003", Some(Confidence::Feasible)));
    assert_eq!(
        finding.message,
        "potential deadlock: 2 threads of 2 processes take 2 locks in opposite orders (feasible): \
         at src/take.rs:2:5: `b` while holding `a`; at src/take.rs:1:5: `a` while holding `b`"
    );
    assert!(finding.per_process.is_empty(), "no process met it");
    assert_eq!(dump.order, None);
    let process = |lock| dump.locks.iter().find(|l| l.id == lock).unwrap().process;
    assert_eq!(finding.locks.iter().map(|&lock| process(lock)).collect::<Vec<_>>(), [0, 1]);

    assert_eq!(found([&mut side(1, 1, 2), &mut side(2, 1, 2)]), []);
    assert_eq!(found([&mut side(1, 1, 2)]), []);
}

#[test]
fn main_threads_and_the_threads_of_one_test_are_one_owner() {
    let side = |id, test, owner: &str, held, to| {
        let mut run = tested(id, test);
        run.lock(1, "a").lock(2, "b").owner(1, owner).took(1, &[held], to);
        run
    };
    let both = |test, other, owner, its: &str| {
        found([&mut side(1, test, owner, 1, 2), &mut side(2, other, its, 2, 1)])
    };
    assert_eq!(both(None, None, "main", "main"), inversion(Confidence::SameOwner));
    assert_eq!(both(None, None, "main", "other"), inversion(Confidence::Feasible));
    assert_eq!(both(None, None, "worker", "worker"), inversion(Confidence::Feasible));
    assert_eq!(both(Some("t"), Some("t"), "t", "t"), inversion(Confidence::SameOwner));
    assert_eq!(both(Some("t"), Some("u"), "t", "u"), inversion(Confidence::Feasible));
    assert_eq!(both(Some("t"), Some("t"), "pool", "pool"), inversion(Confidence::Feasible));
}

#[test]
fn a_gate_in_both_processes_filters_and_one_that_is_two_locks_does_not() {
    let side = |id, gates: u64, held, to| {
        let mut run = run(id);
        run.lock(1, "a").lock(2, "b").class(3, "gate").owner(1, "w");
        for i in 0..gates {
            run.instance(3 + i, 3);
        }
        run.took(1, &[3, held], to);
        run
    };
    assert_eq!(found([&mut side(1, 1, 1, 2), &mut side(2, 1, 2, 1)]), inversion(Confidence::Gated));
    assert_eq!(
        found([&mut side(1, 2, 1, 2), &mut side(2, 2, 2, 1)]),
        inversion(Confidence::Feasible)
    );
}

#[test]
fn classes_with_several_live_locks_are_a_class_inversion() {
    let side = |id, instances: u64, held, to| {
        let mut run = run(id);
        run.lock(1, "a").class(2, "b").owner(1, "w");
        for i in 0..instances {
            run.instance(2 + i, 2);
        }
        run.took(1, &[held], to);
        run
    };
    let class_inversion = vec![("LG004".to_owned(), Some(Confidence::Feasible))];
    assert_eq!(found([&mut side(1, 2, 1, 2), &mut side(2, 1, 2, 1)]), class_inversion);
    assert_eq!(found([&mut side(1, 2, 1, 2), &mut side(2, 2, 1, 3)]), []);
    // One after the other they are one lock at a time.
    let mut one_at_a_time = run(1);
    one_at_a_time.lock(1, "a").class(2, "b").owner(1, "w").instance(2, 2).dropped(2).instance(3, 2);
    one_at_a_time.took(1, &[1], 3);
    assert_eq!(found([&mut one_at_a_time, &mut side(2, 1, 2, 1)]), inversion(Confidence::Feasible));
}

#[test]
fn a_circle_through_three_processes_is_found_and_start_order_in_one_filters() {
    let side = |id, held, to| {
        let mut run = run(id);
        run.lock(1, "a").lock(2, "b").lock(3, "c").owner(1, "w").took(1, &[held], to);
        run
    };
    let three = [&mut side(1, 1, 2), &mut side(2, 2, 3), &mut side(3, 3, 1)];
    assert_eq!(found(three), inversion(Confidence::Feasible));

    // Two of the sides in one process, by two owners; the second is started after the first.
    let both = |after: &[u64]| {
        let mut run = run(1);
        run.lock(1, "a").lock(2, "b").lock(3, "c").owner(1, "w").owner(2, "v");
        run.segment(1, 1, &[]).segment(2, 2, after);
        run.took_as(1, 1, &[1], 2, "exclusive", "exclusive");
        run.took_as(2, 2, &[2], 3, "exclusive", "exclusive");
        run
    };
    assert_eq!(found([&mut both(&[1]), &mut side(3, 3, 1)]), inversion(Confidence::Ordered));
    assert_eq!(found([&mut both(&[]), &mut side(3, 3, 1)]), inversion(Confidence::Feasible));
}

#[test]
fn readers_conflict_behind_a_writer_of_any_process() {
    let side = |id, held, to, to_mode: &str| {
        let mut run = run(id);
        run.lock(1, "a").lock(2, "b").owner(1, "w");
        run.took_as(1, 0, &[held], to, "shared", to_mode);
        run
    };
    let (mut one, mut other) = (side(1, 1, 2, "shared"), side(2, 2, 1, "exclusive"));
    assert_eq!(found([&mut one, &mut other]), inversion(Confidence::NeedsWriter));
    let mut writer = run(3);
    writer.lock(2, "b").owner(1, "v").writer(2, 1);
    let (mut one, mut other) = (side(1, 1, 2, "shared"), side(2, 2, 1, "exclusive"));
    assert_eq!(found([&mut one, &mut other, &mut writer]), inversion(Confidence::Feasible));
    let calm = [&mut side(1, 1, 2, "shared_recursive"), &mut side(2, 2, 1, "shared_recursive")];
    assert_eq!(found(calm), []);
}

#[test]
fn what_a_process_reported_itself_is_not_found_again_and_a_rise_is() {
    let finding = |confidence: &str| {
        format!(
            r#""finding","code":"LG003","kind":"order_inversion","severity":"error","confidence":"{confidence}","filtered_by":[],"fingerprint":"00000000000000{confidence:.2}","message":"m","locks":[1,2],"cycle":[{{"owner":1,"from":1,"to":2,"from_mode":null,"to_mode":null,"held_at":null,"acquired_at":null}},{{"owner":2,"from":2,"to":1,"from_mode":null,"to_mode":null,"held_at":null,"acquired_at":null}}],"owners":[1,2],"sites":[],"misuse":null,"writer_seen":null"#
        )
    };
    let both = |confidence| {
        let mut run = run(1);
        run.lock(1, "a").lock(2, "b").owner(1, "w").owner(2, "v");
        run.took(1, &[1], 2).took(2, &[2], 1).line(&finding(confidence));
        run
    };
    let mut one = run(2);
    one.lock(1, "a").lock(2, "b").owner(1, "w").took(1, &[1], 2);
    let one = one.dump();
    let codes = |dump: &Dump| -> Vec<_> {
        dump.findings.iter().map(|finding| finding.confidence.unwrap()).collect()
    };
    assert_eq!(codes(&merge([both("feasible").dump(), one.clone()])), [Confidence::Feasible]);
    let risen = merge([both("gated").dump(), one.clone()]);
    assert_eq!(codes(&risen), [Confidence::Gated, Confidence::Feasible]);
    assert_eq!(merge([risen.clone(), one]), risen, "what a merge made is made again, not kept");
}

#[test]
fn what_led_to_the_requests_of_two_processes_is_looked_up_in_the_program_of_each() {
    let side = |id, stack: &str, held, to| {
        let mut run = run(id);
        run.lock(1, "a").lock(2, "b").owner(1, "w").took(1, &[held], to);
        let text = run.text().replace(r#""stack":null"#, &format!(r#""stack":["{stack}"]"#));
        Dump::from_journal(text.as_bytes(), "x").unwrap()
    };
    let mut dump = merge([side(1, "+a", 1, 2), side(2, "+b", 2, 1)]);
    assert_eq!(dump.findings.len(), 1);
    let mut asked = Vec::new();
    dump.name_callers(|process, address| {
        asked.push((process.run_id.clone(), address));
        Vec::new()
    });
    asked.sort_unstable();
    let one_and_two = asked.iter().map(|(run, address)| (&run[31..], *address));
    assert!(one_and_two.eq([("1", 0xa), ("2", 0xb)]), "{asked:?}");
    assert!(!dump.has_addresses(), "the witnesses have none left either");
}

#[test]
fn what_many_tests_repeat_is_found_in_bounded_work() {
    let side = |id: u32, held, to| {
        let mut run = tested(id, Some(&format!("t{id}")));
        run.lock(1, "a").lock(2, "b").owner(1, "main").owner(2, &format!("t{id}"));
        run.took(1, &[held], to).took(2, &[held], to);
        run.dump()
    };
    let dump = merge((0..400).map(|id| if id == 399 { side(id, 2, 1) } else { side(id, 1, 2) }));
    assert_eq!(dump.findings.len(), 1);
    assert_eq!(dump.findings[0].confidence, Some(Confidence::Feasible));
    assert!(!dump.truncated);
}

#[test]
fn the_whole_journal_of_a_process_wins_over_a_part_of_it() {
    let mut whole = run(1);
    whole.lock(1, "a").lock(2, "b").owner(1, "w").took(1, &[1], 2).took(1, &[2], 1);
    let text = whole.text();
    let part: String = text.lines().take(8).flat_map(|line| [line, "\n"]).collect();
    let read = |text: &str| Dump::from_journal(text.as_bytes(), "x").unwrap();
    let (whole, part) = (read(&text), read(&part));
    assert_eq!(merge([part.clone(), whole.clone()]), whole);
    assert_eq!(merge([whole.clone(), part]), whole);
}

#[test]
fn classes_are_united_by_name_or_site_and_use_is_told_by_process() {
    let one = |id| {
        let mut run = run(id);
        run.site(1, "src/a.rs", 3).instance(1, 1).class(2, "n").instance(2, 2).instance(3, 2);
        run.line(r#""lock","id":4,"class":9,"read_blocks_behind_writer":true,"guard_send":false,"reentrant":false"#);
        run.dump()
    };
    let dump = merge([one(2), one(1)]);
    let uses = |class: usize| -> Vec<(u32, u64)> {
        dump.classes[class].per_process.iter().map(|used| (used.process, used.made)).collect()
    };
    assert_eq!(dump.classes.len(), 4, "an unknown class is one of its process");
    assert_eq!(uses(0), [(0, 1), (1, 1)]);
    assert_eq!(uses(1), [(0, 2), (1, 2)]);
    assert_eq!((uses(2), uses(3)), (vec![(0, 1)], vec![(1, 1)]));
}

#[test]
fn a_file_that_cannot_be_read_adds_nothing() {
    let mut merge = Merge::new();
    assert!(merge.read_from(&b"no"[..], "no.jsonl").is_err());
    assert_eq!(merge.processes(), 0);
    let dump = merge.finish();
    assert!(dump.processes.is_empty() && dump.locks.is_empty());
    assert_eq!(Dump::from_json(dump.to_json().as_bytes(), "empty").unwrap(), dump);
}

/// All ids of the dump are there, in order.
pub(crate) fn assert_holds_together(dump: &Dump) {
    let read = Dump::from_json(dump.to_json().as_bytes(), "merged.json");
    assert_eq!(read.map_err(|error| error.to_string()).as_ref(), Ok(dump));
    let dense = |ids: Vec<Id>| ids.iter().zip(1..).all(|(&id, at)| id == at);
    assert!(dense(dump.locks.iter().map(|lock| lock.id).collect()));
    assert!(dense(dump.owners.iter().map(|owner| owner.id).collect()));
    assert!(dense(dump.segments.iter().map(|segment| segment.id).collect()));
    assert!(dense(dump.classes.iter().map(|class| class.id).collect()));
    assert!(dump.processes.is_sorted_by(|a, b| a.run_id < b.run_id));
    assert!(dump.edges.is_sorted_by(|a, b| (a.from, a.to) < (b.from, b.to)));
    let mut fingerprints: Vec<&str> =
        dump.findings.iter().map(|Finding { fingerprint, .. }| &**fingerprint).collect();
    fingerprints.sort_unstable();
    assert!(fingerprints.is_sorted_by(|a, b| a < b), "{fingerprints:?}");
}
