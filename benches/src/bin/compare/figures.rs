//! The figures: rounds of all contestants in turn.

use crate::Options;
use crate::entry::{Entry, Worker};
use lockgraph_benches::row::{Budget, ROWS, Row, Unit};
use std::collections::BTreeMap;
use std::time::Instant;

/// The middle of some figures, and the quarters on either side.
#[derive(Clone, Copy)]
pub struct Spread {
    pub low: f64,
    pub median: f64,
    pub high: f64,
}

impl Spread {
    fn of(mut figures: Vec<f64>) -> Spread {
        figures.sort_by(f64::total_cmp);
        let at = |part: usize| figures[(figures.len() - 1) * part / 4];
        Spread { low: at(1), median: at(2), high: at(3) }
    }
}

/// One field of the table.
pub struct Cell {
    pub row: &'static Row,
    pub entry: &'static Entry,
    pub figure: Spread,
    /// To the entry's base in the same round.
    pub ratio: Option<Spread>,
}

impl Cell {
    /// Whether the budget is kept; `None` where there is none.
    pub fn is_met(&self) -> Option<bool> {
        match self.entry.budget(self.row)? {
            Budget::Ratio(limit) => Some(self.ratio?.median <= limit),
            Budget::Nanoseconds(limit) => Some(self.figure.median <= limit),
        }
    }
}

pub struct Figures {
    pub cells: Vec<Cell>,
    pub rounds: usize,
}

impl Figures {
    pub fn collect(options: &Options) -> Result<Figures, String> {
        let chosen = |row: &&Row| {
            options.rows.is_empty() || options.rows.iter().any(|name| name == row.name)
        };
        if let Some(name) = options.rows.iter().find(|name| ROWS.iter().all(|r| r.name != **name)) {
            return Err(format!("no row {name}"));
        }
        let mut samples: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
        let mut counts = BTreeMap::new();
        for _ in 0..options.lives {
            let entries: Vec<_> = Entry::all(options.smoke).collect();
            let mut workers: BTreeMap<&str, Worker> = BTreeMap::new();
            for entry in &entries {
                workers.insert(entry.name, entry.worker()?);
            }
            for row in ROWS.iter().filter(chosen) {
                let doing: Vec<_> = entries.iter().filter(|entry| entry.does(row)).collect();
                for entry in &doing {
                    let worker = workers.get_mut(entry.name).expect("each has one");
                    let count = calibrate(worker, row, options)?;
                    counts.entry((row.name, entry.name)).or_insert(count);
                }
                for _ in 0..options.rounds {
                    for entry in &doing {
                        let key = (row.name, entry.name);
                        let worker = workers.get_mut(entry.name).expect("each has one");
                        samples.entry(key).or_default().push(worker.ask(row, counts[&key])?);
                    }
                }
            }
        }
        let mut cells = Vec::new();
        for row in ROWS.iter().filter(chosen) {
            for entry in Entry::all(options.smoke).filter(|entry| entry.does(row)) {
                let own = &samples[&(row.name, entry.name)];
                let base = samples.get(&(row.name, entry.base));
                let ratio = base.map(|base| own.iter().zip(base).map(|(own, base)| own / base));
                let ratio = ratio.map(|ratios| Spread::of(ratios.collect()));
                cells.push(Cell { row, entry, figure: Spread::of(own.clone()), ratio });
            }
        }
        Ok(Figures { cells, rounds: options.rounds * options.lives })
    }
}

/// How many units make a round; the worker is warm then.
fn calibrate(worker: &mut Worker, row: &Row, options: &Options) -> Result<u64, String> {
    if row.at_most > 0 {
        let count = if options.smoke { row.at_most.div_ceil(100) } else { row.at_most };
        worker.ask(row, count)?;
        return Ok(count);
    }
    let mut count = 16;
    loop {
        let start = Instant::now();
        let figure = worker.ask(row, count)?;
        let wanted = options.round.as_nanos() as f64;
        if start.elapsed() > options.round || count > 1 << 24 {
            let unit = if row.unit == Unit::Nanoseconds { figure } else { wanted / count as f64 };
            return Ok((wanted / unit).max(16.0) as u64);
        }
        count *= 2;
    }
}
