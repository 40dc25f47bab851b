//! `lockgraph.toml`: what it says, and the errors of what it cannot say.

use lockgraph_model::policy::{ClassPattern, Subject};
use lockgraph_model::{Kind, Level, Policy};
use proptest::prelude::*;
use std::time::Duration;

const WHOLE: &str = r#"
stall = "1500ms"
dir = "target/lockgraph"

[levels]
condvar_nested = "warn"
LG008 = "deny"

[[order]]
before = "accounts"
after = "audit"

[[allow]]
from = "accounts"
to = "src/log.rs"
reason = "never held while calling out"

[[allow]]
classes = ["cache", "index"]
kind = "order_inversion"
reason = "rebuilt before the threads start"
"#;

#[test]
fn every_key_is_read() {
    let policy = Policy::parse(WHOLE, "lockgraph.toml").unwrap();
    assert_eq!(policy.stall, Some(Duration::from_millis(1500)));
    assert_eq!(policy.dir.as_deref(), Some("target/lockgraph".as_ref()));
    let levels: Vec<_> = policy.levels.into_iter().collect();
    assert_eq!(levels, [(Kind::HeldAcrossWait, Level::Deny), (Kind::CondvarNested, Level::Warn)]);
    assert_eq!((policy.order[0].before.as_str(), policy.order[0].line), ("accounts", 10));
    let edge = Subject::Edge { from: "accounts".into(), to: "src/log.rs".into() };
    assert_eq!((&policy.allow[0].subject, policy.allow[0].line), (&edge, 13));
    assert_eq!(policy.allow[1].subject, Subject::Pair("cache".into(), "index".into()));
    assert_eq!(policy.allow[1].kind, Some(Kind::OrderInversion));
    assert_eq!(policy.allow[1].reason, "rebuilt before the threads start");
    assert_eq!(Policy::parse("", "x").unwrap(), Policy::default());
}

#[test]
fn what_cannot_be_used_is_named_with_line_and_column() {
    for (text, start) in [
        ("stal = \"10s\"", "x.toml:1:1: unknown field `stal`"),
        ("stall = 10", "x.toml:1:9: invalid type"),
        ("stall = \"10 parsecs\"", "x.toml:1:9: `10 parsecs` is no time"),
        ("stall = \"0s\"", "x.toml:1:9: `0s` is no time"),
        ("stall = \"99999999999999999m\"", "x.toml:1:9: "),
        ("dir = \"\"", "x.toml:1:7: the folder has no name"),
        ("\n[levels]\nLG099 = \"warn\"", "x.toml:3:1: no kind of finding is called `LG099`"),
        ("[levels]\nLG001 = \"loud\"", "x.toml:2:9: `loud` is none of allow, warn and deny"),
        ("[levels]\nLG001 = \"warn\"\nself_deadlock = \"warn\"", "x.toml:3:1: the level of"),
        ("[[order]]\nbefore = \"a\"", "x.toml:1:1: missing field `after`"),
        ("[[order]]\nbefore = \"a\"\nafter = \"a\"", "x.toml:3:9: a class cannot come before"),
        (
            "[[order]]\nbefore = \"a\"\nafter = \"b\"\n[[order]]\nbefore = \"b\"\nafter = \"c\"\n\
             [[order]]\nbefore = \"c\"\nafter = \"a\"",
            "x.toml:8:10: the rules of lines 2, 5, 8 cannot hold together",
        ),
        ("[[order]]\nbefore = \"a\"\nafter = \" \"", "x.toml:3:9: a class has no name here"),
        ("[[order]]\nbefore = \"a\"\nafter = \"b\"\nwhy = 1", "x.toml:4:1: unknown field `why`"),
        ("[[allow]]\nfrom = \"a\"\nto = \"b\"", "x.toml:1:1: an allow needs a `reason`"),
        ("[[allow]]\nfrom = \"a\"\nreason = \"r\"", "x.toml:1:1: an allow has either"),
        ("[[allow]]\nclasses = [\"a\"]\nreason = \"r\"", "x.toml:2:11: `classes` are two"),
        (
            "[[allow]]\nclasses = [\"a\", \"b\"]\nreason = \" \"",
            "x.toml:3:10: the `reason` is empty",
        ),
        (
            "[[allow]]\nfrom = \"a\"\nto = \"b\"\nkind = \"k\"\nreason = \"r\"",
            "x.toml:4:8: no kind",
        ),
        ("stall = ", "x.toml:1:"),
        ("stall = \"1s\"\nstall = \"1s\"", "x.toml:2:1: duplicate key"),
        ("= = =", "x.toml:1:"),
    ] {
        let error = Policy::parse(text, "x.toml").unwrap_err().to_string();
        assert!(error.starts_with(start), "{text:?}: {error:?} does not start with {start:?}");
        assert!(error.contains("; ") && !error.contains('\n'), "{error:?}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = std::env::temp_dir().join(format!("lockgraph-policy-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("lockgraph.toml");
    std::fs::write(&file, b"dir = \"a\"\nstall = \"\xff\"").unwrap();
    let error = Policy::read(&file).unwrap_err();
    assert_eq!(error.line, Some(2));
    assert!(error.to_string().contains("lockgraph.toml:2: not UTF-8 text"), "{error}");
    std::fs::write(&file, "#".repeat(5 << 20)).unwrap();
    assert!(Policy::read(&file).unwrap_err().to_string().contains("more than 4 MiB"));
    std::fs::write(&file, WHOLE).unwrap();
    assert_eq!(Policy::read(&file).unwrap(), Policy::parse(WHOLE, "x").unwrap());
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(Policy::read(&file).is_err());
}

#[test]
fn a_pattern_keeps_its_text() {
    assert_eq!(ClassPattern::from("a:b").as_str(), "a:b");
}

proptest! {
    #[test]
    fn a_damaged_policy_is_read_or_refused_with_its_position(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..6),
        deep in prop::option::weighted(0.05, 1usize..100_000),
    ) {
        let mut bytes = WHOLE.as_bytes().to_vec();
        for (at, byte, what) in cuts {
            let at = at.index(bytes.len());
            match what {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        bytes.extend(deep.into_iter().flat_map(|deep| b"x = ".iter().copied().chain(std::iter::repeat_n(b'[', deep))));
        let text = String::from_utf8_lossy(&bytes);
        if let Err(error) = Policy::parse(&text, "x.toml") {
            let lines = text.split('\n').count() as u64;
            prop_assert!(error.line.is_some_and(|line| (1..=lines).contains(&line)));
            prop_assert!(error.column.is_some_and(|column| column >= 1));
            prop_assert!(!error.to_string().contains('\n'));
        }
    }
}
