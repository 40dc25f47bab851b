//! The runner on programs that the project's own scenario file does not have: bad ones are named,
//! and every op of the language runs to its end.

use super::program::{Scenario, read_file};
use super::run::{Outcome, run};
use super::{prefix, reexec};
use serde_json::{Value, json};

fn read(program: Value) -> Result<Scenario, String> {
    let (_, scenario) = read_file(&json!([program]).to_string()).remove(0);
    scenario.map_err(|why| why.to_string())
}

fn with_ops(ops: Value) -> Value {
    json!({
        "id": "odd", "requires": [], "locks": [{"name": "A", "kind": "mutex"}],
        "threads": [{"name": "t1", "ops": ops}],
    })
}

#[test]
fn what_the_runner_does_not_know_is_named() {
    let said = |program: Value| read(program).expect_err("not of the language");
    assert!(said(with_ops(json!([["seize", "A"]]))).contains("seize"));
    assert!(said(with_ops(json!([["lock", "A", {"mood": "bad"}]]))).contains("mood"));
    assert!(said(with_ops(json!([["try_lock", "A", {"result": "maybe"}]]))).contains("maybe"));
    assert!(said(with_ops(json!([["lock", "A", {"result": "fail"}]]))).contains("lock"));
    assert!(said(with_ops(json!([["lock", "B"]]))).contains("\"B\""));
    assert!(said(with_ops(json!([["lock"]]))).contains("lock"));
    let mut program = with_ops(json!([]));
    program["requires"] = json!(["telepathy"]);
    assert!(said(program).contains("telepathy"));
    let mut program = with_ops(json!([]));
    program["locks"][0]["kind"] = json!("semaphore");
    assert!(said(program).contains("semaphore"));
}

#[test]
fn odd_programs_run_to_their_end() {
    reexec::expect_success("scenario::odd_programs::odd", "off");
}

fn run_json(program: Value) -> Outcome {
    let scenario = read(program).expect("of the language");
    run(&scenario.program, &prefix(&scenario.program))
}

#[test]
fn odd() {
    if !reexec::is_child() {
        return;
    }
    for ops in [
        json!([["unlock", "A"], ["lock", "A"], ["unlock", "A"], ["unlock", "A"]]),
        json!([["lock", "A"], ["drop", "A"], ["unlock", "A"]]),
        json!([["lock", "A"], ["drop", "A"]]),
        json!([["drop", "A"], ["lock", "A"], ["unlock", "A"], ["drop", "A"]]),
        json!([["try_lock", "A"], ["try_lock", "A"], ["unlock", "A"]]),
        json!([["init", "A"], ["assert_held", "A"], ["notify", "cv"], ["lock", "A"]]),
        json!([["bulk_lock_unlock", 3]]),
    ] {
        let outcome = run_json(with_ops(ops.clone()));
        assert_eq!(outcome.broken, None, "{ops}");
        assert!(!outcome.self_deadlock && outcome.stuck.is_empty(), "{ops}");
        outcome.drop_locks();
    }

    let senseless = run_json(with_ops(json!([["upgrade", "A"]])));
    assert!(senseless.broken.expect("a mutex has no upgrade").contains("Upgrade"));

    // A child that its parent blocks for ever is named, not waited for.
    let held_across_join = run_json(json!({
        "id": "odd", "locks": [{"name": "A", "kind": "mutex"}],
        "threads": [
            {"name": "main", "ops": [["lock", "A"], ["spawn", "t"], ["join", "t"], ["unlock", "A"]]},
            {"name": "t", "ops": [["lock", "A"], ["unlock", "A"]]},
        ],
    }));
    assert!(held_across_join.broken.expect("it hangs").contains("t blocks"));

    // A reader queues behind a writer that waits for another reader; all get through.
    let queued = run_json(json!({
        "id": "odd", "concurrent": true, "locks": [{"name": "A", "kind": "rwlock"}],
        "schedule": [["t1", 0], ["t2", 0], ["t3", 0], ["t1", 1]],
        "threads": [
            {"name": "t1", "ops": [["read", "A"], ["unlock", "A"]]},
            {"name": "t2", "ops": [["write", "A"], ["unlock", "A"]]},
            {"name": "t3", "ops": [["read", "A"], ["unlock", "A"]]},
        ],
    }));
    assert_eq!((queued.broken.as_deref(), queued.stuck.as_slice()), (None, &[][..]));

    // A real wait, ended by a notification, and the same one left alone.
    for notify in [json!(["notify", "cv"]), json!(["assert_held", "A"])] {
        let waited = run_json(json!({
            "id": "odd", "concurrent": true, "locks": [{"name": "A", "kind": "mutex"}],
            "schedule": [["t1", 0], ["t1", 1], ["t2", 0], ["t2", 1], ["t2", 2]],
            "threads": [
                {"name": "t1", "ops": [["lock", "A"], ["wait", "cv", "A"], ["unlock", "A"]]},
                {"name": "t2", "ops": [["lock", "A"], notify, ["unlock", "A"]]},
            ],
        }));
        assert_eq!(waited.broken, None);
    }
}
