//! Each thing that can be wrong is one error that says where, what, and what to do.

use crate::data;
use lockgraph_model::{Dump, Problem};

const HEADER: &str = r#"{"t":"header","seq":0,"schema":"lockgraph/1","tool":{"name":"lockgraph","version":"0.1.0"},"run_id":"00112233445566778899aabbccddeeff","pid":1,"exe":"x","started_unix_ms":0,"test":null}"#;

fn text(bytes: impl AsRef<[u8]>) -> String {
    Dump::read_from(bytes.as_ref(), "x.jsonl").unwrap_err().to_string()
}

/// The header, then `lines`, then a last line that is fine.
fn journal(lines: &[&str]) -> String {
    format!("{HEADER}\n{}\n{{\"t\":\"end\",\"seq\":999,\"counters\":{{}}}}\n", lines.join("\n"))
}

#[track_caller]
fn assert_error(bytes: impl AsRef<[u8]>, start: &str) {
    let text = text(bytes);
    assert!(text.starts_with(start), "{text:?} does not start with {start:?}");
    assert!(text.contains("; "), "{text:?} does not say what to do");
    assert!(!text.contains('\n'), "{text:?} is not one line");
}

#[test]
fn a_damaged_line_in_the_middle_is_named() {
    let error = Dump::read(data("bad_line.jsonl")).unwrap_err();
    assert_eq!((error.line, error.column), (Some(10), Some(40)));
    assert!(matches!(error.problem, Problem::Syntax(_)));
    assert_error(journal(&["what?"]), "x.jsonl:2:1: not JSON: expected value; ");
    assert_error(journal(&["[1]"]), "x.jsonl:2:");
}

