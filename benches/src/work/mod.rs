//! The works: what a row of the table measures.

mod deadlock;
mod orders;
mod threads;

use crate::clock::nanoseconds;
use crate::contestant::Contestant;
use crate::random::Random;
use std::hint::black_box;

/// Does so many units of a work, and returns the row's figure.
pub type Work = Box<dyn FnMut(u64) -> f64>;

/// The work called `name`, with everything known that a round should find known.
pub fn of<C: Contestant>(name: &str) -> Option<Work> {
    Some(match name {
        "lock" => {
            let [a] = mutexes::<C, 1>();
            each(move |_| *C::lock(&a) += 1)
        }
        "pair" => {
            let [a, b] = mutexes::<C, 2>();
            each(move |_| pair::<C>(&a, &b))
        }
        "depth8" => {
            let [a, b, c, d, e, f, g, h] = mutexes::<C, 8>();
            each(move |_| {
                let _a = C::lock(&a);
                let _b = C::lock(&b);
                let _c = C::lock(&c);
                let _d = C::lock(&d);
                let _e = C::lock(&e);
                let _f = C::lock(&f);
                let _g = C::lock(&g);
                *C::lock(&h) += 1;
            })
        }
        "read" => {
            let rwlock = C::rwlock(1);
            each(move |_| {
                black_box(*C::read(&rwlock));
            })
        }
        "pairs2k" => known_pairs::<C>(200, 2_000),
        "pairs20k" => known_pairs::<C>(2_000, 20_000),
        "create" => each(|i| {
            let lock = C::mutex(i);
            *C::lock(black_box(&lock)) += 1;
        }),
        "edge" | "edge_journal" => orders::new::<C>(),
        "threads" => threads::two_by_one::<C>(),
        "beside" => threads::beside_new_orders::<C>(),
        _ => return None,
    })
}

/// Works that only lockgraph does.
pub fn ours(name: &str) -> Option<Work> {
    Some(match name {
        "deadlock" => deadlock::from_closing_to_report(true),
        "deadlock_again" => deadlock::from_closing_to_report(false),
        _ => return None,
    })
}

fn mutexes<C: Contestant, const N: usize>() -> [C::Mutex; N] {
    std::array::from_fn(|i| C::mutex(i as u64))
}

fn pair<C: Contestant>(outer: &C::Mutex, inner: &C::Mutex) {
    let mut outer = C::lock(outer);
    let mut inner = C::lock(inner);
    (*outer, *inner) = (*outer + 1, *inner + 1);
}

/// A work whose unit is one call.
fn each(mut unit: impl FnMut(u64) + 'static) -> Work {
    Box::new(move |count| nanoseconds(|| (0..count).for_each(&mut unit)) / count as f64)
}

/// So many different pairs of so many locks, the older lock always outside, in random order.
fn known_pairs<C: Contestant>(locks: usize, pairs: usize) -> Work {
    let mut random = Random::new(1);
    let mut chosen = std::collections::BTreeSet::new();
    while chosen.len() < pairs {
        chosen.insert(random.ordered_pair(locks));
    }
    let mut chosen: Vec<_> = chosen.into_iter().collect();
    random.shuffle(&mut chosen);
    let locks: Vec<_> = (0..locks as u64).map(C::mutex).collect();
    let each_pair = move |count| {
        let pairs = chosen.iter().cycle().take(count);
        pairs.for_each(|&(a, b)| pair::<C>(&locks[a], &locks[b]));
    };
    Box::new(move |count| {
        // All of them first: a round is too short to fill the caches of the processor, which the
        // other contestants had in the meantime.
        each_pair(pairs);
        nanoseconds(|| each_pair(count as usize)) / count as f64
    })
}
