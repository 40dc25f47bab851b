//! `worker CONTESTANT`: see `lockgraph_benches::worker`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    match lockgraph_benches::worker::serve(&name) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("worker: {why}");
            ExitCode::from(2)
        }
    }
}
