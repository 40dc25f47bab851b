//! The declared order: what puts it into effect, and what breaks it.

use super::{graph, untracked};
use crate::config::{self, Tier};
use crate::declared;
use crate::evidence::{self, Request};
use crate::finding::Finding;
use crate::held::Hold;
use crate::mode::Want;
use crate::owner::{self, LOOK_AGAIN, OwnerBlock};
use crate::process;
use crate::rule::{Order, Rule};
use crate::sink;

/// LG007. A lock that its owner holds already was in order, or not, when it was taken first: only
/// an upgrade of it waits for others.
pub(super) fn violation(block: &OwnerBlock, request: Request, holds: &[Hold]) -> Option<Finding> {
    let again = request.want != Want::Upgrade && holds.iter().any(|hold| hold.id == request.id);
    let broken = declared::broken(request.class, holds).filter(|_| !again)?;
    let seq = graph().next_seq();
    Some(evidence::order_violation(block, request, &broken, holds, seq))
}

/// Puts rules into effect. One that contradicts others is not, which costs a warning.
pub(crate) fn declare(rules: impl Iterator<Item = Rule>) {
    let (refused, is_new) = declared::declare(rules);
    if is_new {
        // What has drawn nothing so far may be against the new rules.
        owner::for_each(|block| block.set(LOOK_AGAIN));
    }
    let is_off = config::tier() == Tier::Off as u8;
    if let Some((rule, other)) = refused.first().filter(|_| !is_off) {
        let why = match other {
            Some(other) => format!("it contradicts {other}"),
            None if rule.before == rule.after => "a class cannot come before itself".to_owned(),
            None => "there are too many rules".to_owned(),
        };
        let more = match refused.len() {
            1 => String::new(),
            more => format!("; {} more are not either", more - 1),
        };
        sink::warn(format_args!("the declared order {rule} is not in effect: {why}{more}"));
    }
}

/// Puts the order of a rank into effect, where it is not yet; what the environment says goes first.
pub(crate) fn declare_order(order: &'static Order) {
    process::tier_or_start();
    if !config::is_lost() && !declared::is_known(order) {
        untracked(|| declare(order.rules()));
    }
}
