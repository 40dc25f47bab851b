//! What `order`, `why` and `diff` tell of an order graph.

use crate::{assert_golden, assert_refused, command, data, scratch, stdout};

#[test]
fn an_order_is_its_golden_text_in_each_language() {
    for name in ["abba", "ordered"] {
        let file = data(&format!("{name}.jsonl"));
        let toml = stdout(command().arg("order").arg(&file));
        assert_golden(&format!("order-{name}.toml"), toml.as_bytes());
        toml_edit::Document::parse(&*toml).unwrap();
        let rust = stdout(command().args(["order", "--format", "rust"]).arg(&file));
        assert_golden(&format!("order-{name}.rs"), rust.as_bytes());
    }
}

#[test]
fn an_observed_order_is_a_policy() {
    let order = stdout(command().arg("order").arg(data("ordered.jsonl")));
    assert!(order.contains("[[order]]\n"), "{order}");
    let policy = scratch("order.toml", order);
    let mut check = command();
    check.arg("check").arg(data("ordered.jsonl")).arg("--policy").arg(policy);
    assert_eq!(stdout(&mut check), "lockgraph: no findings\n");
}

#[test]
fn a_chain_is_shown_with_the_places_of_every_link() {
    let why = |a: &str, b: &str| stdout(command().args(["why", a, b]).arg(data("gated.jsonl")));
    assert_golden("why.txt", why("bank-1.4.0/src/table.rs:88", "audit").as_bytes());
    let none = why("audit", "bank-1.4.0/src/table.rs");
    assert_eq!(none, "no chain of acquisitions leads from audit to bank-1.4.0/src/table.rs\n");
    let unknown = command().args(["why", "audit", "aduit"]).arg(data("gated.jsonl")).output();
    assert_refused(&unknown.unwrap(), 2, "no lock class is called `aduit`; there are ");
}

#[test]
fn a_recording_does_not_differ_from_itself() {
    let (journal, dump) = (data("abba.jsonl"), data("abba.json"));
    assert_eq!(stdout(command().arg("diff").arg(&journal).arg(&dump)), "nothing differs\n");
}

#[test]
fn what_is_new_and_what_is_gone_is_listed_and_a_new_error_ends_with_1() {
    let diff = |base: &str, head: &str, format: &str| {
        let mut diff = command();
        diff.arg("diff").args([data(base), data(head)]).args(["--format", format]);
        let output = diff.current_dir(env!("CARGO_TARGET_TMPDIR")).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, worse) = diff("killed.jsonl", "abba.jsonl", "text");
    assert_eq!(code, Some(1));
    assert_golden("diff-worse.txt", worse.as_bytes());
    let (code, better) = diff("abba.jsonl", "killed.jsonl", "text");
    assert_eq!(code, Some(0));
    assert_golden("diff-better.txt", better.as_bytes());
    let (code, json) = diff("killed.jsonl", "abba.jsonl", "json");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, json["findings"]["new"].as_array().unwrap().len()), (Some(1), 1));
    let (_, github) = diff("killed.jsonl", "abba.jsonl", "github");
    assert!(github.starts_with("::error file=src/main.rs,"), "{github}");
}
