//! New orders.

use super::{Work, pair};
use crate::clock::nanoseconds;
use crate::contestant::Contestant;
use crate::random::Random;

/// Enough for 11,175 pairs.
const LOCKS: usize = 150;

/// Pairs in random order, each for the first time, of locks that are used for the first time before
/// that. A round has locks of its own.
pub(super) fn new<C: Contestant>() -> Work {
    let mut random = Random::new(2);
    let mut pairs: Vec<(usize, usize)> =
        (0..LOCKS).flat_map(|b| (0..b).map(move |a| (a, b))).collect();
    Box::new(move |count| {
        let locks: Vec<_> = (0..LOCKS as u64).map(C::mutex).collect();
        locks.iter().for_each(|lock| *C::lock(lock) += 1);
        random.shuffle(&mut pairs);
        let pairs = &pairs[..pairs.len().min(count as usize)];
        let make = || pairs.iter().for_each(|&(a, b)| pair::<C>(&locks[a], &locks[b]));
        nanoseconds(make) / pairs.len() as f64
    })
}
