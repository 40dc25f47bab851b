//! The examples with one or two locks and a few threads: most of them are made to fail.

use super::{TWO_LOCKS, command, ends, plainly, ran, texts};
use std::time::Instant;

#[test]
fn two_locks_is_reported_and_fails() {
    let ran = ran("two_locks", &[]);
    let Some(dump) = &ran.dump else { return ends(&ran, 0) };
    ends(&ran, 1);
    let err = &ran.err;
    for word in ["LG003", "feasible", "lock_a", "lock_b", "transfer", "audit"] {
        assert!(err.contains(word), "the report does not say `{word}`:\n{err}");
    }
    for line in acquisitions(TWO_LOCKS) {
        let site = format!("examples/two_locks.rs:{line}");
        assert!(err.contains(&site), "the report does not show {site}:\n{err}");
    }
    assert_eq!(err.matches("LG003").count(), 1, "reported once:\n{err}");
    assert_eq!((dump.findings(), dump.cycles()), (vec!["LG003 feasible".to_owned()], 1));
}

#[test]
fn ordered_locks_is_clean_and_writes_the_graph() {
    let ran = ran("ordered_locks", &[]);
    ends(&ran, 0);
    assert_eq!(ran.err, "", "nothing is reported");
    let Some(dump) = ran.dump else { return };
    assert!(ran.out.contains("validated order: lock_a -> lock_b"), "{}", ran.out);
    assert_eq!(dump.json["schema"], "lockgraph/1");
    assert_eq!(dump.findings(), [""; 0]);
    assert_eq!(dump.order().expect("an order exists"), ["lock_a", "lock_b"]);
    let edges = dump.json["edges"].as_array().expect("edges");
    assert_eq!(edges.len(), 1, "{edges:?}");
    assert_eq!(edges[0]["witnesses"].as_array().expect("witnesses").len(), 2, "of both threads");
}

/// An example that deadlocks for real: named, broken, and in its dump. Returns what it reported.
fn deadlocks(example: &str, words: &[&str], findings: &[&str]) -> String {
    let ran = ran(example, &[]);
    let Some(dump) = &ran.dump else {
        ends(&ran, 0);
        return String::new();
    };
    ends(&ran, 1);
    let err = ran.err;
    for word in words.iter().chain(&["error[LG002]", "hung now", "how it hangs"]) {
        assert!(err.contains(word), "the report does not say `{word}`:\n{err}");
    }
    assert_eq!(err.matches("error[LG002]").count(), 1, "reported once:\n{err}");
    for finding in findings {
        assert!(
            dump.findings().iter().any(|found| found == finding),
            "no {finding}: {:?}",
            dump.findings()
        );
    }
    err
}

#[test]
fn two_lock_deadlock_is_named_with_sites_and_stacks_and_ends() {
    let names = ["lock_a", "lock_b", "thread `transfer`", "thread `audit`"];
    let start = Instant::now();
    let err = deadlocks("two_lock_deadlock", &names, &["LG003 feasible", "LG002"]);
    // Of that 20 ms are before the circle closes.
    println!("two_lock_deadlock ended {:.0?} after it began", start.elapsed());
    if lockgraph::PRESENT {
        for line in acquisitions(include_str!("../../../examples/two_lock_deadlock.rs")) {
            let site = format!("examples/two_lock_deadlock.rs:{line}");
            assert!(err.contains(&site), "the report does not show {site}:\n{err}");
        }
        for name in ["transfer", "audit"] {
            let (_, stack) =
                err.split_once(&format!("stack of thread `{name}`\n")).expect("a stack");
            let frame = stack.lines().next().unwrap_or_default().trim();
            let own = frame.starts_with(&format!("two_lock_deadlock::Bank::{name}"));
            assert!(own, "{frame} is no frame of `{name}`:\n{err}");
        }
    }
}

#[test]
fn the_dump_of_a_deadlock_has_both_orders() {
    let ran = ran("two_lock_deadlock", &[]);
    let Some(dump) = ran.dump else { return };
    assert_eq!(dump.order(), None);
    assert_eq!(dump.cycles(), 1);
    assert_eq!(dump.json["edges"].as_array().expect("edges").len(), 2);
    assert_eq!(dump.json["processes"][0]["complete"], true, "it came to its end");
}

