//! What to do about a finding, in a line or two; `explain` says more.

use super::sides::Story;
use crate::names::plain;
use lockgraph_model::dump::Finding;
use lockgraph_model::words::Confidence;

/// Whether something hangs now, and what the grade means.
pub(super) fn situation(finding: &Finding) -> Vec<String> {
    let is_now = finding.code == "LG002" || finding.message.starts_with("deadlock:");
    let now = match &*finding.code {
        _ if is_now => "this is no potential problem: it hung when it was reported",
        "LG003" if finding.confidence == Some(Confidence::Reproduced) => {
            "nothing hangs now: it did, in a test that made the orders meet, and was broken"
        }
        "LG003" => {
            "nothing hangs now: each order was seen on its own; the threads hang on the day that the orders meet"
        }
        _ if finding.message.starts_with("potential ") => {
            "nothing hung in this run; it hangs on the day that the others come in between"
        }
        _ => "",
    };
    let grade = match finding.confidence.filter(|_| matches!(&*finding.code, "LG003" | "LG004")) {
        None => "",
        Some(Confidence::Feasible) => {
            "feasible: different threads, no common gate, no start or join between them, and modes that block each other"
        }
        Some(Confidence::Gated) => "gated: another lock is held around two of the sides",
        Some(Confidence::Ordered) => {
            "ordered: the start or the join of a thread keeps two sides apart"
        }
        Some(Confidence::SameOwner) => "same_owner: one thread was seen on two sides",
        Some(Confidence::NeedsWriter) => {
            "needs_writer: a lock of the cycle blocks only behind a queued writer, and none was seen there"
        }
        Some(Confidence::Unproven) => {
            "unproven: a part of the evidence was merged, or not recorded"
        }
        Some(Confidence::Reproduced) => "reproduced: a steered run made it happen",
        Some(Confidence::Certain | Confidence::Hazard) => "",
    };
    let lines = [now, grade].into_iter().filter(|line| !line.is_empty()).map(str::to_owned);
    let declared = finding.rules.iter().map(|rule| {
        let (before, after, source) = (&rule.before, &rule.after, &rule.source);
        plain(&format!("declared: `{before}` before `{after}` ({source})")).into_owned()
    });
    lines.chain(declared).collect()
}

/// The lines after `help:`.
pub(super) fn help(finding: &Finding, story: &Story<'_>) -> Vec<String> {
    let lines: &[&str] = match &*finding.code {
        "LG003" => return order_help(finding, story),
        "LG001" => &[
            "drop the first guard before the second request, or pass it down instead of locking again",
            "a guard in the head of a `match`, `if let`, `while let` or `for` lives to the end of the whole statement",
        ],
        "LG004" => &["take the locks of these classes in one order everywhere"],
        "LG005" => &["take locks of one class in the order of a key that does not change"],
        "LG006" => &[
            "pass the first guard down to the code that reads again",
            "or read both times with `read_recursive()`, where the lock has it",
        ],
        "LG007" => &["take the locks in the declared order, or change the declaration"],
        "LG008" => &["drop the guard before the wait"],
        "LG009" => &["drop the guard before the `.await`"],
        "LG011" => {
            &["drop the other guard before the wait, or keep both things under the one mutex"]
        }
        "LG012" => &["let the guard be dropped on every path of the thread"],
        "LG013" => match finding.misuse.as_deref() {
            Some("unlock_not_held") => &["unlock where it was locked; use the guard"],
            Some("double_unlock") => &["unlock once for each acquisition"],
            Some("drop_while_held") => &["drop the guard first; do not forget or leak it"],
            Some("init_held") => &["drop the guard before the lock is initialised again"],
            Some("assert_not_held") => &["take the lock before that place, in that thread"],
            Some("condvar_two_mutexes") => &["use one mutex for one condition variable"],
            _ => &[],
        },
        _ => &[],
    };
    lines.iter().map(|&line| line.to_owned()).collect()
}

fn order_help(finding: &Finding, story: &Story<'_>) -> Vec<String> {
    let labels: Vec<&str> = story.sides.iter().map(|side| &*side.held.label).collect();
    let order = match labels[..] {
        [a, b] => format!("take {a} before {b} everywhere"),
        _ => format!("take the locks in one order everywhere, such as {}", labels.join(", ")),
    };
    let alone = match finding.confidence {
        Some(Confidence::Gated) => "it cannot hang while the gate stands around both sides",
        Some(Confidence::Ordered) => "it cannot hang while start and join keep the sides apart",
        Some(Confidence::SameOwner) => "it hangs only where a second thread runs the same code",
        Some(Confidence::NeedsWriter) => "it hangs only where a writer queues between the reads",
        _ => {
            "or hold one outer lock around all of it, or drop the first guard before taking the second lock"
        }
    };
    vec![order, alone.to_owned()]
}
