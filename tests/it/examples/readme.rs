//! What the README says of the examples: the report of one of them, and its program.

use super::{TWO_LOCKS, plainly, texts};
use std::fs;
use std::path::Path;

const README: &str = "README.md";
const REPORT_BEGINS: &str = "<!-- report:two_locks -->";
const REPORT_ENDS: &str = "<!-- report:end -->";

/// The report of two_locks stands in the README as it was printed. With `LOCKGRAPH_BLESS` set,
/// this test writes it there.
#[test]
fn the_readme_shows_the_real_report() {
    if !lockgraph::PRESENT {
        return;
    }
    let (_, report) = texts(&plainly("two_locks"));
    let report = report.trim();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(README);
    let readme = fs::read_to_string(&path).expect("a README");
    let (before, rest) = readme.split_once(REPORT_BEGINS).expect("a report in the README");
    let (block, after) = rest.split_once(REPORT_ENDS).expect("the end of the report");

    if std::env::var_os("LOCKGRAPH_BLESS").is_some() {
        let text = format!("{before}{REPORT_BEGINS}\n```text\n{report}\n```\n{REPORT_ENDS}{after}");
        fs::write(&path, text).expect("a writable README");
        return;
    }
    let shown = block.trim().trim_start_matches("```text").trim_end_matches("```").trim();
    assert_eq!(without_thread_numbers(shown), without_thread_numbers(report));
}

/// The program of the README is the example's: its lines stand there in one piece.
#[test]
fn the_readme_shows_the_real_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(README);
    let readme = fs::read_to_string(&path).expect("a README");
    let (_, rest) = readme.split_once("```rust,ignore\n").expect("a program in the README");
    let (shown, _) = rest.split_once("```").expect("its end");
    let shown: Vec<&str> = shown.lines().map(str::trim).collect();
    let example: Vec<&str> = TWO_LOCKS.lines().map(str::trim).collect();
    for piece in shown.split(|line| line.is_empty()) {
        let stands = example.windows(piece.len()).any(|lines| lines == piece);
        assert!(stands, "not in examples/two_locks.rs:\n{}", piece.join("\n"));
    }
}

#[test]
fn every_example_has_a_row_in_the_list_and_an_end_in_ci() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| fs::read_to_string(root.join(file)).expect("it is there");
    let (list, ends) = (read("examples/README.md"), read(".ci/examples"));
    let paths = fs::read_dir(root.join("examples")).expect("a folder");
    let paths = paths.map(|entry| entry.expect("an entry").path());
    let mut examples = 0;
    for path in paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs")) {
        let name = path.file_stem().expect("a name").to_string_lossy();
        assert!(list.contains(&format!("| `{name}` |")), "{name}: no row in examples/README.md");
        assert!(ends.contains(&format!("[{name}]=")), "{name}: no end in .ci/examples");
        examples += 1;
    }
    assert!(examples > 10, "{examples}");
}

#[test]
fn thread_numbers_and_nothing_else_are_normalised() {
    assert_eq!(without_thread_numbers("thread 12 at x.rs:12"), "thread N at x.rs:12");
    assert_eq!(without_thread_numbers("`audit` (thread #3)"), "`audit` (thread #N)");
    assert_eq!(without_thread_numbers("threads 2, thread two"), "threads 2, thread two");
}

/// `thread 7` and `thread #7` as `thread N`: the one thing in a report that another run may turn
/// round.
fn without_thread_numbers(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("thread ") {
        let (before, after) = rest.split_at(at + "thread ".len());
        result.push_str(before);
        let after = match after.strip_prefix('#') {
            Some(after) => {
                result.push('#');
                after
            }
            None => after,
        };
        let number = after.bytes().take_while(u8::is_ascii_digit).count();
        if number > 0 {
            result.push('N');
        }
        rest = &after[number..];
    }
    result.push_str(rest);
    result
}