#[test]
fn two_lock_deadlock_aborts_where_that_is_the_level() {
    if !lockgraph::PRESENT {
        return;
    }
    let output = command("two_lock_deadlock")
        .env("LOCKGRAPH", "watch,LG002=abort")
        .output()
        .expect("the example can be started");
    let (out, err) = texts(&output);
    assert!(!output.status.success() && output.status.code() != Some(1), "{out}{err}");
    assert!(err.contains("error[LG002]"), "{err}");
    assert!(!err.contains("LG003"), "no orders in tier watch: {err}");
}

#[test]
fn provoke_two_locks_makes_them_meet_whatever_the_level_is() {
    let words = ["savings", "checking", "thread `customer`", "thread `auditor`", "(reproduced)"];
    deadlocks("provoke_two_locks", &words, &["LG003 feasible", "LG002", "LG003 reproduced"]);
    if !lockgraph::PRESENT {
        return;
    }
    for level in ["deny", "warn", "allow", "abort"] {
        let output = command("provoke_two_locks")
            .env("LOCKGRAPH", format!("full,LG002={level}"))
            .output()
            .expect("the example can be started");
        let (out, err) = texts(&output);
        assert_eq!(output.status.code(), Some(1), "{level}: {out}{err}");
        assert!(out.contains("as reported: reproduced"), "{level}: {out}{err}");
        assert!(out.contains("with one order: clean"), "{level}: {out}{err}");
    }
}

/// Nobody closes it; the detector finds it where the system tells whether threads sleep.
#[test]
fn channel_deadlock_is_named_where_every_thread_waits() {
    let right = ran("channel_deadlock", &["right"]);
    ends(&right, 0);
    assert_eq!(right.err, "", "nothing is reported");
    assert!(right.out.contains("have had their messages"), "{}", right.out);
    let (out, err) = {
        let output = plainly("channel_deadlock");
        let (out, err) = texts(&output);
        if !lockgraph::PRESENT || !cfg!(target_os = "linux") || cfg!(lockgraph_no_os) {
            assert!(output.status.success() && out.contains("compiled out"), "{out}{err}");
            return;
        }
        assert!(!output.status.success() && output.status.code() != Some(1), "{out}{err}");
        (out, err)
    };
    assert_eq!(err.matches("error[LG002]").count(), 1, "reported once:\n{err}");
    let words = ["3 threads", "thread `left`", "thread `right`", "thread `main`", "a message"];
    for word in words {
        assert!(err.contains(word), "the report does not say `{word}`:\n{out}{err}");
    }
}

#[test]
fn join_deadlock_is_named() {
    deadlocks(
        "join_deadlock",
        &["jobs", "thread `caller`", "the end of thread `worker`"],
        &["LG002"],
    );
}

#[test]
fn reader_recursion_is_named_as_a_hazard_and_then_as_a_deadlock() {
    deadlocks(
        "reader_recursion",
        &["warning[LG006]", "prices", "thread `writer`"],
        &["LG006", "LG002"],
    );
}

#[test]
fn naive_philosophers_starve_by_name_and_ordered_ones_eat() {
    deadlocks(
        "dining_philosophers",
        &["5 threads wait for each other", "fork 4", "Hypatia"],
        &["LG003 feasible", "LG002"],
    );
    let output = command("dining_philosophers")
        .args(["ordered", "1000000"])
        .output()
        .expect("the example can be started");
    let (out, err) = texts(&output);
    assert!(output.status.success(), "{out}{err}");
    assert_eq!(err, "", "nothing is reported");
    assert!(out.contains("1000000 meals"), "{out}");
}

