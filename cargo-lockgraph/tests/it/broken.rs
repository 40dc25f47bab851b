//! Damaged inputs: whatever stands in a file, a command ends with one line and exit code 3, or
//! takes the file for what is left of it. It never panics.

use crate::{command, data, scratch};

/// Knuth's generator (The Art of Computer Programming 2, 3.3.4): the same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

fn damage(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = numbers.below(bytes.len());
    match numbers.below(6) {
        0 => bytes.truncate(at),
        1 => bytes[at] ^= 1 << numbers.below(8),
        2 => {
            let end = (at + numbers.below(40)).min(bytes.len());
            bytes.drain(at..end);
        }
        3 => {
            let line =
                bytes.split(|&byte| byte == b'\n').nth(numbers.below(12)).unwrap_or(b"").to_vec();
            bytes.extend([b"\n", &*line, b"\n"].concat());
        }
        4 => drop(bytes.splice(at..at, *b"99999999999999999999")),
        _ => drop(bytes.splice(at..at, *b"\xff\x00\"]}")),
    }
    bytes
}

#[test]
fn a_damaged_file_is_one_error_or_what_is_left_of_it() {
    let mut numbers = Numbers(7);
    let mut refused = 0;
    for name in ["abba.jsonl", "abba.json", "readers.jsonl", "dropped.json"] {
        let whole = std::fs::read(data(name)).unwrap();
        for round in 0..15 {
            let file = scratch(&format!("damaged_{name}"), damage(&whole, &mut numbers));
            for args in [&["show"][..], &["check", "--all"], &["graph"]] {
                let output = command().args(args).arg(&file).output().unwrap();
                let error = String::from_utf8(output.stderr).unwrap();
                let what = format!("{name}, round {round}, {args:?}: {error}");
                match output.status.code() {
                    Some(0) => assert_eq!(error, "", "{what}"),
                    Some(1) => assert!(error.is_empty() && args[0] == "check", "{what}"),
                    Some(3) => {
                        refused += 1;
                        assert!(error.starts_with(&format!("error: {}", file.display())), "{what}");
                        assert_eq!(error.lines().count(), 1, "{what}");
                        assert!(output.stdout.is_empty(), "{what}");
                    }
                    code => panic!("{what}: {code:?}"),
                }
            }
        }
    }
    assert!(refused > 50, "{refused} were refused");
}