#[test]
fn a_newer_version_is_the_error_also_where_its_lines_look_damaged() {
    let error = Dump::read(data("newer.jsonl")).unwrap_err();
    assert!(matches!(&error.problem, Problem::OtherMajor(schema) if schema == "lockgraph/2"));
    assert_eq!(error.line, Some(2));
    assert_error(
        HEADER.replace("lockgraph/1", "lockgraph/2"),
        "x.jsonl:1: schema `lockgraph/2` is not lockgraph/1; ",
    );
    assert_error(
        r#"{"schema":"lockgraph/2","processes":7}"#,
        "x.jsonl: schema `lockgraph/2` is not lockgraph/1; ",
    );
    assert_error(r#"{"schema":"wgpu/1"}"#, "x.jsonl: `wgpu/1` is no schema of lockgraph; ");
}

#[test]
fn an_empty_file_and_one_without_a_header_are_named() {
    assert_error("", "x.jsonl: the file is empty; ");
    assert_error("\n \n", "x.jsonl: the file is empty; ");
    assert_error(&HEADER[..70], "x.jsonl: no whole `header` line; ");
    assert_error("{\"t\":\"drop\",\"seq\":1,\"lock\":1}\n", "x.jsonl: no whole `header` line; ");
}

#[test]
fn a_header_that_is_not_first_is_found() {
    let journal = format!("{{\"t\":\"drop\",\"seq\":1,\"lock\":5}}\n{HEADER}\n");
    assert_eq!(Dump::read_from(journal.as_bytes(), "x").unwrap().locks[0].id, 5);
}

#[test]
fn two_headers_or_ends_are_two_files_in_one() {
    assert_error(journal(&[HEADER]), "x.jsonl:2: a second `header` line, the first is line 1; ");
    assert_error(
        journal(&[r#"{"t":"end","seq":7,"counters":{}}"#]),
        "x.jsonl:3: a second `end` line; ",
    );
    let id = HEADER.replace("00112233", "0011223");
    assert_error(id, "x.jsonl:1: `run_id` is not 32 hex digits; ");
}

#[test]
fn bytes_that_are_no_text_are_named() {
    let mut bytes = journal(&["?"]).into_bytes();
    let at = bytes.iter().position(|&b| b == b'?').unwrap();
    bytes[at] = 0xff;
    assert_error(&bytes, "x.jsonl:2: not UTF-8 text; ");
    assert_error(b"\x7fELF\x02\x01\x01\n\xff\xfe\n", "x.jsonl:1");
    assert_error(b"{\n\"schema\": \"\xff\"}", "x.jsonl:2: not UTF-8 text; ");
}

#[test]
fn an_id_or_a_seq_that_is_there_twice_is_named_with_both_lines() {
    let class = |seq| {
        format!(
            r#"{{"t":"class","seq":{seq},"id":4,"name":null,"kind":"Mutex","type":null,"created_at":null}}"#
        )
    };
    let lock = |seq| {
        format!(
            r#"{{"t":"lock","seq":{seq},"id":4,"class":1,"read_blocks_behind_writer":false,"guard_send":false,"reentrant":false}}"#
        )
    };
    let owner = |seq| format!(r#"{{"t":"owner","seq":{seq},"id":4,"kind":"thread","name":null}}"#);
    let segment = |seq| {
        format!(r#"{{"t":"segment","seq":{seq},"id":4,"owner":1,"after":[],"joined_before":[]}}"#)
    };
    let cases: [(&str, &dyn Fn(u32) -> String); 4] =
        [("class", &class), ("lock", &lock), ("owner", &owner), ("segment", &segment)];
    for (what, line) in cases {
        let twice = journal(&[&line(1), &line(2)]);
        assert_error(twice, &format!("x.jsonl:3: {what} 4 is there twice, first in line 2; "));
        let same_seq = journal(&[&line(5), &owner(5).replace(":4,", ":6,")]);
        assert_error(same_seq, "x.jsonl:3: seq 5 is there twice, first in line 2; ");
    }
}

#[test]
fn numbers_out_of_range_are_named() {
    for number in ["1e400", "18446744073709551616", "-1", "1.5", "\"1\"", "null", "[]"] {
        let line = format!(r#"{{"t":"drop","seq":1,"lock":{number}}}"#);
        assert_error(journal(&[&line]), "x.jsonl:2:");
    }
    let greatest = format!(r#"{{"t":"edge","seq":1,"from":{0},"to":{0}}}"#, u64::MAX);
    assert_eq!(Dump::read_from(journal(&[&greatest]).as_bytes(), "x").unwrap().locks.len(), 1);
}

#[test]
fn a_last_line_that_is_torn_is_ignored_and_one_that_is_wrong_is_not() {
    let torn =
        ["{\"t\":\"dr", "{\"t\":\"drop\",\"seq\":1,\"lock\":4", "\0\0\0\0\n", "{\"t\":\"drop\n"];
    for tail in torn {
        assert!(Dump::read_from(format!("{HEADER}\n{tail}").as_bytes(), "x").is_ok(), "{tail:?}");
    }
    let wrong = format!("{HEADER}\n{{\"t\":\"drop\",\"seq\":1,\"lock\":\"a\"}}\n");
    assert_error(wrong, "x.jsonl:2:");
    // A prefix of an object is no object: this one is whole, only its newline is missing.
    let whole = format!("{HEADER}\n{{\"t\":\"drop\",\"seq\":1,\"lock\":4}}");
    assert_eq!(Dump::read_from(whole.as_bytes(), "x").unwrap().locks.len(), 1);
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    let deep = format!(r#"{{"t":"drop","seq":1,"lock":{}}}"#, "[".repeat(100_000));
    assert_error(journal(&[&deep]), "x.jsonl:2:");
    let unknown = format!(
        r#"{{"t":"drop","seq":1,"lock":4,"more":{}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    // Either is fine, as long as it comes back.
    let _ = Dump::read_from(journal(&[&unknown]).as_bytes(), "x");
}

#[test]
fn a_dump_that_names_what_it_does_not_contain_is_refused() {
    let dump = std::fs::read_to_string(data("abba.json")).unwrap();
    let broken = |from: &str, to: &str| {
        assert!(dump.contains(from), "{from}");
        dump.replacen(from, to, 1)
    };
    assert_error(
        broken(r#""from":1,"to":2"#, r#""from":1,"to":9"#),
        "x.jsonl: edge 1 -> 9 names lock 9, which is not there; ",
    );
    assert_error(
        broken(r#""id":2,"process":0,"class":2"#, r#""id":1,"process":0,"class":2"#),
        "x.jsonl: lock 1 is there twice; ",
    );
    assert_error(
        broken(r#""process":0,"class":1"#, r#""process":3,"class":1"#),
        "x.jsonl: lock 1 names process 3, which is not there; ",
    );
    assert_error(
        broken(r#""locks":[1,2]"#, r#""locks":[1,8]"#),
        "x.jsonl: a component names lock 8, which is not there; ",
    );
    assert_error(&dump[..dump.len() / 2], "x.jsonl:");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Dump::read(data("nowhere.jsonl")).unwrap_err();
    assert!(matches!(error.problem, Problem::Io(_)));
    assert!(error.to_string().contains("nowhere.jsonl: cannot read it: "), "{error}");
    assert!(matches!(Dump::read(data("")).unwrap_err().problem, Problem::Io(_)));
}

#[test]
fn a_line_without_end_is_refused_before_it_fills_the_memory() {
    for byte in [b'x', b'{'] {
        let endless = std::io::BufReader::new(std::io::repeat(byte));
        let error = lockgraph_model::Journal::read(endless, "x.jsonl").unwrap_err();
        assert!(matches!(error.problem, Problem::LineTooLong));
        assert_eq!(error.line, Some(1));
    }
    let endless = std::io::BufReader::new(std::io::repeat(b'x'));
    assert!(matches!(Dump::read_from(endless, "x").unwrap_err().problem, Problem::LineTooLong));
}
