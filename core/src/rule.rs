//! What a program declares of the order of its locks, as plain data; and that an order which the
//! program's text declares does not contradict itself, seen by the compiler.

use crate::lock::Site;
use std::fmt;
use std::panic::Location;

/// `before` is taken before `after`, where one owner holds both.
///
/// Each is the name of a class, or where its locks are created: `file`, `file:line` or
/// `file:line:column`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The class that is taken first.
    pub before: &'static str,
    /// The class that is taken while it is held.
    pub after: &'static str,
    /// Where that is declared.
    pub source: Source,
}

/// Where a rule is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// In the program's text.
    Code(Site),
    /// In a file, at this line.
    File(&'static str, u64),
    /// In the variable `LOCKGRAPH_ORDER`.
    Environment,
}

/// A rank where an order mentions it.
#[derive(Clone, Copy, Debug)]
pub struct Mention {
    /// The constant.
    pub rank: &'static str,
    /// The name of the class.
    pub name: &'static str,
    /// The mention says the name.
    pub says: bool,
}

/// An order that the program's text declares: the macro `order!` of `lockgraph` makes one.
pub struct Order {
    chains: &'static [&'static [Mention]],
    at: Site,
}

/// Mentions that one `order!` may have.
const MAX_MENTIONS: usize = 256;

impl Order {
    /// In each chain a rank comes before the next one.
    ///
    /// # Panics
    /// Where that has a cycle; where a rank has two names, or a name two ranks; and beyond 256
    /// mentions. In a static that is an error of the compiler.
    #[track_caller]
    pub const fn new(chains: &'static [&'static [Mention]]) -> Order {
        let order = Order { chains, at: Location::caller() };
        let mut first = [0; MAX_MENTIONS];
        let mut is_last = [false; MAX_MENTIONS];
        let count = order.number(&mut first, &mut is_last);
        // How many ranks come before each: beyond their number there is a cycle.
        let mut depth = [0; MAX_MENTIONS];
        let mut settled = false;
        while !settled {
            settled = true;
            let mut at = 0;
            while at + 1 < count {
                if !is_last[at] && depth[first[at + 1]] <= depth[first[at]] {
                    depth[first[at + 1]] = depth[first[at]] + 1;
                    assert!(depth[first[at + 1]] < count, "the declared order has a cycle");
                    settled = false;
                }
                at += 1;
            }
        }
        order
    }

    /// Counts the mentions. For each: which one is the first of its rank, and whether a chain ends
    /// with it.
    const fn number(
        &self,
        first: &mut [usize; MAX_MENTIONS],
        is_last: &mut [bool; MAX_MENTIONS],
    ) -> usize {
        let mut all = [Mention { rank: "", name: "", says: false }; MAX_MENTIONS];
        let (mut count, mut chain) = (0, 0);
        while chain < self.chains.len() {
            let mut at = 0;
            while at < self.chains[chain].len() {
                assert!(count < MAX_MENTIONS, "more than 256 mentions in one order");
                let new = self.chains[chain][at];
                let mut known = 0;
                while known < count && !same(all[known].rank, new.rank) {
                    known += 1;
                }
                if known == count {
                    let mut other = 0;
                    while other < count {
                        let is_first = first[other] == other;
                        let taken = is_first && same(all[other].name, new.name);
                        assert!(!taken, "two ranks of the order have one name");
                        other += 1;
                    }
                } else {
                    let agrees = !new.says || same(all[known].name, new.name);
                    assert!(agrees, "a rank has its name where it is mentioned first");
                }
                all[count] = new;
                first[count] = known;
                is_last[count] = at + 1 == self.chains[chain].len();
                (count, at) = (count + 1, at + 1);
            }
            chain += 1;
        }
        count
    }

    /// Its rules, in the order of the text.
    pub(crate) fn rules(&'static self) -> impl Iterator<Item = Rule> {
        let source = Source::Code(self.at);
        let pairs = self.chains.iter().flat_map(|chain| chain.windows(2));
        pairs.map(move |pair| Rule {
            before: self.name(pair[0]),
            after: self.name(pair[1]),
            source,
        })
    }

    /// The name of a rank is said at its first mention, if at all.
    fn name(&self, mention: Mention) -> &'static str {
        let mut all = self.chains.iter().copied().flatten();
        all.find(|first| first.rank == mention.rank).map_or(mention.name, |first| first.name)
    }
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order").field("at", &self.at).finish_non_exhaustive()
    }
}

