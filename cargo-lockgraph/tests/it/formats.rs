//! The forms of a report for programs: each is what its reader expects.

use crate::{command, data, scratch};
use roxmltree::Document;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn check(file: &Path, format: &str) -> String {
    let output = command().arg("check").arg(file).args(["--format", format]).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A journal whose names and places want every kind of escape.
fn hostile() -> PathBuf {
    let journal = std::fs::read_to_string(data("abba.jsonl")).unwrap();
    let hostile = journal
        .replace("accounts", r#"a,b:c%<d>&'\"\u0000\n]]>\u001b[31m"#)
        .replace("transfer", "::error::x\\r\\n::stop-commands::t")
        .replace("src/main.rs", "src/a b,c:d%.rs");
    scratch("hostile.jsonl", hostile)
}

fn inputs() -> Vec<PathBuf> {
    let good = ["abba", "gated", "ordered", "dropped", "torn", "killed", "readers"];
    good.iter().map(|name| data(&format!("{name}.jsonl"))).chain([hostile()]).collect()
}

#[test]
fn json_is_one_object_that_tells_what_fails() {
    for input in inputs() {
        let report: Value = serde_json::from_str(&check(&input, "json")).unwrap();
        assert_eq!(report["schema"], "lockgraph-report/1");
        let findings = report["findings"].as_array().unwrap();
        let fails = findings.iter().filter(|entry| entry["standing"] == "fails").count();
        assert_eq!(report["failing"], fails);
        for entry in findings {
            let sides = entry["finding"]["cycle"].as_array().unwrap().len();
            assert_eq!(entry["sides"].as_array().unwrap().len(), sides);
        }
    }
    let report: Value = serde_json::from_str(&check(&data("abba.jsonl"), "json")).unwrap();
    assert_eq!(report["failing"], 1);
    assert_eq!(
        report["findings"][0]["sides"][1],
        "thread `report` took `audit` (exclusive) at src/main.rs:31:20, \
         then wanted `accounts` (exclusive) at src/main.rs:32:24"
    );
}

#[test]
fn github_annotations_are_one_line_each_and_name_every_side() {
    for input in inputs() {
        for line in check(&input, "github").lines() {
            let (head, message) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
            let (level, properties) = head.split_once(' ').unwrap();
            assert!(["error", "warning", "notice"].contains(&level), "{line}");
            for property in properties.split(',') {
                let (key, value) = property.split_once('=').unwrap();
                assert!(["file", "line", "col", "title"].contains(&key), "{line}");
                assert!(!value.is_empty() && !value.contains(':'), "{line}");
            }
            assert!(!message.is_empty(), "{line}");
        }
    }
    let lines = check(&data("abba.jsonl"), "github");
    let starts: Vec<&str> = lines.lines().map(|line| line.split("::").nth(1).unwrap()).collect();
    assert_eq!(
        starts,
        [
            "error file=src/main.rs,line=22,col=24,title=LG003 order_inversion",
            "notice file=src/main.rs,line=32,col=24,title=LG003 order_inversion%2C side 2 of 2",
        ]
    );
    assert!(check(&hostile(), "github").contains("file=src/a b%2Cc%3Ad%25.rs,"));
}

#[test]
fn junit_is_well_formed_and_its_counts_are_those_of_its_cases() {
    for input in inputs() {
        let text = check(&input, "junit");
        let document = Document::parse(&text).unwrap();
        let suites = document.root_element();
        assert_eq!(suites.tag_name().name(), "testsuites");
        let suite = suites.first_element_child().unwrap();
        assert_eq!(suite.tag_name().name(), "testsuite");
        let count = |name: &str| suite.descendants().filter(|n| n.has_tag_name(name)).count();
        for (attribute, of) in
            [("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped")]
        {
            assert_eq!(suite.attribute(attribute), Some(&*count(of).to_string()), "{text}");
        }
        assert!(count("testcase") > 0);
        for case in suite.children().filter(roxmltree::Node::is_element) {
            assert!(case.has_tag_name("testcase"));
            assert!(case.attribute("name").is_some_and(|name| !name.is_empty()));
            assert!(case.attribute("classname").is_some_and(|name| name.starts_with("lockgraph")));
        }
    }
    let text = check(&data("abba.jsonl"), "junit");
    let document = Document::parse(&text).unwrap();
    let failure = document.descendants().find(|node| node.has_tag_name("failure")).unwrap();
    assert!(failure.text().unwrap().contains("\nthread `report` took `audit`"), "{text}");
}

#[test]
fn sarif_is_what_its_standard_asks_for() {
    let schema = include_str!("../data/sarif-2.1.0.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    for input in inputs() {
        let log: Value = serde_json::from_str(&check(&input, "sarif")).unwrap();
        validate(&schema, &schema, &log, "$");
        let run = &log["runs"][0];
        for result in run["results"].as_array().unwrap() {
            let rule = result["ruleIndex"].as_u64().unwrap() as usize;
            assert_eq!(run["tool"]["driver"]["rules"][rule]["id"], result["ruleId"]);
        }
    }
    let log: Value = serde_json::from_str(&check(&data("abba.jsonl"), "sarif")).unwrap();
    let result = &log["runs"][0]["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&"LG003".into(), &"error".into()));
    assert_eq!(result["partialFingerprints"]["lockgraph/v1"], "a1b2c3d4e5f60718");
    let threads = result["codeFlows"][0]["threadFlows"].as_array().unwrap();
    assert_eq!(threads.len(), 2);
    assert_eq!(
        threads[1]["locations"][0]["location"]["physicalLocation"]["region"]["startLine"],
        31
    );
}

#[test]
fn the_validator_refuses_what_the_schema_forbids() {
    let schema = include_str!("../data/sarif-2.1.0.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    for wrong in [
        r#"{"version": "2.0.0", "runs": []}"#,
        r#"{"version": "2.1.0"}"#,
        r#"{"version": "2.1.0", "runs": [], "more": 1}"#,
        r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": 1}}}]}"#,
        r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": [{"message": {"text": ""}, "ruleIndex": -2}]}]}"#,
    ] {
        let wrong: Value = serde_json::from_str(wrong).unwrap();
        let refused = std::panic::catch_unwind(|| validate(&schema, &schema, &wrong, "$"));
        assert!(refused.is_err(), "{wrong}");
    }
}

/// As much of JSON Schema as the schema uses.
fn validate(root: &Value, schema: &Value, value: &Value, at: &str) {
    for (keyword, wanted) in schema.as_object().unwrap() {
        match (&**keyword, value) {
            ("$schema" | "title" | "definitions", _) => {}
            ("$ref", _) => {
                let name = wanted.as_str().unwrap().strip_prefix("#/definitions/").unwrap();
                validate(root, &root["definitions"][name], value, at);
            }
            ("type", _) => {
                let found = match value {
                    Value::Null => "null",
                    Value::Bool(_) => "boolean",
                    Value::Number(number) if number.is_f64() => "number",
                    Value::Number(_) => "integer",
                    Value::String(_) => "string",
                    Value::Array(_) => "array",
                    Value::Object(_) => "object",
                };
                assert_eq!(wanted, found, "{at}");
            }
            ("enum", _) => assert!(wanted.as_array().unwrap().contains(value), "{at}: {value}"),
            ("required", Value::Object(object)) => {
                for name in wanted.as_array().unwrap() {
                    assert!(object.contains_key(name.as_str().unwrap()), "{at} has no {name}");
                }
            }
            ("properties", Value::Object(object)) => {
                for (name, value) in object {
                    if let Some(schema) = wanted.get(name) {
                        validate(root, schema, value, &format!("{at}.{name}"));
                    }
                }
            }
            ("additionalProperties", Value::Object(object)) => {
                assert_eq!(wanted, false);
                let known = schema["properties"].as_object().unwrap();
                let foreign = object.keys().find(|name| !known.contains_key(*name));
                assert_eq!(foreign, None, "{at}");
            }
            ("items", Value::Array(items)) => {
                for (number, item) in items.iter().enumerate() {
                    validate(root, wanted, item, &format!("{at}[{number}]"));
                }
            }
            ("minItems", Value::Array(items)) => {
                assert!(items.len() as u64 >= wanted.as_u64().unwrap(), "{at}");
            }
            ("minimum", Value::Number(number)) => {
                assert!(number.as_i64().unwrap() >= wanted.as_i64().unwrap(), "{at}: {number}");
            }
            ("pattern", Value::String(text)) => {
                let start = wanted.as_str().unwrap().strip_prefix('^').unwrap();
                assert!(text.starts_with(start), "{at}: {text}");
            }
            (keyword, _) => panic!("{at}: `{keyword}` does not fit {value}"),
        }
    }
}
