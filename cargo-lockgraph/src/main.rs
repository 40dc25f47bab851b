//! `cargo lockgraph`: shows the lock graphs that lockgraph records.
#![forbid(unsafe_code)]

mod cli;
mod exit;
mod names;
mod show;
mod table;
mod time;

fn main() -> std::process::ExitCode {
    cli::run(std::env::args_os())
}