/// ASCII letters in lower case.
pub const fn lower<const N: usize>(text: &str) -> [u8; N] {
    let mut lower = [0; N];
    let mut at = 0;
    while at < N {
        lower[at] = text.as_bytes()[at].to_ascii_lowercase();
        at += 1;
    }
    lower
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    a.len() == b.len() && at == a.len()
}

/// Reads `LOCKGRAPH_ORDER`: `a<b<c,d<c`. A backslash takes the meaning from the character after it.
pub(crate) fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut chains = vec![vec![String::new()]];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let chain = chains.last_mut().expect("there is one from the start");
        match c {
            ',' => chains.push(vec![String::new()]),
            '<' => chain.push(String::new()),
            c => {
                let plain = if c == '\\' { chars.next() } else { Some(c) };
                let plain = plain.ok_or_else(|| "it ends with a backslash".to_owned())?;
                chain.last_mut().expect("a chain has a class").push(plain);
            }
        }
    }
    let mut rules = Vec::new();
    for chain in chains {
        let names: Vec<&str> = chain.iter().map(|name| name.trim()).collect();
        match names.as_slice() {
            [""] => {}
            [alone] => return Err(format!("{alone:?} comes before nothing")),
            names if names.contains(&"") => return Err("a class has no name".to_owned()),
            names => {
                rules.extend(names.windows(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned())))
            }
        }
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn mention(rank: &'static str, name: &'static str) -> Mention {
        Mention { rank, name, says: false }
    }

    static ORDER: Order = Order::new(&[
        &[
            Mention { says: true, ..mention("A", "the first") },
            mention("B", "b"),
            mention("C", "c"),
        ],
        &[mention("D", "d"), mention("A", "a")],
        &[mention("E", "e")],
    ]);

    #[test]
    fn the_rules_of_an_order_are_its_neighbours_by_the_names_that_it_says() {
        let rules: Vec<(&str, &str)> = ORDER.rules().map(|r| (r.before, r.after)).collect();
        assert_eq!(rules, [("the first", "b"), ("b", "c"), ("d", "the first")]);
        let Some(Rule { source: Source::Code(at), .. }) = ORDER.rules().next() else {
            panic!("it is in the text")
        };
        assert!(at.file().ends_with("rule.rs"));
    }

    #[test]
    fn an_order_that_contradicts_itself_is_none() {
        let bad = |chains: &'static [&'static [Mention]], why: &str| {
            let panic = std::panic::catch_unwind(|| Order::new(chains));
            let panic = panic.expect_err(why);
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            assert!(text.is_some_and(|text| text.contains(why)), "{why}");
        };
        const A: Mention = mention("A", "a");
        const B: Mention = mention("B", "b");
        const C: Mention = mention("C", "c");
        const SAME: Mention = mention("C", "a");
        const LATE: Mention = Mention { rank: "A", name: "x", says: true };
        bad(&[&[A, A]], "cycle");
        bad(&[&[A, B], &[B, A]], "cycle");
        bad(&[&[A, B, C], &[C, A]], "cycle");
        bad(&[&[A, SAME]], "one name");
        bad(&[&[A, B], &[LATE, B]], "mentioned first");
        // Two mentions of one rank make no circle by themselves.
        Order::new(&[&[A, B], &[A, C], &[C, B], &[A, B]]);
    }

    #[test]
    fn what_the_variable_says_is_read_as_a_whole_or_not_at_all() {
        let pairs = |text: &str| parse(text).expect("a good value");
        let owned = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(pairs("a<b"), [owned("a", "b")]);
        assert_eq!(pairs(" a < b <c, d<c,"), [owned("a", "b"), owned("b", "c"), owned("d", "c")]);
        assert_eq!(pairs(r"Vec\<u8>\,1<b\\"), [owned("Vec<u8>,1", r"b\")]);
        assert_eq!(pairs("src/log.rs:7:9<b"), [owned("src/log.rs:7:9", "b")]);
        assert_eq!(pairs(""), []);
        for bad in ["a", "a<", "<a", "a<b,c", "a<<b", r"a<b\"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
