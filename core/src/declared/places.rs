//! The places of classes: one order of all of them, for those who take several locks at once.
//!
//! Guarantee: a class that has a place keeps it as long as the process lives, so that any two who
//! sort locks by (place of the class, id) agree, whenever they do, and whatever is declared in
//! between. As long as no rule contradicts the places that were given before it, the places agree with
//! all rules.
//!
//! Declared names get their places in a topological order of the rules, each other class the next
//! one after all when it is asked for first. Names that come later go between those that they are
//! declared to be between; where there is no room left (a few dozen times between the same two) they
//! share a place, and then only ids order their locks.

use super::{Declared, with};
use crate::lock::Class;
use crate::mem::SysVec;
use std::sync::atomic::Ordering;

/// Between two places that follow each other: room for names that are declared later.
const STEP: u64 = 1 << 40;

/// What was given.
pub(super) struct Places {
    /// The classes that have one.
    given: SysVec<&'static Class>,
    /// The highest.
    last: u64,
    /// Something was declared since the names got theirs.
    pub(super) is_stale: bool,
}

impl Places {
    pub(super) const fn new() -> Places {
        Places { given: SysVec::new(), last: 0, is_stale: false }
    }

    /// A place after all others. The end of them is one that all the rest share: ids tell their
    /// locks apart.
    fn next(&mut self) -> u64 {
        self.last = self.last.saturating_add(STEP);
        self.last
    }
}

impl Declared {
    /// Gives a class its place. It is known, and so are those that have one.
    fn settle(&mut self, class: &'static Class) {
        if class.place.load(Ordering::Relaxed) != 0 {
            return;
        }
        if std::mem::take(&mut self.places.is_stale) {
            self.adopt();
            self.place_names();
        }
        let name = self.names_of(class).and_then(|names| names.first().copied());
        let place = match name {
            Some(name) => self.names[name as usize].place,
            None => self.places.next(),
        };
        self.places.given.push(class);
        class.place.store(place, Ordering::Release);
    }

    /// A name that a class of its own was given the place of keeps that; the others are open again.
    fn adopt(&mut self) {
        self.names.iter_mut().for_each(|name| name.place = 0);
        for at in 0..self.places.given.len() {
            let class = self.places.given[at];
            let name = self.names_of(class).and_then(|names| names.first().copied());
            if let Some(name) = name.map(|name| &mut self.names[name as usize]) {
                if name.place == 0 {
                    name.place = class.place.load(Ordering::Relaxed);
                }
            }
        }
    }

    /// Gives every name its place: after those before it, and before those after it that have one.
    fn place_names(&mut self) {
        let order = self.topological();
        // The lowest place that was given to a name after it.
        let mut below: SysVec<u64> = SysVec::new();
        below.resize(self.names.len(), u64::MAX);
        for &name in order.iter().rev() {
            for &rule in self.names[name as usize].rules.iter() {
                let after = self.rules[rule as usize].after as usize;
                let place = match self.names[after].place {
                    0 => below[after],
                    place => place,
                };
                below[name as usize] = below[name as usize].min(place);
            }
        }
        let mut above: SysVec<u64> = SysVec::new();
        above.resize(self.names.len(), 0);
        for &name in order.iter() {
            let at = name as usize;
            if self.names[at].place == 0 {
                self.names[at].place = match below[at] {
                    u64::MAX => self.places.next(),
                    // Where there is no room between the two they are one place: still one order.
                    below => above[at].saturating_add((below.saturating_sub(above[at])) / 2).max(1),
                };
            }
            for &rule in self.names[at].rules.iter() {
                let after = self.rules[rule as usize].after as usize;
                above[after] = above[after].max(self.names[at].place);
            }
        }
    }

    /// The names, each after all that come before it by the rules, else in the order of declaration.
    fn topological(&self) -> SysVec<u32> {
        let mut before: SysVec<u32> = SysVec::new();
        before.resize(self.names.len(), 0);
        self.rules.iter().for_each(|edge| before[edge.after as usize] += 1);
        let mut order: SysVec<u32> = SysVec::new();
        let first = (0..self.names.len() as u32).filter(|&name| before[name as usize] == 0);
        first.for_each(|name| order.push(name));
        let mut next = 0;
        while next < order.len() {
            for &rule in self.names[order[next] as usize].rules.iter() {
                let after = self.rules[rule as usize].after;
                before[after as usize] -= 1;
                if before[after as usize] == 0 {
                    order.push(after);
                }
            }
            next += 1;
        }
        order
    }
}

