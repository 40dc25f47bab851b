//! What the user asks of cargo, as far as it must be known here. The arguments themselves go to
//! cargo as they are.

use super::Kind;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The arguments for cargo.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) kind: Kind,
    /// All, but for `--target-dir` and `--config`.
    pub(crate) args: Vec<OsString>,
    /// How many of these are cargo's: what follows is for the program, or for the tests.
    cargos: usize,
    pub(crate) target: Option<String>,
    pub(crate) target_dir: Option<PathBuf>,
    /// The values of `--config`.
    pub(crate) configs: Vec<String>,
    /// Those that `cargo metadata` takes as well.
    pub(crate) for_metadata: Vec<OsString>,
    pub(crate) builds_std: bool,
}

/// Options of cargo that say where the workspace is and what may be touched.
const METADATA_FLAGS: [&str; 3] = ["--locked", "--offline", "--frozen"];
const METADATA_VALUES: [&str; 3] = ["--manifest-path", "--config", "--lockfile-path"];

impl Request {
    pub(crate) fn new(kind: Kind, args: Vec<OsString>) -> Request {
        let mut request = Request { kind, ..Request::default() };
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            // What `cargo run` does not know is for the program, with all that follows.
            let is_programs = kind == Kind::Run && !arg.to_string_lossy().starts_with('-');
            if arg == "--" || is_programs {
                request.cargos = request.args.len();
                request.args.push(arg);
                request.args.extend(args);
                return request;
            }
            request.take(arg, &mut args);
        }
        request.cargos = request.args.len();
        request
    }

    fn take(&mut self, arg: OsString, rest: &mut impl Iterator<Item = OsString>) {
        let text = arg.to_string_lossy().into_owned();
        let (name, inline) = match text.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            _ => (text.as_str(), None),
        };
        if METADATA_FLAGS.contains(&name) {
            self.for_metadata.push(arg.clone());
        }
        let has_value =
            METADATA_VALUES.contains(&name) || ["--target", "--target-dir", "-Z"].contains(&name);
        if text.starts_with("-Z") && text.contains("build-std") {
            self.builds_std = true;
        }
        if !has_value {
            self.args.push(arg);
            if self.kind == Kind::Run && RUN_VALUES.contains(&&*text) {
                self.args.extend(rest.next());
            }
            return;
        }
        let separate = if inline.is_none() { rest.next() } else { None };
        if inline.is_none() && separate.is_none() {
            // Cargo misses the value, and says so.
            return self.args.push(arg);
        }
        let value = inline.unwrap_or_else(|| lossy(separate.as_deref()));
        match name {
            "--target-dir" => {
                self.target_dir = Some(separate.map_or_else(|| value.into(), PathBuf::from));
                return;
            }
            "--target" => self.target = Some(value),
            "-Z" => self.builds_std |= value.starts_with("build-std"),
            _ => {
                self.for_metadata.push(arg.clone());
                self.for_metadata.extend(separate.clone());
                if name == "--config" {
                    self.configs.push(value);
                    return;
                }
            }
        }
        self.args.push(arg);
        self.args.extend(separate);
    }
}

/// Options of `cargo run` with a value in the next argument, besides those that matter here.
const RUN_VALUES: [&str; 12] = [
    "--bin",
    "--color",
    "--example",
    "--features",
    "--jobs",
    "--message-format",
    "--package",
    "--profile",
    "-C",
    "-F",
    "-j",
    "-p",
];

/// What `nextest run` does not take together with `--no-run`.
const NEXTEST_RUNS: [&str; 6] =
    ["--fail-fast", "--ff", "--max-fail", "--nff", "--no-fail-fast", "--no-run"];

impl Request {
    /// The command and the arguments that compile the same, and run nothing.
    pub(crate) fn without_running(&self) -> (&'static [&'static str], Vec<&OsString>) {
        let mut args: Vec<_> = self.args[..self.cargos].iter().collect();
        let is_doc = args.iter().any(|arg| *arg == "--doc");
        let command: &[&str] = match self.kind {
            Kind::Test if !is_doc => &["test", "--no-run"],
            Kind::Nextest => &["nextest", "run", "--no-run"],
            _ => &["build"],
        };
        match self.kind {
            Kind::Test => args.retain(|arg| *arg != "--doc" && *arg != "--no-run"),
            Kind::Nextest => {
                args.remove(0);
                let mut is_value = false;
                args.retain(|arg| {
                    let name = arg.to_str().and_then(|arg| arg.split('=').next()).unwrap_or("");
                    let stays = !is_value && !NEXTEST_RUNS.contains(&name);
                    is_value = *arg == "--max-fail";
                    stays
                });
            }
            Kind::Run | Kind::Build => {}
        }
        (command, args)
    }
}

fn lossy(text: Option<&OsStr>) -> String {
    text.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(args: &[&str]) -> Request {
        Request::new(Kind::Test, args.iter().map(OsString::from).collect())
    }

    #[test]
    fn what_matters_is_found_and_the_rest_stays() {
        let args = ["-p", "x", "--target=t", "--offline", "--config", "build.rustc='r'", "--"];
        let request = request(&[&args[..], &["--target", "u"]].concat());
        assert_eq!(request.target.as_deref(), Some("t"));
        assert_eq!(request.configs, ["build.rustc='r'"]);
        assert_eq!(request.for_metadata, ["--offline", "--config", "build.rustc='r'"]);
        assert_eq!(request.args.len(), 7);
        assert!(!request.builds_std);
    }

    #[test]
    fn what_only_compiles_is_a_command_that_cargo_takes() {
        let of = |kind, args: &[&str]| {
            let request = Request::new(kind, args.iter().map(OsString::from).collect());
            let (command, args) = request.without_running();
            let args = args.into_iter().map(|arg| arg.to_string_lossy().into_owned());
            command.iter().map(ToString::to_string).chain(args).collect::<Vec<_>>().join(" ")
        };
        let test = ["--no-run", "-p", "x", "filter", "--", "--nocapture"];
        assert_eq!(of(Kind::Test, &test), "test --no-run -p x filter");
        assert_eq!(of(Kind::Test, &["--doc", "-q"]), "build -q");
        let run = ["--release", "--bin", "x", "-pbank", "5", "-q", "--", "y"];
        assert_eq!(of(Kind::Run, &run), "build --release --bin x -pbank");
        let nextest = ["run", "--max-fail", "3", "--nff", "--max-fail=1", "-p", "x", "run"];
        assert_eq!(of(Kind::Nextest, &nextest), "nextest run --no-run -p x run");
        assert_eq!(of(Kind::Build, &["--all-targets"]), "build --all-targets");
    }

    #[test]
    fn what_is_for_the_program_is_left_alone() {
        let args = ["--bin", "x", "arg", "--config", "c", "--target-dir", "d"];
        let request = Request::new(Kind::Run, args.iter().map(OsString::from).collect());
        assert_eq!(request.args, args);
        assert!(request.configs.is_empty() && request.target_dir.is_none());
    }

    #[test]
    fn the_target_folder_is_taken_out() {
        for args in [&["--target-dir", "d", "-q"][..], &["--target-dir=d", "-q"]] {
            let request = request(args);
            assert_eq!(request.target_dir.as_deref(), Some(std::path::Path::new("d")));
            assert_eq!(request.args, ["-q"]);
        }
        assert_eq!(request(&["--target-dir"]).args, ["--target-dir"]);
        assert!(request(&["-Zbuild-std"]).builds_std);
        assert!(request(&["-Z", "build-std=std"]).builds_std);
    }
}