#[test]
fn a_tested_order_is_printed_and_a_request_against_it_refused() {
    let ran = ran("ordering_test", &[]);
    let Some(dump) = &ran.dump else {
        assert!(ran.out.contains("[90, 110] after 1 lines"), "{}", ran.out);
        return ends(&ran, 0);
    };
    ends(&ran, 1);
    let order = "transfer takes `rates`, then `accounts`, then `log`";
    assert!(ran.out.contains(order), "{}", ran.out);
    assert!(!ran.out.contains("after 1 lines"), "it was refused:\n{}", ran.out);
    let declared = "declared: `accounts` before `log` (examples/ordering_test.rs:";
    assert!(ran.err.contains(declared), "{}", ran.err);
    assert!(dump.findings().contains(&"LG007".to_owned()), "{:?}", dump.findings());
}

#[test]
fn crossed_transfers_are_reported_and_those_in_one_order_are_not() {
    let naive = ran("bank_transfer", &[]);
    ends(&naive, i32::from(naive.dump.is_some()));
    if let Some(dump) = &naive.dump {
        assert_eq!(dump.findings(), ["LG003 feasible"]);
        let both = ["thread `alice`", "thread `bob`", "Mutex<i64>"];
        assert!(both.iter().all(|word| naive.err.contains(word)), "{}", naive.err);
    }
    for way in ["by_key", "together"] {
        let ran = ran("bank_transfer", &[way]);
        ends(&ran, 0);
        assert_eq!(ran.err, "", "nothing is reported");
        assert!(ran.out.contains("10000 in 100 accounts"), "{}", ran.out);
        let Some(dump) = &ran.dump else { continue };
        assert_eq!((dump.findings(), dump.cycles()), (Vec::new(), 0), "{way}");
        assert_eq!(dump.made("account"), 100);
    }
}

#[test]
fn a_mutex_taken_twice_is_refused_and_a_reentrant_one_is_free_after_the_last_guard() {
    let ran = ran("reentrant", &[]);
    for line in [
        "  21 bytes, with 4 guards at once",
        "  2 guards held: another thread is kept out",
        "  1 guard held:  another thread is kept out",
        "  none held:     another thread gets in",
    ] {
        assert!(ran.out.lines().any(|said| said == line), "not `{line}`:\n{}", ran.out);
    }
    let Some(dump) = &ran.dump else { return ends(&ran, 0) };
    ends(&ran, 1);
    assert!(ran.out.contains("the second lock was refused"), "{}", ran.out);
    assert!(ran.err.contains("error[LG001]") && ran.err.contains("plain total"), "{}", ran.err);
    assert!(!ran.err.contains("reentrant total"), "it may be taken twice:\n{}", ran.err);
    assert_eq!(dump.findings(), ["LG001 certain"]);
}

#[test]
fn a_torn_counter_loses_and_a_locked_one_is_exact_at_a_price() {
    let ran = ran("counter", &[]);
    ends(&ran, 0);
    assert_eq!(ran.err, "", "nothing is reported");
    let lost = |how: &str| -> u64 {
        let line = ran.out.lines().find(|line| line.trim().starts_with(how));
        let words: Vec<&str> = line.expect("a line of it").split_whitespace().collect();
        words[words.len() - 2].parse().expect("a number is lost")
    };
    assert!(lost("load, add, store") > 0, "{}", ran.out);
    assert_eq!(lost("under a Mutex"), 0, "{}", ran.out);
    for tier in ["off", "watch", "full"] {
        let line = ran.out.lines().find(|line| line.trim().starts_with(tier));
        let words: Vec<&str> = line.expect("a line of the tier").split_whitespace().collect();
        let [_, plain, "ns", tracked, "ns", ratio] = words[..] else { panic!("{words:?}") };
        let [plain, tracked, ratio] =
            [plain, tracked, ratio].map(|n| n.parse::<f64>().expect("a number"));
        assert!((tracked / plain - ratio).abs() < 0.1 * ratio && ratio > 0.0, "{words:?}");
    }
}

/// The numbers of the lines that take a lock.
fn acquisitions(source: &str) -> Vec<usize> {
    let lines = source.lines().zip(1..).filter(|(line, _)| line.contains(".lock()"));
    let lines: Vec<usize> = lines.map(|(_, number)| number).collect();
    assert_eq!(lines.len(), 4, "two threads take two locks each");
    lines
}
