//! What passes: policy, baseline, and what changed between two builds.

use crate::make::{Run, run};
use lockgraph_model::check::{Options, Status, Verdict, check};
use lockgraph_model::diff::diff;
use lockgraph_model::{Dump, Kind, Policy, merge};

/// Two processes that take the sides of an inversion among the locks of `file`, which are made in
/// these lines; the first two of them are taken in both orders.
fn build(file: &str, lines: &[u32]) -> Dump {
    let side = |id: u32, held: u64, to: u64| -> Dump {
        let mut run: Run = run(id);
        for (lock, &line) in (1..).zip(lines) {
            run.site(lock, file, line).instance(lock, lock);
        }
        run.owner(1, "w").took(1, &[held], to).took(1, &[1], 3).took(1, &[2], 3).dump()
    };
    merge([side(1, 1, 2), side(2, 2, 1)])
}

/// Findings of one process: (code, kind word, severity, confidence).
fn found(findings: &[(&str, &str, &str, Option<&str>)]) -> Dump {
    let mut run = run(1);
    run.lock(1, "a").lock(2, "b").lock(3, "c").owner(1, "w");
    for (print, (code, kind, severity, confidence)) in findings.iter().enumerate() {
        let confidence = confidence.map_or("null".to_owned(), |word| format!("{word:?}"));
        run.line(&format!(
            r#""finding","code":"{code}","kind":"{kind}","severity":"{severity}","confidence":{confidence},"filtered_by":[],"fingerprint":"{print:016x}","message":"m","locks":[1,2],"cycle":[{{"owner":1,"from":1,"to":2,"from_mode":null,"to_mode":null,"held_at":null,"acquired_at":null}},{{"owner":1,"from":2,"to":1,"from_mode":null,"to_mode":null,"held_at":null,"acquired_at":null}}],"owners":[1],"sites":[{{"file":"src/a.rs","line":1,"column":1}}],"misuse":null,"writer_seen":null"#
        ));
    }
    run.dump()
}

fn with_policy(dump: &Dump, text: &str) -> Verdict {
    let policy = Policy::parse(text, "lockgraph.toml").unwrap();
    check(dump, &Options { policy: Some(&policy), ..Options::default() })
}

#[test]
fn errors_fail_warnings_fail_when_denied_and_notes_of_inversions_never() {
    let dump = found(&[
        ("LG003", "order_inversion", "error", Some("feasible")),
        ("LG003", "order_inversion", "warning", Some("unproven")),
        ("LG003", "order_inversion", "note", Some("gated")),
        ("LG006", "reader_recursion", "warning", None),
        ("LG011", "condvar_nested", "note", None),
        ("LG042", "of_a_later_version", "error", None),
    ]);
    let fails = |options: &Options<'_>| -> Vec<bool> {
        check(&dump, options).findings.iter().map(|judged| judged.fails).collect()
    };
    let deny = |kinds: &'static [Kind]| Options { deny: kinds, ..Options::default() };
    assert_eq!(fails(&Options::default()), [true, false, false, false, false, true]);
    assert_eq!(fails(&deny(&[Kind::OrderInversion])), [true, true, false, false, false, true]);
    assert_eq!(fails(&deny(&[Kind::ReaderRecursion])), [true, false, false, true, false, true]);
    assert_eq!(fails(&deny(&[Kind::CondvarNested])), [true, false, false, false, true, true]);
    let policy = Policy::parse("[levels]\nLG003 = \"allow\"\nLG006 = \"deny\"", "x").unwrap();
    let options = Options { policy: Some(&policy), ..Options::default() };
    assert_eq!(fails(&options), [false, false, false, true, false, true]);
    assert!(check(&dump, &options).fails());
    assert!(!check(&found(&[]), &options).fails());
}

#[test]
fn an_allow_covers_its_edge_or_pair_and_an_unused_one_is_told() {
    let dump = found(&[("LG003", "order_inversion", "error", Some("feasible"))]);
    let allow = |rule: &str| format!("[[allow]]\n{rule}\nreason = \"r\"\n");
    for covers in [
        "from = \"a\"\nto = \"b\"",
        "from = \"b\"\nto = \"a\"",
        "classes = [\"a\", \"b\"]",
        "classes = [\"b\", \"a\"]\nkind = \"LG003\"",
    ] {
        let verdict = with_policy(&dump, &allow(covers));
        assert_eq!(verdict.findings[0].status, Status::Allowed(0), "{covers}");
        assert!(!verdict.fails() && verdict.unused_allows.is_empty());
    }
    for other in [
        "from = \"a\"\nto = \"c\"",
        "from = \"a\"\nto = \"a\"",
        "classes = [\"a\", \"c\"]",
        "classes = [\"a\", \"b\"]\nkind = \"LG006\"",
    ] {
        let verdict = with_policy(&dump, &allow(other));
        assert_eq!(verdict.findings[0].status, Status::New, "{other}");
        assert!(verdict.fails());
        assert_eq!(verdict.unused_allows, [0]);
    }
}

