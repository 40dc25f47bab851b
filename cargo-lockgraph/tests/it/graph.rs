//! What `graph` prints.

use crate::{assert_golden, command, data, scratch, stdout};

#[test]
fn a_graph_is_its_golden_text_in_each_language() {
    for name in ["abba", "gated", "ordered"] {
        let file = data(&format!("{name}.jsonl"));
        let dot = stdout(command().arg("graph").arg(&file));
        assert_golden(&format!("graph-{name}.dot"), dot.as_bytes());
        let mermaid = stdout(command().args(["graph", "--format", "mermaid"]).arg(&file));
        assert_golden(&format!("graph-{name}.mmd"), mermaid.as_bytes());
    }
}

#[test]
fn only_what_is_on_a_cycle_is_red() {
    let red = |name: &str| {
        let dot = stdout(command().arg("graph").arg(data(name)));
        let edges: Vec<&str> = dot.lines().filter(|line| line.contains(" -> ")).collect();
        (edges.iter().filter(|line| line.contains("color=red")).count(), edges.len())
    };
    assert_eq!(red("abba.jsonl"), (2, 2));
    assert_eq!(red("gated.jsonl"), (2, 4));
    assert_eq!(red("ordered.jsonl"), (0, 3));
}

#[test]
fn a_name_ends_no_label() {
    let journal = std::fs::read_to_string(data("abba.jsonl")).unwrap();
    let file = scratch("quotes.jsonl", journal.replace("accounts", r#"a\"];<b>\\"#));
    let dot = stdout(command().arg("graph").arg(&file));
    assert!(dot.contains(r#"[label="a\"];<b>\\\nMutex<u64>"#), "{dot}");
    let mermaid = stdout(command().args(["graph", "--format", "mermaid"]).arg(&file));
    assert!(mermaid.contains(r#"["a#quot;];#lt;b#gt;\<br/>Mutex#lt;u64#gt;"#), "{mermaid}");
}