/// The place of a class, for ever the same; never 0.
pub(crate) fn place(class: &'static Class) -> u64 {
    match class.place.load(Ordering::Acquire) {
        0 => first_place(class),
        place => place,
    }
}

/// The place that a class was given before, or 0.
pub(crate) fn given_place(class: &Class) -> u64 {
    class.place.load(Ordering::Acquire)
}

#[cold]
fn first_place(class: &'static Class) -> u64 {
    let classes = |declared: &Declared| {
        let mut classes = SysVec::new();
        classes.push(class);
        if declared.places.is_stale {
            declared.places.given.iter().for_each(|class| classes.push(*class));
        }
        classes
    };
    with(classes, |declared| declared.settle(class));
    class.place.load(Ordering::Acquire)
}

#[cfg(all(test, not(lockgraph_loom)))]
mod tests {
    use super::super::Added;
    use super::super::tests::{NAMES, POLICY, Pairs, rule};
    use super::*;
    use crate::lock::Class;
    use crate::mem::keep;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Declare(usize, usize),
        Place(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..NAMES.len(), 0..NAMES.len()).prop_map(|(a, b)| Step::Declare(a, b)),
            // Some classes are in no rule.
            (0..NAMES.len() + 3).prop_map(Step::Place),
        ]
    }

    /// As `first_place` does.
    fn place(declared: &mut Declared, class: &'static Class) -> u64 {
        let given = declared.places.given.clone();
        for class in given.iter().copied().chain([class]) {
            if declared.names_of(class).is_none() {
                declared.learn(class, &None);
            }
        }
        declared.settle(class);
        class.place.load(Ordering::Relaxed)
    }

    proptest! {
        /// A place is for ever, and as long as the rules do not contradict what was given, what is
        /// given agrees with them.
        #[test]
        fn places_stay_and_agree_with_the_rules(steps in prop::collection::vec(step(), 1..60)) {
            let class = |at: usize| {
                let name = NAMES.get(at).copied().unwrap_or("in no rule");
                keep(Class { name: Some(name), ..Class::plain(at as u32 + 1, &POLICY) })
            };
            let classes: Vec<&'static Class> = (0..NAMES.len() + 3).map(class).collect();
            let mut declared = Declared::new();
            let mut rules = Pairs::default();
            let mut given: Vec<Option<u64>> = vec![None; classes.len()];
            for step in steps {
                let agree = |rules: &Pairs, given: &[Option<u64>]| {
                    let pairs = (0..NAMES.len()).flat_map(|a| (0..NAMES.len()).map(move |b| (a, b)));
                    pairs.filter(|&(a, b)| rules.leads(a, b)).all(|(a, b)| {
                        given[a].is_none() || given[b].is_none() || given[a] < given[b]
                    })
                };
                match step {
                    Step::Declare(a, b) => {
                        let known = rules.add(a, b);
                        let refused = matches!(declared.add(rule(a, b)), Added::Refused(_));
                        prop_assert_eq!(refused, !known);
                    }
                    Step::Place(at) => {
                        let agreed = agree(&rules, &given);
                        let place = place(&mut declared, classes[at]);
                        prop_assert!(place != 0);
                        prop_assert_eq!(given[at].unwrap_or(place), place);
                        given[at] = Some(place);
                        prop_assert!(!agreed || agree(&rules, &given), "{:?}", given);
                    }
                }
            }
        }
    }

    #[test]
    fn names_without_room_share_a_place_and_the_rest_goes_on() {
        let mut declared = Declared::new();
        let names: Vec<&'static str> =
            (0..100).map(|at| crate::mem::leak_str(&format!("name {at}"))).collect();
        let class = |at: usize| {
            keep(Class { name: Some(names[at]), ..Class::plain(at as u32 + 1, &POLICY) })
        };
        let source = crate::rule::Source::Environment;
        let add = |declared: &mut Declared, before, after| {
            let rule = crate::rule::Rule { before: names[before], after: names[after], source };
            assert_eq!(declared.add(rule), Added::New);
        };
        add(&mut declared, 0, 99);
        let first = place(&mut declared, class(0));
        let mut before = place(&mut declared, class(99));
        // Each right after the first one, and before all later ones.
        for at in (1..99).rev() {
            add(&mut declared, 0, at);
            add(&mut declared, at, at + 1);
            let here = place(&mut declared, class(at));
            assert!(first <= here && here <= before, "{at}");
            before = here;
        }
        assert_eq!(first, before, "there was room for some dozens");
    }
}
