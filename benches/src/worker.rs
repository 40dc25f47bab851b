//! A worker: one contestant in a process of its own, asked through its standard input.
//!
//! `ROW COUNT` asks for so many units of a row's work; the answer is the row's figure in a line that
//! starts with [`ANSWER`]: some contestants have something to say of themselves.
//! Locks and what is known of them stay from one question to the next.

use crate::contestant::{Contestant, Lockgraph, LockgraphSync, ParkingLot, Std, TracingMutex};
#[cfg(feature = "peers")]
use crate::contestant::{Deloxide, Keepcalm};
use crate::work::{self, Work};
use std::collections::HashMap;
use std::io::{BufRead, Write};

/// How a line with an answer starts.
pub const ANSWER: &str = "figure ";

/// Answers as the contestant called `name` until there is no more input.
///
/// # Errors
/// What could not be done, in words.
pub fn serve(name: &str) -> Result<(), String> {
    match name {
        "parking_lot" => answer::<ParkingLot>(|_| None),
        "std" => answer::<Std>(|_| None),
        "lockgraph" => answer::<Lockgraph>(work::ours),
        "sync" => answer::<LockgraphSync>(|_| None),
        "tracing-mutex" => answer::<TracingMutex>(|_| None),
        #[cfg(feature = "peers")]
        "keepcalm" => answer::<Keepcalm>(|_| None),
        #[cfg(feature = "peers")]
        "deloxide" => answer::<Deloxide>(|_| None),
        _ => Err(format!("no contestant {name} in this build")),
    }
}

fn answer<C: Contestant>(own: impl Fn(&str) -> Option<Work>) -> Result<(), String> {
    C::start();
    let mut works = HashMap::new();
    for question in std::io::stdin().lock().lines() {
        let question = question.map_err(|error| error.to_string())?;
        let (row, count) = question.split_once(' ').ok_or("a question is ROW COUNT")?;
        let count = count.parse().map_err(|_| format!("{count} is no count"))?;
        if !works.contains_key(row) {
            let work = own(row).or_else(|| work::of::<C>(row));
            works.insert(row.to_string(), work.ok_or_else(|| format!("no row {row}"))?);
        }
        let figure = works.get_mut(row).expect("it is there now")(count);
        let mut out = std::io::stdout().lock();
        writeln!(out, "{ANSWER}{figure}")
            .and_then(|()| out.flush())
            .map_err(|error| error.to_string())?;
    }
    Ok(())
}
