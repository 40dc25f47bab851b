//! `compare [--smoke] [--json] [--rounds N] [--lives N] [ROW..]`: every row for every contestant,
//! beside each other. See `benches/compare`, which builds what this runs.

mod entry;
mod figures;
mod render;

use figures::Figures;
use std::process::ExitCode;
use std::time::Duration;

/// What the command line asks for.
struct Options {
    json: bool,
    smoke: bool,
    /// Rounds of each row in one life of the workers.
    rounds: usize,
    /// How often the workers are started anew: where a process keeps its memory is luck.
    lives: usize,
    /// What a round of one contestant takes, about.
    round: Duration,
    rows: Vec<String>,
}

fn options() -> Result<Options, String> {
    let (rounds, lives, round) = (40, 5, Duration::from_millis(1));
    let mut options = Options { json: false, smoke: false, rounds, lives, round, rows: Vec::new() };
    let mut arguments = std::env::args().skip(1);
    let number = |name: &str, value: Option<String>| {
        let value = value.and_then(|word| word.parse().ok()).filter(|&number| number > 0);
        value.ok_or_else(|| format!("{name} takes a number"))
    };
    while let Some(argument) = arguments.next() {
        match &*argument {
            "--json" => options.json = true,
            "--smoke" => {
                (options.smoke, options.rounds, options.lives) = (true, 2, 1);
                options.round = Duration::from_micros(100);
            }
            "--rounds" => options.rounds = number("--rounds", arguments.next())?,
            "--lives" => options.lives = number("--lives", arguments.next())?,
            row if !row.starts_with('-') => options.rows.push(argument),
            other => return Err(format!("no option {other}")),
        }
    }
    Ok(options)
}

fn run() -> Result<(), String> {
    let options = options()?;
    let figures = Figures::collect(&options)?;
    print!("{}", if options.json { render::json(&figures) } else { render::table(&figures) });
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("compare: {why}");
            ExitCode::FAILURE
        }
    }
}
