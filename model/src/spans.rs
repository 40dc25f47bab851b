//! The `seq` numbers of a journal, to find one that is there twice. Nearly all stand in order, so
//! that runs of them take no room.

/// Which numbers stood in which lines.
#[derive(Default)]
pub(crate) struct Spans(Vec<Span>);

/// `len` numbers from `seq` on, in as many lines from `number` on.
struct Span {
    seq: u64,
    number: u64,
    len: u64,
}

/// One number in two lines.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Twice {
    pub(crate) seq: u64,
    pub(crate) first: u64,
    pub(crate) second: u64,
}

impl Spans {
    /// Line `number` has `seq`.
    pub(crate) fn add(&mut self, seq: u64, number: u64) {
        match self.0.last_mut() {
            // `seq` may be the greatest number: nothing is added to it.
            Some(last)
                if seq > last.seq
                    && seq - last.seq == last.len
                    && number - last.number.min(number) == last.len =>
            {
                last.len += 1
            }
            _ => self.0.push(Span { seq, number, len: 1 }),
        }
    }

    /// The least number that two lines have, with the first two of its lines.
    pub(crate) fn twice(&mut self) -> Option<Twice> {
        self.0.sort_unstable_by_key(|span| (span.seq, span.number));
        // The span that reaches farthest so far.
        let mut far: Option<&Span> = None;
        for span in &self.0 {
            if let Some(known) = far.filter(|known| span.seq - known.seq < known.len) {
                let (a, b) = (known.number + (span.seq - known.seq), span.number);
                return Some(Twice { seq: span.seq, first: a.min(b), second: a.max(b) });
            }
            far = Some(span);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_number_that_is_there_twice_is_found(
            seqs in prop::collection::vec(prop_oneof![0u64..30, Just(u64::MAX)], 0..12),
            start in 0u64..20,
            run in 0u64..10,
        ) {
            let all: Vec<u64> = seqs.into_iter().chain(start..start + run).collect();
            let mut spans = Spans::default();
            for (number, &seq) in all.iter().enumerate() {
                spans.add(seq, number as u64 + 1);
            }
            let lines = |seq| (1..).zip(&all).filter(move |&(_, &s)| s == seq).map(|(n, _)| n);
            let least = all.iter().copied().filter(|&seq| lines(seq).count() > 1).min();
            let found = spans.twice();
            prop_assert_eq!(found.as_ref().map(|twice| twice.seq), least);
            if let Some(twice) = found {
                prop_assert!(twice.first < twice.second);
                prop_assert!(lines(twice.seq).any(|n| n == twice.first));
                prop_assert!(lines(twice.seq).any(|n| n == twice.second));
            }
        }
    }
}
