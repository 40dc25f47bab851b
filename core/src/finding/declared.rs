//! What is said of declared orders.

use super::message::printable;
use super::site::At;
use crate::rule::{Rule, Source};
use std::fmt;

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Code(at) => At(at).fmt(f),
            Source::File(name, line) => write!(f, "{}:{line}", printable(name)),
            Source::Environment => f.write_str("LOCKGRAPH_ORDER"),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&chain(std::slice::from_ref(self)))
    }
}

/// Rules that follow on each other, and where they are declared.
pub(super) fn chain(rules: &[Rule]) -> String {
    let Some(first) = rules.first() else { return "not known any more".to_owned() };
    let mut text = format!("`{}`", printable(first.before));
    for (at, rule) in rules.iter().enumerate() {
        text.push_str(&format!(" before `{}`", printable(rule.after)));
        // Once for those that stand at one place.
        if rules.get(at + 1).is_none_or(|next| next.source != rule.source) {
            text.push_str(&format!(" ({})", rule.source));
        }
    }
    text
}

/// What to do about a request for `wanted` while `held` is held.
pub(super) fn violation_help(wanted: &str, held: &str, taken: &str) -> Vec<String> {
    vec![
        format!("take {wanted} before {held}"),
        format!("or drop the guard of {held}{taken} first"),
        "or, where this order is the right one, change the declaration".to_owned(),
    ]
}
