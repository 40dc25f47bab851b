//! No damage to a file makes the reader panic, and the order of its lines does not matter.

use crate::{GOOD, data};
use lockgraph_model::Dump;
use proptest::prelude::*;

/// One thing done to the lines of a journal.
#[derive(Clone, Debug)]
enum Damage {
    Flip { at: usize, to: u8 },
    Remove { line: usize },
    Repeat { line: usize },
    Swap { line: usize, with: usize },
    Cut { line: usize, at: usize },
    Number { nth: usize, text: &'static str },
    Truncate { at: usize },
}

fn damage() -> impl Strategy<Value = Damage> {
    let number = any::<usize>;
    prop_oneof![
        (number(), any::<u8>()).prop_map(|(at, to)| Damage::Flip { at, to }),
        number().prop_map(|line| Damage::Remove { line }),
        number().prop_map(|line| Damage::Repeat { line }),
        (number(), number()).prop_map(|(line, with)| Damage::Swap { line, with }),
        (number(), number()).prop_map(|(line, at)| Damage::Cut { line, at }),
        (
            number(),
            prop::sample::select(vec!["0", "1", "3", "18446744073709551615", "-1", "1e99", "null"])
        )
            .prop_map(|(nth, text)| Damage::Number { nth, text }),
        number().prop_map(|at| Damage::Truncate { at }),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    if bytes.is_empty() {
        return;
    }
    let mut lines: Vec<Vec<u8>> =
        bytes.split_inclusive(|&b| b == b'\n').map(<[u8]>::to_vec).collect();
    let count = lines.len();
    match *damage {
        Damage::Flip { at, to } => {
            let at = at % bytes.len();
            bytes[at] = to;
            return;
        }
        Damage::Truncate { at } => {
            bytes.truncate(at % bytes.len());
            return;
        }
        Damage::Number { nth, text } => {
            let starts: Vec<usize> = (1..bytes.len())
                .filter(|&i| bytes[i].is_ascii_digit() && b":[".contains(&bytes[i - 1]))
                .collect();
            if let Some(&start) = starts.get(nth % starts.len().max(1)) {
                let digits = bytes[start..].iter().take_while(|b| b.is_ascii_digit()).count();
                bytes.splice(start..start + digits, text.bytes());
            }
            return;
        }
        Damage::Remove { line } => drop(lines.remove(line % count)),
        Damage::Repeat { line } => lines.push(lines[line % count].clone()),
        Damage::Swap { line, with } => lines.swap(line % count, with % count),
        Damage::Cut { line, at } => {
            let line = &mut lines[line % count];
            let at = at % line.len();
            line.drain(at..line.len() - 1);
        }
    }
    *bytes = lines.concat();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_damaged_file_is_read_or_refused_and_what_is_read_holds_together(
        name in prop::sample::select(GOOD.to_vec()),
        dump in any::<bool>(),
        damages in prop::collection::vec(damage(), 1..5),
    ) {
        let extension = if dump { "json" } else { "jsonl" };
        let mut bytes = std::fs::read(data(&format!("{name}.{extension}"))).unwrap();
        for damage in &damages {
            apply(&mut bytes, damage);
        }
        match Dump::read_from(&bytes[..], "damaged") {
            Err(error) => prop_assert!(error.to_string().starts_with("damaged")),
            // What was read can be written and read again: nothing in it hangs in the air.
            Ok(dump) => prop_assert_eq!(
                Dump::read_from(dump.to_json().as_bytes(), "again").map_err(|e| e.to_string()),
                Ok(dump)
            ),
        }
    }

    #[test]
    fn the_order_of_the_lines_does_not_matter(
        name in prop::sample::select(vec!["abba", "gated", "ordered", "dropped", "killed", "readers"]),
        keys in prop::collection::vec(any::<u64>(), 40),
    ) {
        let text = std::fs::read_to_string(data(&format!("{name}.jsonl"))).unwrap();
        let mut lines: Vec<(u64, &str)> = keys.into_iter().zip(text.lines()).collect();
        prop_assert_eq!(lines.len(), text.lines().count());
        lines.sort();
        let shuffled: String = lines.iter().flat_map(|&(_, line)| [line, "\n"]).collect();
        prop_assert_eq!(
            Dump::read_from(shuffled.as_bytes(), "shuffled").unwrap(),
            Dump::read_from(text.as_bytes(), "straight").unwrap()
        );
    }
}
