//! The pages of the kinds of finding.

use crate::{command, stdout};
use std::path::Path;

#[test]
fn a_page_is_the_section_of_the_docs() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/findings.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    for name in ["LG003", "lg003", "order_inversion"] {
        let page = stdout(command().args(["explain", name]));
        let (heading, text) = page.split_once('\n').unwrap();
        assert_eq!(heading, "LG003 `order_inversion`");
        assert!(docs.contains(&format!("## {heading}\n{text}")), "{page}");
        assert!(page.contains("\n**To fix it**") && !page.contains("LG006"), "{page}");
    }
}

#[test]
fn the_list_has_every_kind_and_a_reserved_one_says_so() {
    let list = stdout(command().arg("explain"));
    let codes: Vec<&str> = list.lines().map(|line| &line[..5]).collect();
    assert_eq!((codes.first(), codes.last(), codes.len()), (Some(&"LG001"), Some(&"LG013"), 13));
    for code in codes {
        let page = stdout(command().args(["explain", code]));
        assert!(page.starts_with(code), "{page}");
        let reserved = page.ends_with("The code is reserved: this version does not report it.\n");
        assert_eq!(reserved, !page.contains("\n```"), "{page}");
    }
}