#[test]
fn dependencies_among_themselves_do_not_count_where_only_the_workspace_does() {
    let only = Options { workspace_only: true, ..Options::default() };
    let inside = |file| {
        let mut dump = build(file, &[10, 12, 14]);
        // The sites of acquisition as well.
        dump.findings
            .iter_mut()
            .flat_map(|f| &mut f.sites)
            .for_each(|site| site.file = file.into());
        check(&dump, &only).findings[0].status
    };
    assert_eq!(inside("serde-1.2.3/src/lib.rs"), Status::InDependencies);
    assert_eq!(inside("src/lib.rs"), Status::New);
    let touches = build("serde-1.2.3/src/lib.rs", &[10, 12, 14]);
    assert_eq!(check(&touches, &only).findings[0].status, Status::New, "taken in the workspace");
}

#[test]
fn with_a_baseline_only_what_is_new_fails() {
    let base = build("src/a.rs", &[10, 12, 14]);
    assert!(check(&base, &Options::default()).fails());
    let verdict = |head: &Dump| {
        let verdict = check(head, &Options { baseline: Some(&base), ..Options::default() });
        verdict.findings.iter().map(|judged| (judged.status, judged.fails)).collect::<Vec<_>>()
    };
    assert_eq!(verdict(&base), [(Status::InBaseline, false)]);
    // Two lines above; the new place of the first is the old one of the second.
    assert_eq!(verdict(&build("src/a.rs", &[12, 14, 16])), [(Status::InBaseline, false)]);
    // A lock that is new, before, between and after.
    assert_eq!(verdict(&build("src/a.rs", &[10, 12, 14, 20])), [(Status::InBaseline, false)]);
    // Another pair of locks.
    let mut other = run(1);
    for (lock, line) in [(1, 10), (2, 12), (3, 14)] {
        other.site(lock, "src/a.rs", line).instance(lock, lock);
    }
    other.owner(1, "w").took(1, &[1], 3);
    let mut back = run(2);
    for (lock, line) in [(1, 10), (2, 12), (3, 14)] {
        back.site(lock, "src/a.rs", line).instance(lock, lock);
    }
    back.owner(1, "w").took(1, &[3], 1);
    let both = merge([base.clone(), {
        let pair = merge([other.dump(), back.dump()]);
        let mut pair = pair;
        for (process, id) in pair.processes.iter_mut().zip(7u32..) {
            process.run_id = format!("{id:032x}");
        }
        pair
    }]);
    let verdicts = verdict(&both);
    assert_eq!(verdicts.iter().filter(|(_, fails)| *fails).count(), verdicts.len() - 1);
    assert!(verdicts.len() > 1);
}

#[test]
fn a_baseline_with_a_surer_finding_accepts_a_less_sure_one_and_not_the_other_way() {
    let sure = found(&[("LG003", "order_inversion", "error", Some("feasible"))]);
    let unsure = found(&[("LG003", "order_inversion", "warning", Some("unproven"))]);
    let status = |base: &Dump, head: &Dump| {
        check(head, &Options { baseline: Some(base), ..Options::default() }).findings[0].status
    };
    assert_eq!(status(&sure, &unsure), Status::InBaseline);
    assert_eq!(status(&unsure, &sure), Status::New);
    assert_eq!(diff(&unsure, &sure).new_findings, [0]);
    assert_eq!(diff(&unsure, &sure).gone_findings, [0]);
}

#[test]
fn a_diff_tells_what_is_new_and_what_is_gone() {
    let base = build("src/a.rs", &[10, 12, 14]);
    assert!(diff(&base, &build("src/a.rs", &[30, 32, 34])).is_empty());
    let fixed = merge([{
        let mut run = run(1);
        for (lock, line) in [(1, 10), (2, 12), (3, 14), (4, 20)] {
            run.site(lock, "src/a.rs", line).instance(lock, lock);
        }
        run.owner(1, "w").took(1, &[1], 2).took(1, &[1], 3).took(1, &[2], 3).took(1, &[3], 4).dump()
    }]);
    let change = diff(&base, &fixed);
    assert_eq!((change.new_classes, change.gone_classes), (vec![4], vec![]));
    assert_eq!((change.new_edges, change.gone_edges), (vec![(3, 4)], vec![(2, 1)]));
    assert_eq!((change.new_findings, change.gone_findings), (vec![], vec![0]));
    // A dependency of another version is the same dependency.
    assert!(
        diff(&build("x-1.0.0/src/a.rs", &[1, 2, 3]), &build("x-1.0.1/src/a.rs", &[5, 6, 7]))
            .is_empty()
    );
}
