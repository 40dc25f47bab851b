//! Graphs to grow: which locks are nested in which, in what order, and by whom.

use crate::random::Random;

/// One nesting: up to three locks, the outermost first.
pub type Step = ([u32; 3], u8);

/// What to grow.
pub struct Shape {
    pub name: &'static str,
    pub what: &'static str,
    pub locks: usize,
    /// For each owner, which come one after the other.
    pub owners: Vec<Vec<Step>>,
}

/// The names of all shapes.
pub const NAMES: [&str; 8] =
    ["created", "random", "dag", "hubs", "chain", "layers", "gated", "cyclic"];

const fn pair(a: usize, b: usize) -> Step {
    ([a as u32, b as u32, 0], 2)
}

/// The shape called `name`, of so many locks and steps where it asks.
pub fn of(name: &str, locks: usize, steps: usize) -> Option<Shape> {
    let mut random = Random::new(3);
    let shape = |name, what, locks, owners| Some(Shape { name, what, locks, owners });
    match name {
        "created" => {
            let steps = (0..steps).map(|_| random.ordered_pair(locks)).map(|(a, b)| pair(a, b));
            let mut steps: Vec<_> = steps.collect();
            steps.sort_unstable();
            shape("created", "each lock inside older ones, in that order", locks, vec![steps])
        }
        "random" => {
            let steps = (0..steps).map(|_| random.ordered_pair(locks)).map(|(a, b)| pair(a, b));
            shape("random", "random pairs, the older lock outside", locks, vec![steps.collect()])
        }
        "dag" => {
            let mut place: Vec<usize> = (0..locks).collect();
            random.shuffle(&mut place);
            let pairs = (0..steps).map(|_| random.ordered_pair(locks));
            let steps = pairs.map(|(a, b)| pair(place[a], place[b])).collect();
            let what = "random pairs in an order that is not that of creation";
            shape("dag", what, locks, vec![steps])
        }
        "hubs" => {
            // Half of the locks go around the hubs, half inside, and which is luck.
            const HUBS: usize = 30;
            let mut place: Vec<usize> = (HUBS..locks).collect();
            random.shuffle(&mut place);
            let (around, inside) = place.split_at(place.len() / 2);
            let mut step = || {
                let hub = random.below(HUBS);
                match random.below(3) {
                    0 => pair(around[random.below(around.len())], hub),
                    1 => pair(hub, inside[random.below(inside.len())]),
                    _ => {
                        let (a, b) = random.ordered_pair(place.len());
                        pair(place[a], place[b])
                    }
                }
            };
            let steps = (0..steps).map(|_| step()).collect();
            shape("hubs", "thousands around and inside thirty hubs", locks, vec![steps])
        }
        "chain" => {
            let mut links: Vec<Step> = (1..locks).map(|i| pair(i, i - 1)).collect();
            links.push(pair(0, locks - 1));
            let mut chord = || {
                let (a, b) = random.ordered_pair(locks);
                if random.below(2) == 0 { pair(a, b) } else { pair(b, a) }
            };
            let chords = (0..steps).map(|_| chord()).collect();
            let what = "a chain against creation, closed to a circle; then chords by another owner";
            shape("chain", what, locks, vec![links, chords])
        }
        "layers" => {
            const LAYERS: usize = 10;
            let width = locks / LAYERS;
            let mut steps = Vec::new();
            for layer in 1..LAYERS {
                for outer in 0..width {
                    let inner = |inner| pair(layer * width + outer, (layer - 1) * width + inner);
                    steps.extend((0..width).map(inner));
                }
            }
            random.shuffle(&mut steps);
            let what = "ten layers, each lock around all of the next, against creation";
            shape("layers", what, width * LAYERS, vec![steps])
        }
        "gated" => {
            let both = |turned: bool| {
                let mut steps = Vec::new();
                for b in 1..locks {
                    for a in 1..b {
                        let (a, b) = if turned { (b, a) } else { (a, b) };
                        steps.push(([0, a as u32, b as u32], 3));
                    }
                }
                steps
            };
            let mut owners = [false, true].map(both);
            owners.iter_mut().for_each(|steps| random.shuffle(steps));
            shape(
                "gated",
                "all pairs both ways round by two owners, in a gate",
                locks,
                owners.into(),
            )
        }
        "cyclic" => {
            let mut step = || {
                let (a, b) = random.ordered_pair(locks);
                if random.below(2) == 0 { pair(a, b) } else { pair(b, a) }
            };
            let owners = (0..2).map(|_| (0..steps / 2).map(|_| step()).collect());
            shape("cyclic", "random pairs both ways round by two owners", locks, owners.collect())
        }
        _ => None,
    }
}
