//! `cargo lockgraph`: what a person and a CI job do with the journals that lockgraph writes.
#![forbid(unsafe_code)]

mod cli;
mod colour;
mod command;
mod exit;
mod failure;
mod input;
mod names;
mod output;
mod pages;
mod policy;
mod programs;
mod progress;
mod report;
mod run;
mod source;
mod table;
mod time;
mod workspace;

fn main() -> std::process::ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    run::as_wrapper(&args).unwrap_or_else(|| cli::run(args.into_iter()))
}
