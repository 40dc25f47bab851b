//! Where our own options end and cargo's arguments begin.

use clap::{ArgAction, Command};
use std::ffi::{OsStr, OsString};

/// The commands that are passed on to cargo.
const PASSED_ON: [&str; 5] = ["test", "run", "build", "nextest", "doctor"];

/// Puts a `--` in front of the first argument that is not ours, so that clap leaves the rest alone,
/// another `--` included.
pub(crate) fn separate(args: Vec<OsString>, cli: &Command) -> Vec<OsString> {
    let name = args.get(1).and_then(|name| name.to_str());
    let Some(command) =
        name.filter(|name| PASSED_ON.contains(name)).and_then(|name| cli.find_subcommand(name))
    else {
        return args;
    };
    let mut at = 2;
    while let Some(width) = args.get(at).and_then(|arg| width(command, arg)) {
        at += width;
    }
    let mut args = args;
    let rest = args.split_off(at.min(args.len()));
    if !rest.is_empty() {
        args.push("--".into());
        args.extend(rest);
    }
    args
}

/// How many arguments an option of ours takes up, with its value.
fn width(command: &Command, arg: &OsStr) -> Option<usize> {
    let text = arg.to_str()?;
    if text == "-h" || text == "--help" {
        return Some(1);
    }
    let (name, inline) = text.split_once('=').map_or((text, false), |(name, _)| (name, true));
    let long = name.strip_prefix("--");
    let short = name.strip_prefix('-').filter(|name| name.chars().count() == 1);
    let known = command.get_arguments().find(|known| {
        long.is_some_and(|name| known.get_long() == Some(name))
            || short.is_some_and(|name| known.get_short() == name.chars().next())
    })?;
    let has_value = matches!(known.get_action(), ArgAction::Set | ArgAction::Append);
    Some(if has_value && !inline { 2 } else { 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn separated(args: &[&str]) -> Vec<String> {
        let args = args.iter().map(OsString::from).collect();
        let args = separate(args, &crate::cli::command());
        args.into_iter().map(|arg| arg.into_string().expect("as it came")).collect()
    }

    #[test]
    fn cargos_arguments_begin_after_our_options() {
        let args = ["c", "test", "--no-fail", "-p", "x", "--", "--nocapture"];
        let expected = ["c", "test", "--no-fail", "--", "-p", "x", "--", "--nocapture"];
        assert_eq!(separated(&args), expected);
        assert_eq!(separated(&["c", "test"]), ["c", "test"]);
        assert_eq!(separated(&["c", "run", "--", "x"]), ["c", "run", "--", "--", "x"]);
    }

    #[test]
    fn other_commands_stay() {
        assert_eq!(separated(&["c", "show", "x"]), ["c", "show", "x"]);
    }
}
