//! What `show` prints.

use crate::{assert_golden, command, data, scratch, show, stdout};
use std::io::Read;
use std::process::Stdio;

const GOOD: [&str; 7] = ["abba", "gated", "ordered", "dropped", "torn", "killed", "readers"];

#[test]
fn a_journal_is_shown_as_its_golden_text() {
    for name in GOOD {
        let output = show(&data(&format!("{name}.jsonl")));
        assert_eq!(output.status.code(), Some(0), "{name}");
        assert!(output.stderr.is_empty(), "{name}");
        assert_golden(&format!("{name}.txt"), &output.stdout);
    }
}

#[test]
fn a_dump_is_shown_as_its_journal() {
    for name in GOOD {
        let journal = show(&data(&format!("{name}.jsonl")));
        assert_eq!(show(&data(&format!("{name}.json"))).stdout, journal.stdout, "{name}");
    }
}

#[test]
fn the_other_formats_show_every_finding_and_fail_by_none() {
    let shown = |format: &str| {
        stdout(command().args(["show", "--format", format]).arg(data("gated.jsonl")))
    };
    assert_eq!(shown("json"), std::fs::read_to_string(data("gated.json")).unwrap());
    assert!(shown("github").starts_with("::notice file=src/main.rs,line=22,"));
    assert!(shown("sarif").contains("\"level\": \"note\""));
    assert!(shown("junit").contains("tests=\"1\" failures=\"0\""));
}

#[test]
fn cargo_and_a_person_get_the_same() {
    let by_cargo = command().args(["lockgraph", "show"]).arg(data("abba.jsonl")).output().unwrap();
    assert_eq!(by_cargo, show(&data("abba.jsonl")));
}

/// A journal of many locks, each taken under each of the others, one after the other.
fn large(locks: u64) -> String {
    let mut text = std::fs::read_to_string(data("abba.jsonl")).unwrap();
    text.truncate(text.find('\n').unwrap() + 1);
    let mut seq = 1;
    for from in 1..=locks {
        for to in (1..=locks).filter(|&to| to != from) {
            for line in 1..=4 {
                text += &format!(
                    "{{\"t\":\"witness\",\"seq\":{seq},\"from\":{from},\"to\":{to},\"scope\":0,\"owner\":{line},\"segment\":0,\
                     \"from_mode\":\"exclusive\",\"to_mode\":\"exclusive\",\"held_at\":null,\"acquired_at\":{{\"file\":\"a.rs\",\"line\":{line},\"column\":1}},\
                     \"held\":[],\"stack\":null,\"capped\":false}}\n"
                );
                seq += 1;
            }
        }
    }
    text
}

#[test]
fn long_lists_are_cut_and_say_so_and_all_prints_them() {
    let path = scratch("long.jsonl", large(7));
    let text = String::from_utf8(show(&path).stdout).unwrap();
    assert!(text.contains("\n    and 1 witness more; --all prints them\n"), "{text}");
    assert!(text.contains(" 1000 cycles or more (truncated)\n"), "{text}");
    assert!(text.contains("\n    and 980 cycles more; --all prints them\n"), "{text}");
    let all = command().args(["show", "--all"]).arg(&path).output().unwrap();
    let all = String::from_utf8(all.stdout).unwrap();
    assert!(!all.contains("--all"));
    assert_eq!(all.lines().count(), text.lines().count() + 980 - 1);
}

#[test]
fn classes_that_were_waited_for_are_told_the_most_waited_for_first() {
    let mut text = std::fs::read_to_string(data("abba.jsonl")).unwrap();
    assert!(!String::from_utf8(show(&data("abba.jsonl")).stdout).unwrap().contains("\nwaits\n"));
    for (seq, class, waits, longest) in [(900, 1, 1, 40), (901, 2, 7, 12), (902, 2, 9, 30)] {
        text += &format!(
            "{{\"t\":\"class_use\",\"seq\":{seq},\"class\":{class},\"made\":1,\"max_live\":1,\
             \"contended_waits\":{waits},\"longest_wait_us\":{longest}}}\n"
        );
    }
    let shown = String::from_utf8(show(&scratch("waits.jsonl", text)).stdout).unwrap();
    let waits = shown.split("\nwaits\n").nth(1).expect("a section").lines().take(2);
    let words: Vec<Vec<&str>> = waits.map(|row| row.split_whitespace().skip(1).collect()).collect();
    assert_eq!(words[0].join(" "), "9 waits the longest of 30 us", "{shown}");
    assert_eq!(words[1].join(" "), "1 wait the longest of 40 us", "{shown}");
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let path = scratch("pipe.jsonl", large(40));
    let mut child = command()
        .args(["show", "--all"])
        .arg(path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // As `| head -1`: one read, then nobody listens.
    let mut first = [0; 16];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn nothing_in_a_file_acts_on_the_terminal() {
    let journal = std::fs::read_to_string(data("abba.jsonl")).unwrap();
    let evil = journal.replace("accounts", "\\u001b[31mred\\u202e").replace("transfer", "a\\nb");
    let output = show(&scratch("evil.jsonl", evil));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("\\u{1b}[31mred\\u{202e} #1 -> audit #2\n"), "{text}");
    assert!(text.contains("a\\nb:"), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));

    let output =
        show(&scratch("evil_error.jsonl", journal.replace("\"exclusive\"", "\"\\u001b[31m\"")));
    assert_eq!(output.status.code(), Some(3));
    assert!(!output.stderr.contains(&0x1b));
}
