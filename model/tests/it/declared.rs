//! The declared order against what was recorded.

use crate::make::run;
use lockgraph_model::declared::{drift, violations};
use lockgraph_model::policy::OrderRule;
use lockgraph_model::{Dump, Policy};
use proptest::prelude::*;
use std::collections::BTreeSet;

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

fn rules(pairs: &[(usize, usize)]) -> Vec<OrderRule> {
    let rule = |&(before, after): &(usize, usize)| {
        format!("[[order]]\nbefore = {:?}\nafter = {:?}\n", NAMES[before], NAMES[after])
    };
    let text: String = pairs.iter().map(rule).collect();
    Policy::parse(&text, "lockgraph.toml").unwrap().order
}

/// A process in which locks of these classes were nested so: (held, requested).
fn recorded(edges: &[(usize, usize)]) -> Dump {
    let mut run = run(1);
    for (id, name) in (1..).zip(NAMES) {
        run.lock(id, name);
    }
    run.owner(1, "w");
    for &(from, to) in edges {
        run.took(1, &[from as u64 + 1], to as u64 + 1);
    }
    run.dump()
}

fn class(dump: &Dump, id: u64) -> usize {
    let name = dump.classes.iter().find(|class| class.id == id).and_then(|c| c.name.as_deref());
    NAMES.iter().position(|known| Some(*known) == name).unwrap()
}

#[test]
fn an_order_against_a_rule_is_named_with_the_line_of_the_rule_and_the_declared_one_is_silent() {
    let declared = rules(&[(0, 1), (1, 2)]);
    let right = recorded(&[(0, 1), (1, 2), (0, 2), (3, 0)]);
    assert_eq!(violations(&right, &declared, "lockgraph.toml"), []);

    let wrong = recorded(&[(2, 0)]);
    let found = violations(&wrong, &declared, "lockgraph.toml");
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!((&*finding.code, finding.severity.name()), ("LG007", "error"));
    for words in [
        "wants `a` while it holds `c`",
        "`a` before `b` (lockgraph.toml:2)",
        "before `c` (lockgraph.toml:5)",
    ] {
        assert!(finding.message.contains(words), "{}", finding.message);
    }
    assert_eq!(finding.rules.len(), 2);
    // A process that found it itself has told it.
    let mut told = wrong;
    told.findings.extend(found);
    assert_eq!(violations(&told, &declared, "lockgraph.toml"), []);
}

proptest! {
    /// Against the closure of the rules (Floyd and Warshall).
    #[test]
    fn what_is_against_the_rules_and_what_has_drifted_agree_with_the_closure(
        pairs in prop::collection::vec((0..5_usize, 0..5_usize), 0..6),
        edges in prop::collection::vec((0..5_usize, 0..5_usize), 0..12),
    ) {
        // Acyclic, as a declared order is.
        let pairs: Vec<(usize, usize)> = pairs.into_iter().filter(|(a, b)| a < b).collect();
        let edges: BTreeSet<(usize, usize)> = edges.into_iter().filter(|(a, b)| a != b).collect();
        let edges: Vec<(usize, usize)> = edges.into_iter().collect();
        let mut before = [[false; 5]; 5];
        pairs.iter().for_each(|&(a, b)| before[a][b] = true);
        for k in 0..5 {
            for i in 0..5 {
                for j in 0..5 {
                    before[i][j] |= before[i][k] && before[k][j];
                }
            }
        }
        let (dump, rules) = (recorded(&edges), rules(&pairs));

        let found = violations(&dump, &rules, "lockgraph.toml");
        let ends = |finding: &lockgraph_model::dump::Finding| {
            let class_of = |lock: Option<u64>| lock.unwrap() as usize - 1;
            (class_of(finding.cycle[0].from), class_of(finding.cycle[0].to))
        };
        let against: BTreeSet<_> = found.iter().map(ends).collect();
        let expected: BTreeSet<_> =
            edges.iter().copied().filter(|&(held, wanted)| before[wanted][held]).collect();
        prop_assert_eq!(against, expected);
        for finding in &found {
            let (held, wanted) = ends(finding);
            let chain = &finding.rules;
            prop_assert_eq!(&chain[0].before, NAMES[wanted]);
            prop_assert_eq!(&chain[chain.len() - 1].after, NAMES[held]);
            prop_assert!(chain.windows(2).all(|two| two[0].after == two[1].before));
        }

        let drift = drift(&dump, &rules);
        let unseen: Vec<usize> =
            (0..pairs.len()).filter(|&at| !edges.contains(&pairs[at])).collect();
        prop_assert_eq!(drift.unseen, unseen);
        let undeclared: BTreeSet<(usize, usize)> =
            drift.undeclared.iter().map(|&(from, to)| (class(&dump, from), class(&dump, to))).collect();
        let expected: BTreeSet<_> =
            edges.iter().copied().filter(|&(a, b)| !before[a][b] && !before[b][a]).collect();
        prop_assert_eq!(undeclared, expected);
    }
}
