//! Suggested orders and chains, against naive oracles.

use crate::make::run;
use lockgraph_model::Dump;
use lockgraph_model::Policy;
use lockgraph_model::dump::{ClassEdge, Id};
use lockgraph_model::suggest::{of_edges, suggest_order, to_order_toml, why};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn edges(pairs: &[(Id, Id)]) -> Vec<ClassEdge> {
    let pairs: BTreeSet<(Id, Id)> = pairs.iter().copied().collect();
    pairs.into_iter().map(|(from, to)| ClassEdge { from, to, witness: None }).collect()
}

/// A dump of named classes 1 to 8, with these class edges.
fn dump(pairs: &[(Id, Id)]) -> Dump {
    let mut run = run(1);
    (1..=8).for_each(|lock| {
        run.lock(lock, &format!("c{lock}"));
    });
    Dump { class_edges: edges(pairs), ..run.dump() }
}

fn reaches(pairs: &[(Id, Id)], from: Id, to: Id) -> bool {
    let mut reached = BTreeSet::from([from]);
    for _ in 0..pairs.len() {
        reached.extend(
            pairs.iter().filter(|(a, _)| reached.contains(a)).map(|&(_, b)| b).collect::<Vec<_>>(),
        );
    }
    pairs.iter().any(|&(a, b)| b == to && reached.contains(&a))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_order_agrees_with_every_edge_but_those_it_names(
        pairs in prop::collection::vec((1u64..=8, 1u64..=8), 0..20)
    ) {
        let all = edges(&pairs);
        let suggestion = of_edges(&all);
        let at = |id| suggestion.order.iter().position(|&other| other == id).unwrap();
        let joined: BTreeSet<Id> =
            pairs.iter().filter(|(a, b)| a != b).flat_map(|&(a, b)| [a, b]).collect();
        prop_assert_eq!(suggestion.order.iter().copied().collect::<BTreeSet<_>>(), joined.clone());
        prop_assert_eq!(suggestion.order.len(), joined.len());
        for &(a, b) in pairs.iter().filter(|(a, b)| a != b) {
            prop_assert_eq!(at(a) < at(b), !suggestion.against.contains(&(a, b)));
        }
        let is_cyclic = (1..=8).any(|id| {
            let others: Vec<_> = pairs.iter().copied().filter(|(a, b)| a != b).collect();
            reaches(&others, id, id)
        });
        prop_assert_eq!(suggestion.against.is_empty(), !is_cyclic);
        if !is_cyclic {
            prop_assert_eq!(Some(suggestion.order), lockgraph_model::order::order(&all));
        }
    }

    #[test]
    fn a_chain_is_a_shortest_one(
        pairs in prop::collection::vec((1u64..=8, 1u64..=8), 0..16),
        from in 1u64..=8,
        to in 1u64..=8,
    ) {
        // Classes reached after each number of steps.
        let mut steps = BTreeSet::from([from]);
        let shortest = (1..=8).find(|_| {
            steps = pairs.iter().filter(|(a, _)| steps.contains(a)).map(|&(_, b)| b).collect();
            steps.contains(&to)
        });
        let dump = dump(&pairs);
        let chain = why(&dump, from, to);
        prop_assert_eq!(chain.as_ref().map(Vec::len), shortest);
        if let Some(chain) = chain {
            prop_assert_eq!((chain[0].from, chain[chain.len() - 1].to), (from, to));
            prop_assert!(chain.windows(2).all(|pair| pair[0].to == pair[1].from));
        }
    }

    #[test]
    fn the_rules_of_an_order_are_read_back_and_imply_every_edge(
        pairs in prop::collection::vec((1u64..=8, 1u64..=8), 0..16)
    ) {
        let dump = dump(&pairs);
        let suggestion = suggest_order(&dump);
        let policy = Policy::parse(&to_order_toml(&dump, &suggestion), "order.toml").unwrap();
        let id = |text: &str| text[1..].parse::<Id>().unwrap();
        let rules: Vec<(Id, Id)> =
            policy.order.iter().map(|rule| (id(rule.before.as_str()), id(rule.after.as_str()))).collect();
        for &(a, b) in pairs.iter().filter(|pair| pair.0 != pair.1 && !suggestion.against.contains(pair)) {
            prop_assert!(reaches(&rules, a, b));
        }
        for (i, &(a, b)) in rules.iter().enumerate() {
            let mut others = rules.clone();
            others.remove(i);
            prop_assert!(!reaches(&others, a, b), "{a} < {b} follows from the others");
        }
    }
}

#[test]
fn a_chain_and_a_ring_of_200000_classes_overflow_nothing() {
    let count = 200_000;
    let mut pairs: Vec<(Id, Id)> = (1..count).map(|id| (id, id + 1)).collect();
    let mut long = Dump { class_edges: edges(&pairs), ..dump(&[]) };
    assert_eq!(why(&long, 1, count).map(|chain| chain.len() as u64), Some(count - 1));
    assert_eq!(suggest_order(&long).order.len() as u64, count);
    pairs.push((count, 1));
    long.class_edges = edges(&pairs);
    let suggestion = suggest_order(&long);
    assert_eq!(suggestion.order.len() as u64, count);
    assert_eq!(suggestion.against.len(), 1);
}

#[test]
fn names_that_toml_must_escape_are_read_back() {
    let mut run = run(1);
    run.lock(1, r#"a \"quoted\" \\ back"#).lock(2, r"tab\tnew\nline");
    let dump = Dump { class_edges: edges(&[(1, 2)]), ..run.dump() };
    let text = to_order_toml(&dump, &suggest_order(&dump));
    let policy = Policy::parse(&text, "order.toml").unwrap();
    assert_eq!(policy.order[0].before.classes(&dump), [1]);
    assert_eq!(policy.order[0].after.as_str(), "tab\tnew\nline");
}
